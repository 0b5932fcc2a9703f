"""The publish of what is staged of a date: a run of it, by the same stages, whose stacks are the staged ones."""

from datetime import date
from uuid import UUID

from reingest.operations.request import DateRequest


def staged_request(
    settlement_date: date,
    *,
    plan: bool = False,
    reason: str | None = None,
    wait_seconds: float = 0,
    flow_run_id: UUID | None = None,
) -> DateRequest:
    """Return the request that publishes what is staged of a date, or plans that; any way of running a date takes it."""
    return DateRequest(
        settlement_date=settlement_date,
        plan=plan,
        source="staged",
        reason=reason,
        wait_seconds=wait_seconds,
        flow_run_id=flow_run_id,
    )
