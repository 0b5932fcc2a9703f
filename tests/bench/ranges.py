"""Many dates as one range: dates a second, memory from the first to the last, and what ten years would take.

The dates are those of the reference data, fourteen months whose stacks come to real sums: small ones, of some 211
curtailment records a date. A few dates of full size stand beside them. Commands run as a person runs them, and are
measured from the start of the process to its end.
"""

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any, Final

import psycopg

from reingest.store.runs import RunOutcome
from tests.bench import elexon, range_flow
from tests.bench.figures import Figure
from tests.bench.filling import blocks
from tests.bench.place import Place
from tests.bench.processes import run_process
from tests.bench.replay import NOWHERE
from tests.bench.watching import Watched, run_watched
from tests.support import backfill

SHARED: Final = Path(os.environ.get("REINGEST_SHARED") or Path(__file__).parents[3] / "shared")
"""Read when the module is loaded: the bench hides the settings of whoever runs it."""

PUBLISHED_A_SECOND: Final = 10.0
UNCHANGED_A_SECOND: Final = 25.0
MEGABYTES: Final = 300.0
PROCESSES: Final = (1, 2)
"""The limits are for the last of them."""
QUICK_DATES: Final = 30
LARGE_DATES: Final = 30

TEN_YEARS: Final = 3653
REQUESTS_A_SECOND: Final = 5
"""The pace of ten years live: the default of 20 is for a date now and then."""

_SQL: Final = blocks(Path(__file__).with_suffix(".sql"))


@dataclass(frozen=True, slots=True)
class Dates:
    """Dates in a row."""

    first: date
    number: int

    @property
    def last(self) -> date:
        """The last of them."""
        return self.first + timedelta(days=self.number - 1)

    @property
    def places(self) -> Sequence[int]:
        """After how many of them memory is looked at."""
        return [*(place for place in (50, 200) if place < self.number), self.number]

    def each(self) -> list[date]:
        """Every one of them."""
        return [self.first + timedelta(days=offset) for offset in range(self.number)]


@dataclass(frozen=True, slots=True)
class Size:
    """What a date has and takes up on average: answers, curtailment records, bytes in the database and the archive."""

    answers: float
    records: float
    database_bytes: float
    archive_bytes: float


@dataclass(frozen=True)
class Ranges:
    """Where ranges of some dates run: a home, and a database of its own or a copy.

    Attributes:
        empty_bytes: What the database took before the first range.
    """

    place: Place
    database_url: str
    dates: Dates
    empty_bytes: float

    def live(self, elexon_url: str) -> Watched:
        """Back-fill the dates by one process."""
        return self._run(elexon_url, "published", "--jobs", "1")

    def from_archive(self, outcome: RunOutcome, processes: int) -> Watched:
        """Run the dates from the archive, with no Elexon to ask."""
        return self._run(NOWHERE, outcome, "--source", "archive", "--jobs", str(processes))

    def withdraw(self) -> None:
        """Take every version away again; the answers stay, and the archive, from which the dates can be published."""
        run_process(
            self.place.environment(NOWHERE, self.database_url),
            "reset", "data", "--all", "--no-backup", "--i-understand", "--reason", "bench",
        )  # fmt: skip
        with psycopg.connect(self.database_url, autocommit=True) as connection:
            connection.execute("vacuum full analyze")

    def size(self) -> Size:
        """Return what a date has and takes up."""
        ((answers, records, in_database),) = self.rows("a_date")
        files = (path.stat() for path in (self.place.home / "archive").rglob("*") if path.is_file())
        # What files take up, as du counts it: the smallest payload takes a page.
        archived = sum(file.st_blocks * 512 for file in files)
        dates = self.dates.number
        return Size(answers, records, (in_database - self.empty_bytes) / dates, archived / dates)

    def rows(self, name: str) -> list[tuple[Any, ...]]:
        """Return the rows of a named query."""
        return _rows(self.database_url, name)

    def _run(self, elexon_url: str, outcome: RunOutcome, *words: str) -> Watched:
        """Run the dates as a range, and watch it.

        Raises:
            RuntimeError: a date ended otherwise than it should, so that what was measured is not what was meant.
        """
        environment = self.place.environment(elexon_url, self.database_url)
        span = (self.dates.first.isoformat(), self.dates.last.isoformat())
        with psycopg.connect(self.database_url, autocommit=True) as connection:

            def done() -> int:
                row = connection.execute(_SQL["dates_done_of_newest_range"]).fetchone()
                return row[0] if row else 0

            watched = run_watched(environment, self.place.postmaster(), done, "range", *span, "--yes", *words)
        found = self.rows("outcomes_of_newest_range")
        if found != [(outcome, self.dates.number)]:
            raise RuntimeError(f"the dates ended {found}, not all {outcome}")
        return watched


def _rows(database_url: str, name: str) -> list[tuple[Any, ...]]:
    with psycopg.connect(database_url, autocommit=True) as connection:
        return connection.execute(_SQL[name]).fetchall()


