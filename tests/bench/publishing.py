"""The publish transaction, alone, into a database that holds years of versions."""

from collections.abc import Iterator
from datetime import date
from typing import Final

from reingest.operations.request import DateRequest
from reingest.settings import Settings
from tests.bench.days import Run, run_date
from tests.bench.elexon import standin, windy_dates
from tests.bench.figures import Figure, spread
from tests.bench.filling import fill
from tests.bench.place import Place, in_own_process

MILLISECONDS: Final = 60.0
RECORDS: Final = 10_000_000
PUBLISHES: Final = 20
LAST_DATE: Final = date(2024, 12, 31)
"""The filled dates end here, so that those of the stand-in are among them: each publish retires a version."""


def figures(place: Place, *, quick: bool) -> Iterator[Figure]:
    """Fill a database, then re-ingest dates in it, each of which is served already."""
    first, *days = windy_dates(1 + (5 if quick else PUBLISHES))
    with place.database("years") as database_url, standin([first, *days]) as elexon_url:
        settings = place.settings(elexon_url)
        in_own_process(_run_dates, settings, database_url, [first])
        filled = fill(database_url, RECORDS // 10 if quick else RECORDS, LAST_DATE)
        runs = in_own_process(_run_dates, settings, database_url, [first, *days])[1:]
    if any(run.report.outcome != "published" or run.report.generation != 2 for run in runs):
        raise RuntimeError("a date was not published over the one that was served")
    millions = f"{filled.records / 1e6:.0f} million records"
    publishes = [run.report.seconds["publish"] * 1000 for run in runs]
    yield Figure.at_most(f"publish into {millions}", publishes, MILLISECONDS, "ms", places=1)
    yield Figure("  staging its candidate before that", spread(_milliseconds(runs, "stage"), "ms", 1))
    yield Figure("  the setup", f"{filled.versions:,} versions in {filled.seconds:.0f} s")


def _milliseconds(runs: list[Run], stage: str) -> list[float]:
    return [run.report.seconds[stage] * 1000 for run in runs]


def _run_dates(settings: Settings, database_url: str, days: list[date]) -> list[Run]:
    return [run_date(settings, database_url, DateRequest(day)) for day in days]
