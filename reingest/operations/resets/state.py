"""Reset of state: what runs remember between them, so that the next run of a date does every step again."""

from dataclasses import replace

from reingest.operations.resets.plan import ResetPlan, ResetRequest
from reingest.store.database import Connection
from reingest.store.fetches import forget_fetches
from reingest.store.resetting import abandon_versions_in_span, state_taken, unstage_span


def plan(connection: Connection, request: ResetRequest, blank: ResetPlan) -> ResetPlan:
    """Return what would go: open and held versions are abandoned, answers are not taken over, nothing stays staged."""
    again = [f"reingest date {request.span.first}"] if request.span.first else []
    return replace(blank, takes=state_taken(connection, request.span), next_commands=again)


def take_away(connection: Connection, request: ResetRequest, _plan: ResetPlan) -> dict[str, int]:
    """Abandon and forget; return how many of each there were."""
    dates = [request.span.first] if request.span.first else None
    return {
        "version": abandon_versions_in_span(connection, request.span),
        "fetch": forget_fetches(connection, dates),
        "staged_stack": unstage_span(connection, request.span),
    }
