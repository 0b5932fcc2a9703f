"""What commands take from the command line: dates, spans of dates, decimals, files, and the two output flags."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Annotated, Final, Literal
from uuid import UUID

import typer

from reingest.errors import BadUsage

_DURATION: Final = re.compile(r"([0-9]{1,6})(s|m|h)")
_SECONDS: Final = {"s": 1, "m": 60, "h": 3600}
_LONGEST_SECONDS: Final = 24 * 3600
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


def settlement_date(text: str) -> date:
    """Read a settlement date.

    Raises:
        BadUsage: not an ISO date, or one outside the calendar.
    """
    span = settlement_span(text)
    if span.kind != "day":
        raise BadUsage(f"{text!r} is not one date; a settlement date looks like 2022-01-31")
    return span.start


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


def day_or_ever(text: str) -> date:
    """Read a settlement date, or `ever`: before all dates.

    Raises:
        BadUsage: neither of them.
    """
    return date.min if text == "ever" else settlement_date(text)


def instant(text: str) -> datetime:
    """Read an instant such as 2025-04-01T09:00 or 2025-04-01T09:00:00Z; one without an offset is UTC.

    Raises:
        BadUsage: it is not written so.
    """
    try:
        found = datetime.fromisoformat(text)
    except ValueError as error:
        raise BadUsage(f"{text!r} is not an instant; write 2025-04-01T09:00 or 2025-04-01T09:00:00Z") from error
    return found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)


def duration(text: str) -> float:
    """Read a duration such as 90s, 30m or 1h; return seconds.

    Raises:
        BadUsage: it is not written so, or longer than a day.
    """
    match = _DURATION.fullmatch(text)
    seconds = int(match[1]) * _SECONDS[match[2]] if match else None
    if seconds is None or seconds > _LONGEST_SECONDS:
        raise BadUsage(f"{text!r} is not a duration of a day at most; write 90s, 30m or 1h")
    return float(seconds)


def run_id(text: str) -> UUID:
    """Read a run's id.

    Raises:
        BadUsage: it is not one.
    """
    try:
        return UUID(text)
    except ValueError as error:
        raise BadUsage(f"{text!r} is not a run id", next_command="reingest run list") from error


def text_of(path: Path) -> str:
    """Return a text file's content.

    Raises:
        BadUsage: the file cannot be read, or is not UTF-8.
    """
    try:
        return path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise BadUsage(f"{path} cannot be read: {error}") from error


SettlementDate = Annotated[
    date, typer.Argument(parser=settlement_date, metavar="D", help="Settlement date, such as 2022-01-31.")
]
OptionalSpan = Annotated[
    Span | None,
    typer.Argument(parser=settlement_span, metavar="D|YYYY-MM|YYYY", help="A date, a month or a year."),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON, with exact numbers as strings.")]
AsCsv = Annotated[bool, typer.Option("--csv", help="Print CSV, with exact numbers.")]
Reason = Annotated[str, typer.Option("--reason", metavar="TEXT", help="Why; it is stored with what you did.")]
Wait = Annotated[
    float | None,
    typer.Option(
        "--wait", parser=duration, metavar="DURATION", help="Wait so long for another run to end, as 90s, 30m or 1h."
    ),
]
