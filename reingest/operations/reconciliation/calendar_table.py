"""Verdicts as a calendar: a line a month, a sign a day."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date, timedelta
from types import MappingProxyType
from typing import Final

from reingest.store.reconciliation import JudgedDate

SIGNS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "same": "=",
        "repaired": "R",
        "published": "N",
        "changed": "C",
        "missing": "M",
        "held": "H",
        "failed": "!",
        "locked": "L",
        "unjudged": "?",
    }
)
NOT_DUE: Final = "·"
NO_DAY: Final = " "
LEGEND: Final = (
    "= same  R repaired  N newly published  C changed  M missing  H held  ! failed  L locked  ? not come to  · not due"
)
LONGEST_MONTH: Final = 31
_RULER: Final = "1   5    10   15   20   25   30"


def calendar_rows(dates: Iterable[JudgedDate]) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Yield every month that has a date, the oldest first, as `2025-03` and a sign for each of 31 days.

    A day that the month does not have is a space.
    """
    signs = {one.settlement_date: SIGNS[one.verdict or "unjudged"] for one in dates}
    for month in sorted({day.replace(day=1) for day in signs}):
        days = (month + timedelta(days=offset) for offset in range(LONGEST_MONTH))
        yield (
            f"{month:%Y-%m}",
            tuple(signs.get(day, NOT_DUE) if _same_month(day, month) else NO_DAY for day in days),
        )


def calendar_lines(dates: Sequence[JudgedDate]) -> list[str]:
    """Return the calendar for a terminal, with its legend; nothing where no date was due."""
    lines = [f"{month}  {''.join(signs).rstrip()}" for month, signs in calendar_rows(dates)]
    return [*lines, "", LEGEND] if lines else []


def calendar_markdown(dates: Sequence[JudgedDate]) -> str:
    """Return the calendar as a block of Markdown, with its legend; empty where no date was due.

    As a table of 31 columns it would be cut off in the middle of the month by most pages.
    """
    lines = [f"{month}  {''.join(signs).rstrip()}" for month, signs in calendar_rows(dates)]
    if not lines:
        return ""
    legend = ", ".join(f"`{sign}` {meaning}" for sign, _, meaning in (one.partition(" ") for one in LEGEND.split("  ")))
    return "\n".join(["```", f"{'':<{len('2025-03  ')}}{_RULER}", *lines, "```", "", legend])


def _same_month(day: date, month: date) -> bool:
    return (day.year, day.month) == (month.year, month.month)
