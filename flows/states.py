"""How a run's outcome shows in Prefect: the state's name and message tell it, its type is what alerts look at.

| outcome | state name | type |
|---|---|---|
| published, unchanged, planned | `Published`, `Unchanged`, `Planned` | COMPLETED |
| held, and every error | `Held`, `Refused`, `Partial`, `Source Failed`, … | FAILED |
| locked | `Skipped` | CANCELLED: nothing is wrong, and nothing was done |
"""

from typing import Final

from prefect.client.schemas.objects import State, StateType

from reingest.errors import ReingestError
from reingest.operations.outcome_text import outcome_sentence
from reingest.operations.reingest import outcome_of_error
from reingest.operations.report import DateReport
from reingest.store.runs import EXIT_CODES, RunOutcome

_NAMES: Final[dict[RunOutcome, str]] = {"locked": "Skipped"}


def state_of_report(report: DateReport) -> State[None]:
    """Return the state in which a flow run ends whose date went through its stages."""
    return _state(report.outcome, outcome_sentence(report))


def state_of_error(error: ReingestError) -> State[None]:
    """Return the state in which a flow run ends that an error stopped."""
    outcome = outcome_of_error(error)
    message = f"{error.code}: {error}. {error.safe} Next: {error.next_command}"
    return _state(outcome, message)


def _state(outcome: RunOutcome, message: str) -> State[None]:
    name = _NAMES.get(outcome, outcome.replace("_", " ").title())
    return State(type=_type(outcome), name=name, message=message)


def _type(outcome: RunOutcome) -> StateType:
    if outcome == "locked":
        return StateType.CANCELLED
    return StateType.FAILED if EXIT_CODES[outcome] else StateType.COMPLETED