def figures(place: Place, *, quick: bool) -> Iterator[Figure]:
    """Back-fill dates live, then publish them from the archive by one process and by two, each time once more."""
    if not SHARED.is_dir():
        yield Figure("ranges", f"left out: no reference data at {SHARED}")
        return
    dates = Dates(backfill.FIRST_DATE, QUICK_DATES if quick else (backfill.LAST_DATE - backfill.FIRST_DATE).days + 1)
    with elexon.backfill_standin(SHARED) as elexon_url, _ranges(place, "small", dates) as ranges:
        yield from _figures(ranges, elexon_url)
    dates = Dates(elexon.FIRST_DATE, LARGE_DATES // 5 if quick else LARGE_DATES)
    with elexon.standin(dates.each()) as elexon_url, _ranges(place, "large", dates) as ranges:
        yield from _figures_of_large_dates(ranges, elexon_url)
    dates = Dates(backfill.FIRST_DATE, QUICK_DATES)
    yield from range_flow.figures(place.within("flow"), SHARED, dates.first, dates.last)


@contextmanager
def _ranges(place: Place, name: str, dates: Dates) -> Iterator[Ranges]:
    own = place.within(name)
    with own.database(name) as database_url:
        ((*_, empty),) = _rows(database_url, "a_date")
        yield Ranges(own, database_url, dates, empty)


def _figures(ranges: Ranges, elexon_url: str) -> Iterator[Figure]:
    live = ranges.live(elexon_url)
    size = ranges.size()
    yield from _run_figures(f"range of {ranges.dates.number} dates live, 0 ms latency", live, ranges.dates)
    yield _a_date(size)
    ranges.withdraw()
    for processes in PROCESSES:
        judged = processes == PROCESSES[-1]
        with _copied(ranges, f"small_{processes}") as copy:
            published, unchanged = (copy.from_archive(outcome, processes) for outcome in ("published", "unchanged"))
        by = f"{processes} process{'es' if processes > 1 else ''}"
        limits = (PUBLISHED_A_SECOND, UNCHANGED_A_SECOND) if judged else (None, None)
        yield from _run_figures(f"range from the archive, {by}", published, ranges.dates, limits[0])
        yield from _run_figures(f"the same, all unchanged, {by}", unchanged, ranges.dates, limits[1])
    yield from _ten_years(size, ranges.dates.number / published.wall)


def _figures_of_large_dates(ranges: Ranges, elexon_url: str) -> Iterator[Figure]:
    live = ranges.live(elexon_url)
    size = ranges.size()
    ranges.withdraw()
    published, unchanged = (ranges.from_archive(outcome, PROCESSES[-1]) for outcome in ("published", "unchanged"))
    yield from _run_figures(f"range of {ranges.dates.number} dates of full size, live", live, ranges.dates)
    yield _a_date(size)
    yield from _run_figures(f"the same from the archive, {PROCESSES[-1]} processes", published, ranges.dates)
    yield from _run_figures("the same, all unchanged", unchanged, ranges.dates)
    yield from _ten_years(size, ranges.dates.number / published.wall)


@contextmanager
def _copied(ranges: Ranges, name: str) -> Iterator[Ranges]:
    """Give a copy of the ranges' database, beside the same archive."""
    original = ranges.database_url.rpartition("/")[2].partition("?")[0]
    with ranges.place.database(name, copied_from=original) as database_url:
        yield replace(ranges, database_url=database_url)


def _run_figures(name: str, watched: Watched, dates: Dates, limit: float | None = None) -> Iterator[Figure]:
    """Return a range's dates a second, and what it used and held."""
    rate = dates.number / watched.wall
    if limit is None:
        yield Figure(name, f"{rate:.2f} dates/s, {watched.wall:.0f} s")
    else:
        yield Figure.at_least(name, rate, limit, "dates/s")
    ours, servers = (seconds / dates.number for seconds in (watched.cpu, watched.server_cpu))
    yield Figure("  CPU of a date", f"{ours:.3f} s, and Postgres {servers:.3f} s")
    seen = [watched.megabytes_until(place) for place in dates.places]
    places, most = (", ".join(f"{one:.0f}" for one in several) for several in (dates.places, seen))
    within = seen[-1] <= MEGABYTES
    yield Figure(f"  peak memory after {places} dates", f"{most} MB a process", f"<= {MEGABYTES:.0f} MB", within)


def _a_date(size: Size) -> Figure:
    return Figure("  a date of it", f"{size.answers:.0f} answers, {size.records:.0f} records")


def _ten_years(size: Size, dates_a_second: float) -> Iterator[Figure]:
    """Extrapolate: nothing here was run for ten years' dates."""
    live = TEN_YEARS * size.answers / REQUESTS_A_SECOND / 3600
    archived = TEN_YEARS / dates_a_second / 60
    database, archive = (TEN_YEARS * each / 1e9 for each in (size.database_bytes, size.archive_bytes))
    yield Figure(f"  {TEN_YEARS:,} such dates, extrapolated", f"{live:.0f} h live at {REQUESTS_A_SECOND} requests/s")
    yield Figure("    from the archive", f"{archived:.0f} min")
    yield Figure("    disk", f"database {database:.1f} GB, archive {archive:.1f} GB")
