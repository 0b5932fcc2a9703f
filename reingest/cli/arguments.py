"""What commands take from the command line: dates, spans of dates, decimals, files, and the two output flags."""

import re
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Annotated, Final
from uuid import UUID

import typer

from reingest.errors import BadUsage
from reingest.spans import Span, settlement_span

_DURATION: Final = re.compile(r"([0-9]{1,6})(s|m|h)")
_SECONDS: Final = {"s": 1, "m": 60, "h": 3600}
_LONGEST_SECONDS: Final = 24 * 3600


def settlement_date(text: str) -> date:
    """Read a settlement date.

    Raises:
        BadUsage: not an ISO date, or one outside the calendar.
    """
    span = settlement_span(text)
    if span.kind != "day":
        raise BadUsage(f"{text!r} is not one date; a settlement date looks like 2022-01-31")
    return span.start


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
