"""Digests: one hash of a month or a year, equal on two installations that serve the same content.

The digest of a date is the hash that its dump ends with. That of a month or year is the sha256 of a text with one
line for each date that is served, in order, whose format never changes under its number:

    reingest-digest  1
    span             2025-03
    day              2025-03-01  <content digest>
    digest <the sha256 of all lines above, each with its line feed; of one date: its content digest>

Fields are separated by tabs. Dates that are not served have no line: two months with the same digest serve the same
dates.
"""

import hashlib
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Final

from reingest.errors import BadUsage

FORMAT_LINE: Final = "reingest-digest\t1"
_SPAN: Final = re.compile(r"span\t([0-9]{4}(?:-[0-9]{2}){0,2})")
_DAY: Final = re.compile(r"day\t([0-9]{4}-[0-9]{2}-[0-9]{2})\t([0-9a-f]{64})")
_AROUND_DAYS: Final = ("reingest-digest", "span", "digest")
"""The lines of a listing that are not of a day."""
_LENGTH_OF_DATE: Final = len("2025-03-21")


@dataclass(frozen=True, slots=True)
class Digests:
    """The content digests of a span's served dates.

    Attributes:
        span: A date, month or year as it is written: 2025-03-21, 2025-03 or 2025.
        days: By settlement date.
    """

    span: str
    days: Mapping[date, str]

    @property
    def digest(self) -> str:
        """The span's digest: 64 hex digits."""
        if len(self.span) == _LENGTH_OF_DATE and self.days:
            return next(iter(self.days.values()))
        return hashlib.sha256("".join(f"{line}\n" for line in self._lines()).encode()).hexdigest()

    def listing(self) -> Iterator[str]:
        """Yield the lines that say it all, without line feeds; the last one is the digest."""
        yield from self._lines()
        yield f"digest {self.digest}"

    def _lines(self) -> Iterator[str]:
        yield FORMAT_LINE
        yield f"span\t{self.span}"
        for day, digest in sorted(self.days.items()):
            yield f"day\t{day.isoformat()}\t{digest}"


@dataclass(frozen=True, slots=True)
class DigestDifference:
    """A date that two installations serve differently; None where one of them does not serve it."""

    settlement_date: date
    here: str | None
    there: str | None


def differing(here: Digests, there: Digests) -> list[DigestDifference]:
    """Return the dates that are not served alike, in order."""
    return [
        DigestDifference(day, here.days.get(day), there.days.get(day))
        for day in sorted(here.days.keys() | there.days.keys())
        if here.days.get(day) != there.days.get(day)
    ]


def read_listing(text: str) -> Digests:
    """Read what `listing` says.

    Raises:
        BadUsage: it is not such a listing, or its digest is not that of its lines.
    """
    lines = text.splitlines()
    span = _SPAN.fullmatch(lines[1]) if len(lines) >= len(_AROUND_DAYS) else None
    days = [found for line in lines[2:-1] if (found := _DAY.fullmatch(line))]
    if span is None or lines[0] != FORMAT_LINE or len(days) + len(_AROUND_DAYS) != len(lines):
        raise BadUsage("this is not what `reingest digest` prints of a date, a month or a year")
    read = Digests(span[1], {_date(day[1]): day[2] for day in days})
    if lines != list(read.listing()):
        raise BadUsage("the listing was altered: its digest is not that of its lines")
    return read


def _date(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise BadUsage(f"{text} is not in the calendar") from error
