"""Reset of operations: run logs, runs that nothing refers to, and facts that every sink has had."""

from dataclasses import replace

from reingest.operations.resets.plan import ResetPlan, ResetRequest
from reingest.store.database import Connection
from reingest.store.resetting import delete_operations, operations_taken


def plan(connection: Connection, request: ResetRequest, blank: ResetPlan) -> ResetPlan:
    """Return what would go: what has ended by now, so that a run under way keeps its log."""
    return replace(blank, takes=operations_taken(connection, blank.before, run_logs=request.run_logs))


def take_away(connection: Connection, request: ResetRequest, plan: ResetPlan) -> dict[str, int]:
    """Delete what had ended when the plan was made; return how many rows went, by table."""
    return delete_operations(connection, plan.before, run_logs=request.run_logs)
