"""What is staged of a date in words: a character a period, a line a run, what is missing, what to do next."""

from collections.abc import Iterable, Iterator
from datetime import timedelta
from itertools import groupby
from typing import Final

from reingest.calendar import settlement_periods
from reingest.curtailment.outcomes import combine_outcomes
from reingest.operations.figures_text import counted, period_ranges
from reingest.operations.staging.staged_date import StagedDate
from reingest.store.staging import StagedStack

CELLS: Final = {"fetched": "#", "confirmed_empty": "0", "not_published": "?"}
PARTLY: Final = "-"
NOTHING: Final = "."
OVERTAKEN: Final = "<"
LEGEND: Final = "# with rows  0 empty  ? not published  - one side only  . not staged  < older than what is served"

_UNITS: Final = (("day", 86_400), ("hour", 3_600), ("minute", 60))


def staged_lines(staged: StagedDate) -> Iterator[str]:
    """Yield what is staged of a date, line by line; nothing where nothing is."""
    if not staged.stacks:
        return
    yield f"Staged and not published: {staged_sentence(staged)}"
    yield "  " + "".join(f"{number:<6}" for number in range(1, staged.expected + 1, 6)).rstrip()
    yield f"  {''.join(_cell(staged, period.number) for period in settlement_periods(staged.settlement_date))}"
    yield f"  {LEGEND}"
    yield from (f"  {line}" for line in _lines_by_run(staged.stacks))
    yield from next_lines(staged)


def next_lines(staged: StagedDate) -> Iterator[str]:
    """Yield what the date lacks, and the command that brings it further."""
    if staged.lacking:
        yield f"Missing: {staged.lacks_sentence()}"
    yield f"Next: {staged.next_command}"


def staged_sentence(staged: StagedDate) -> str:
    """Return how much can be published, such as `12 of 48 periods, bid and offer`."""
    return f"{staged.ready_periods} of {counted(staged.expected, 'period')}, {' and '.join(staged.sides)}"


def age_text(age: timedelta) -> str:
    """Return an age for people, in its largest unit: `3 hours`, or `less than a minute`."""
    seconds = int(age.total_seconds())
    return next(
        (counted(seconds // length, unit) for unit, length in _UNITS if seconds >= length), "less than a minute"
    )


def staged_rows(staged: StagedDate) -> list[dict[str, str]]:
    """Return a row of texts for each period and side of the calendar, staged or not, for a table."""
    periods = (period.number for period in settlement_periods(staged.settlement_date))
    return [
        _row(period, side, staged.by_subject.get((period, side)), staged.lacking.get((period, side)))
        for period in periods
        for side in staged.sides
    ]


def _row(period: int, side: str, stack: StagedStack | None, lack: str | None) -> dict[str, str]:
    row = {"period": str(period), "side": side, "staged": (lack or "ready").replace("_", " ")}
    if stack is None:
        return row | dict.fromkeys(("outcome", "rows", "by", "staged at"), "")
    return row | {
        "outcome": stack.outcome,
        "rows": str(stack.rows),
        "by": f"{stack.holder}@{stack.host}",
        "staged at": f"{stack.staged_at:%Y-%m-%d %H:%M:%SZ}",
    }


def _cell(staged: StagedDate, period: int) -> str:
    stacks = [stack for side in staged.sides if (stack := staged.by_subject.get((period, side))) is not None]
    if not stacks:
        return NOTHING
    if any(stack.overtaken for stack in stacks):
        return OVERTAKEN
    if len(stacks) < len(staged.sides):
        return PARTLY
    return CELLS[combine_outcomes(stack.outcome for stack in stacks)]


def _lines_by_run(stacks: Iterable[StagedStack]) -> Iterator[str]:
    """Yield a line for each run that staged, the first one first."""
    in_order = sorted(stacks, key=lambda stack: (stack.run_id, stack.period))
    runs = [list(group) for _, group in groupby(in_order, key=lambda stack: stack.run_id)]
    for run in sorted(runs, key=lambda run: max(stack.staged_at for stack in run)):
        periods = period_ranges({stack.period for stack in run})
        last = max(stack.staged_at for stack in run)
        oldest = age_text(max(stack.age for stack in run))
        yield (
            f"periods {periods} ({counted(len(run), 'stack')}) by {run[0].holder} on {run[0].host}, "
            f"{last:%Y-%m-%d %H:%M:%SZ}; the oldest answer is {oldest} old (run {run[0].run_id})"
        )
