"""What was served at an instant, from ten years of dates that were each published several times."""

import time
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Final

import psycopg

from reingest.store.database import connect, snapshot
from reingest.store.history import as_of_day, as_of_span, as_of_units, tombstones
from tests.bench.figures import Figure
from tests.bench.filling import blocks
from tests.bench.place import Place

SECONDS: Final = 1.0
DATES: Final = 3650
VERSIONS: Final = 5
UNITS: Final = 80
RECORDS: Final = 2448
RESTLESS: Final = 20
"""How many versions the date has whose records are compared."""
LAST_DATE: Final = date(2025, 12, 31)
YEAR: Final = date(2025, 1, 1)
MONTH: Final = date(2025, 3, 1)
REPORTED: Final = datetime(2026, 1, 20, 9, tzinfo=UTC)


def figures(place: Place, *, quick: bool) -> Iterator[Figure]:
    """Fill ten years, and ask what was served of one of them; then what became of the rows of a restless date."""
    runs = 3 if quick else 15
    with place.database("history") as database_url:
        began = time.perf_counter()
        versions = fill(database_url, DATES // 10 if quick else DATES)
        filled = time.perf_counter() - began
        year_end = YEAR.replace(year=YEAR.year + 1)
        yield Figure.at_most(
            "as-of, a year: energy, payment, BTC",
            seconds(database_url, runs, lambda connection: as_of_span(connection, "year", YEAR, REPORTED)),
            SECONDS,
            "s",
        )
        for name, act in {
            "  the same year by unit": lambda connection: as_of_units(connection, YEAR, year_end, REPORTED),
            "  a month": lambda connection: as_of_span(connection, "month", MONTH, REPORTED),
            "  a day": lambda connection: as_of_day(connection, MONTH, REPORTED),
        }.items():
            yield _figure(name, seconds(database_url, runs, act))
        restless = LAST_DATE + timedelta(days=1)
        found = seconds(database_url, min(runs, 5), lambda connection: tombstones(connection, restless))
        yield _figure(f"tombstones of a date with {RESTLESS} versions", found)
        yield Figure("  the setup", f"{versions:,} versions in {filled:.0f} s")


def fill(database_url: str, dates: int) -> int:
    """Make the dates and their versions, as the server's superuser and without triggers; return how many versions."""
    size = {
        "dates": dates, "versions": VERSIONS, "units": UNITS, "records": RECORDS, "restless": RESTLESS,
        "last": LAST_DATE,
    }  # fmt: skip
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute("set session_replication_role = replica")
        for statement in blocks(Path(__file__).with_name("history.sql")).values():
            connection.execute(statement, size)
        connection.execute("analyze")
        connection.execute("checkpoint")
    return dates * VERSIONS + RESTLESS


def seconds(database_url: str, runs: int, act: Callable[..., object]) -> list[float]:
    """Return how long the act takes, in a snapshot as commands have it; the first time, with cold caches, included."""
    times = []
    for _ in range(runs):
        with connect(database_url, purpose="bench") as connection, snapshot(connection):
            began = time.perf_counter()
            if not act(connection):
                raise RuntimeError("nothing was served then")
            times.append(time.perf_counter() - began)
    return times


def _figure(name: str, times: list[float]) -> Figure:
    median = sorted(times)[len(times) // 2]
    return Figure(name, f"{median:.3f} s median, {max(times):.3f} worst of {len(times)}")
