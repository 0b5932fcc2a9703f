"""Spans of settlement dates as people write them: a date, a month, a year, and lists of these."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final, Literal

from reingest.errors import BadUsage

_SPAN: Final = re.compile(r"([0-9]{4})(?:-([0-9]{2}))?(?:-([0-9]{2}))?")
# The calendar knows Europe/London's clocks from here on, and no settlement date is older than BETTA.
FIRST_YEAR: Final = 2001
LAST_YEAR: Final = 2040


@dataclass(frozen=True, slots=True)
class Span:
    """One date, one month or one year.

    Attributes:
        start: Its first date.
        end: The date after its last.
    """

    kind: Literal["day", "month", "year"]
    start: date
    end: date

    def __str__(self) -> str:
        """Return it as it is written: 2022-01-31, 2022-01 or 2022."""
        text = self.start.isoformat()
        return {"day": text, "month": text[:7], "year": text[:4]}[self.kind]

    @property
    def dates(self) -> Iterator[date]:
        """Its dates, in order."""
        return (self.start + timedelta(days=offset) for offset in range((self.end - self.start).days))


def settlement_span(text: str) -> Span:
    """Read a date, a month or a year.

    Raises:
        BadUsage: none of the three, or outside the calendar.
    """
    match = _SPAN.fullmatch(text)
    if match is None:
        raise BadUsage(f"{text!r} is not a date, month or year; write 2022-01-31, 2022-01 or 2022")
    year, month, day = match.groups()
    try:
        start = date(int(year), int(month or 1), int(day or 1))
    except ValueError as error:
        raise BadUsage(f"{text!r} is not in the calendar: {error}") from error
    if not FIRST_YEAR <= start.year <= LAST_YEAR:
        raise BadUsage(f"{text!r} is outside the years {FIRST_YEAR} to {LAST_YEAR}")
    if day:
        return Span("day", start, start + timedelta(days=1))
    if month:
        return Span("month", start, (start + timedelta(days=31)).replace(day=1))
    return Span("year", start, date(start.year + 1, 1, 1))


def listed_dates(text: str) -> frozenset[date]:
    """Read a list such as `2025-03-30,2025-05..2025-06`: dates, months, years, and two of them with all between.

    Raises:
        BadUsage: not such a list, or a span that runs backwards.
    """
    return frozenset(day for part in text.split(",") if part.strip() for day in _dates_of(part.strip()))


def _dates_of(part: str) -> Iterator[date]:
    first, dots, last = part.partition("..")
    start, end = settlement_span(first).start, settlement_span(last if dots else first).end
    if end <= start:
        raise BadUsage(f"{part!r} runs backwards")
    return (start + timedelta(days=offset) for offset in range((end - start).days))
