"""What a range will cost, told before it begins: requests, time, rows, disk."""

import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Final

from reingest.operations.figures_text import counted
from reingest.operations.ranges.choosing import unfinished
from reingest.operations.ranges.request import RangeRequest
from reingest.operations.request import SIDES_OF_CHOICE
from reingest.settings import Settings
from reingest.store.database import Connection
from reingest.store.ranges import CostOfDates, cost_of_similar_dates, database_sizes

ENOUGH_DATES: Final = 5
"""With fewer dates to go by, what was measured elsewhere is the better guess."""
MOST_DATES: Final = 50


@dataclass(frozen=True, slots=True)
class DateCost:
    """What one date costs: requests, seconds of one process, stack rows, bytes of archive and database."""

    requests: float
    seconds: float
    rows: float
    archive_bytes: float
    database_bytes: float


# By the number of sides: bytes and rows as eight generated dates had them, seconds as docs/scaling.md has them.
MEASURED: Final[dict[int, DateCost]] = {
    2: DateCost(requests=101, seconds=1.3, rows=11_900, archive_bytes=940_000, database_bytes=610_000),
    1: DateCost(requests=51, seconds=0.8, rows=5_900, archive_bytes=460_000, database_bytes=510_000),
}
ARCHIVE_SECONDS: Final = 0.55


@dataclass(frozen=True, slots=True)
class CostCard:
    """What a range will cost.

    Attributes:
        requests: To the source, all dates together.
        seconds: How long it will take at the rate, and with so many jobs.
        rows: Stack rows.
        archive_bytes: What its answers will take of the archive; none of them from the archive.
        database_bytes: What its versions will take, if each date gets one.
        database_now: The database's size now.
        free_bytes: What is free where the archive is.
        going_by: How many dates of this database the estimate goes by; 0 where it goes by figures from elsewhere.
        unfinished: Dates of which Elexon has not published everything yet.
    """

    dates: int
    first: date
    last: date
    requests: int
    seconds: float
    rows: int
    archive_bytes: int
    database_bytes: int
    database_now: int
    free_bytes: int
    going_by: int
    unfinished: tuple[date, ...]


def cost_of_range(settings: Settings, connection: Connection, request: RangeRequest) -> CostCard:
    """Return what a range will cost, from what similar dates of this database cost or, without them, from elsewhere."""
    sides = SIDES_OF_CHOICE[request.side] or ("bid", "offer")
    known = cost_of_similar_dates(connection, request.source, sides, most=MOST_DATES)
    sizes = database_sizes(connection)
    goes_by_own = known.dates >= ENOUGH_DATES
    each = _own(known, sizes.bytes_a_version) if goes_by_own else _measured(request, len(sides))
    dates = len(request.dates)
    writes = 0 if request.plan else 1
    return CostCard(
        dates=dates,
        first=min(request.dates),
        last=max(request.dates),
        requests=round(each.requests * dates),
        seconds=_seconds(settings, request, each) * dates,
        rows=round(each.rows * dates),
        archive_bytes=round(each.archive_bytes * dates),
        database_bytes=round(each.database_bytes * dates * writes),
        database_now=sizes.bytes,
        free_bytes=shutil.disk_usage(_existing(settings.home)).free,
        going_by=known.dates if goes_by_own else 0,
        unfinished=unfinished(request.dates),
    )


def card_lines(card: CostCard, request: RangeRequest, settings: Settings) -> Iterator[str]:
    """Yield the card for people, a fact a line."""
    order = ", the newest first" if request.dates[0] > request.dates[-1] else ""
    doing = "planned; nothing that is served changes" if request.plan else "re-ingested"
    span = f", {card.first} to {card.last}{order}" if card.dates > 1 else f", {card.first}"
    yield f"{counted(card.dates, 'date')}{span}, to be {doing}"
    if request.source == "archive":
        yield "  requests  none: kept payloads are read again"
    else:
        yield f"  requests  {card.requests:,} to {settings.elexon_url}"
    yield f"  time      {_duration(card.seconds)} {_pace(settings, request)}"
    yield f"  rows      {card.rows:,} stack rows"
    yield f"  disk      archive {_bytes(card.archive_bytes)}, database {_bytes(card.database_bytes)} at most"
    yield f"            {_bytes(card.free_bytes)} are free; the database has {_bytes(card.database_now)} now"
    yield f"  estimate  {_basis(card)}"
    yield from _warnings(card)


def _warnings(card: CostCard) -> Iterator[str]:
    if card.archive_bytes + card.database_bytes > card.free_bytes:
        yield "  warning   that is more than what is free"
    if card.unfinished:
        named = " and ".join(map(str, card.unfinished))
        yield f"  warning   not everything of {named} is published yet: such dates are held, or provisional"


def _basis(card: CostCard) -> str:
    if card.going_by:
        return f"by the last {card.going_by} dates of this database that were asked in the same way"
    return "by dates that were measured elsewhere; this database has too few to go by"


def _seconds(settings: Settings, request: RangeRequest, each: DateCost) -> float:
    """Return the seconds of a date: the rate's, where that is the bound, else those of its process."""
    paced = each.requests / settings.requests_per_second if settings.requests_per_second else 0.0
    return max(paced, each.seconds / request.jobs)


def _measured(request: RangeRequest, sides: int) -> DateCost:
    each = MEASURED[sides]
    if request.source == "live":
        return each
    return DateCost(0, ARCHIVE_SECONDS * sides / 2, each.rows, 0, each.database_bytes)


def _own(known: CostOfDates, bytes_a_version: float | None) -> DateCost:
    return DateCost(known.requests, known.seconds, known.rows, known.archive_bytes, bytes_a_version or 0.0)


def _existing(folder: Path) -> Path:
    """Return the folder, or the nearest one above it that there is."""
    return next(one for one in (folder, *folder.parents) if one.exists())


def _pace(settings: Settings, request: RangeRequest) -> str:
    jobs = f"with {request.jobs} jobs" if request.jobs > 1 else "one date after the other"
    if request.source == "archive" or not settings.requests_per_second:
        return jobs
    return f"{jobs}, at {settings.requests_per_second:g} requests a second"


def _duration(seconds: float) -> str:
    for size, unit in ((86_400, "days"), (3600, "hours"), (60, "minutes")):
        if seconds >= 2 * size:
            return f"{seconds / size:.1f} {unit}"
    return f"{seconds:.0f} seconds"


def _bytes(number: float) -> str:
    for size, unit in ((1e12, "TB"), (1e9, "GB"), (1e6, "MB")):
        if number >= size:
            return f"{number / size:.1f} {unit}"
    return f"{number / 1e3:.0f} kB"
