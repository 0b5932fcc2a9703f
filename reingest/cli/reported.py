"""An instant at which something was reported, as people write it."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Final

import typer

from reingest.calendar import LONDON, instant_of_local
from reingest.errors import BadUsage

_INSTANT: Final = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}[T ][0-9]{2}:[0-9]{2}(:[0-9]{2}(\.[0-9]{1,6})?)?(Z|[+-][0-9]{2}:[0-9]{2})?"
)


@dataclass(frozen=True, slots=True)
class ReportedAt:
    """An instant, aware in UTC, and whether it was written without a zone and so read as Europe/London."""

    instant: datetime
    assumed_local: bool

    def __str__(self) -> str:
        """Return it for people: the clock in London, and UTC."""
        local = self.instant.astimezone(LONDON)
        assumed = ", as no zone was given" if self.assumed_local else ""
        return f"{_clock(local)} Europe/London{assumed} ({exact_instant(self.instant)})"


def reported_at(text: str) -> ReportedAt:
    """Read an instant such as 2025-04-01T09:00, which is local, 2025-04-01T08:00Z or 2025-04-01T09:00+01:00.

    Raises:
        BadUsage: it is not written so, or the clocks of Europe/London show that time twice or never.
    """
    if _INSTANT.fullmatch(text) is None:
        raise BadUsage(f"{text!r} is not an instant; write 2025-04-01T09:00, with Z or +01:00 where it is not local")
    try:
        moment = datetime.fromisoformat(text)
        if moment.tzinfo is None:
            return ReportedAt(instant_of_local(moment), assumed_local=True)
        return ReportedAt(moment.astimezone(UTC), assumed_local=False)
    except (ValueError, OverflowError) as error:
        raise BadUsage(f"{text!r} is not in the calendar: {error}") from error


def exact_instant(instant: datetime | None) -> str | None:
    """Return an instant to the last digit, so that it can be asked for again: a publish is told to the microsecond."""
    return None if instant is None else instant.isoformat().replace("+00:00", "Z")


def _clock(local: datetime) -> str:
    return f"{local:%Y-%m-%d %H:%M}" if not (local.second or local.microsecond) else f"{local:%Y-%m-%d %H:%M:%S}"


Reported = Annotated[
    ReportedAt,
    typer.Option(
        "--reported",
        parser=reported_at,
        metavar="INSTANT",
        help="When it was reported: 2025-04-01T09:00 is local to Europe/London; Z or +01:00 may follow.",
    ),
]
