"""How a run's outcome shows in Prefect: the state's name and message tell it, its type is what alerts look at.

| outcome | state name | type |
|---|---|---|
| published, unchanged, planned | `Published`, `Unchanged`, `Planned` | COMPLETED |
| held, and every error | `Held`, `Refused`, `Partial`, `Source Failed`, … | FAILED |
| locked | `Skipped` | CANCELLED: nothing is wrong, and nothing was done |
| a range of which every date went well | how many ended how, such as `12 Published, 3 Unchanged` | COMPLETED |
| a range with other dates | how many of those, such as `1 Held, 2 Partial` | FAILED |
| a range that was stopped | `Interrupted` | FAILED: it can be resumed |
"""

from collections import Counter
from typing import Final

from prefect.client.schemas.objects import State, StateType

from reingest.errors import Bug, ReingestError
from reingest.operations.outcome_text import outcome_sentence
from reingest.operations.ranges.report import DateEnd, RangeReport
from reingest.operations.ranges.report_text import change_text, counts_text
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


def state_of_end(end: DateEnd) -> State[None]:
    """Return the state in which the task of one date of a range ends."""
    if end.outcome is None:
        raise Bug("a date of a range ended without an outcome", settlement_date=end.settlement_date)
    told = end.error
    message = f"{told.code}: {told.text}. Next: {told.next_command}" if told else change_text(end) or end.outcome
    return _state(end.outcome, message)


def state_of_range(report: RangeReport) -> State[None]:
    """Return the state in which the flow run of a range ends."""
    message = f"{counts_text(report)}. Next: {report.next_command or f'reingest range show {report.range_id}'}"
    if report.state == "interrupted":
        why = f"{report.error.code}: {report.error}. " if report.error else ""
        return State(type=StateType.FAILED, name="Interrupted", message=why + message)
    counts = Counter(end.outcome for end in report.left or report.ends if end.outcome)
    name = ", ".join(f"{count} {_name(outcome)}" for outcome, count in counts.most_common())
    return State(type=StateType.FAILED if report.left else StateType.COMPLETED, name=name, message=message)


def _state(outcome: RunOutcome, message: str) -> State[None]:
    return State(type=_type(outcome), name=_name(outcome), message=message)


def _name(outcome: RunOutcome) -> str:
    return _NAMES.get(outcome, outcome.replace("_", " ").title())


def _type(outcome: RunOutcome) -> StateType:
    if outcome == "locked":
        return StateType.CANCELLED
    return StateType.FAILED if EXIT_CODES[outcome] else StateType.COMPLETED
