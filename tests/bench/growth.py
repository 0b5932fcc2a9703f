"""How Prefect's database grows with dates, and what is left of that once the retention has passed."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Final

import psycopg

from deployments.prefect_settings import EVENT_RETENTION, FLOW_RUN_RETENTION_SECONDS
from tests.bench.figures import Figure
from tests.bench.filling import blocks
from tests.bench.place import Place
from tests.bench.prefect_place import server
from tests.support.prefect import wait_until

RETENTION: Final = timedelta(seconds=FLOW_RUN_RETENTION_SECONDS)
AGE: Final = RETENTION + timedelta(days=1)
DATES: Final = 1000

_SQL: Final = blocks(Path(__file__).with_name("growth.sql"))


@dataclass(frozen=True, slots=True)
class Size:
    """The size of Prefect's database in bytes, and how much of it are events and their resources."""

    whole: int
    events: int


def size(database_url: str, *, compacted: bool = False) -> Size:
    """Return the database's size as it stands, or after every table was written anew without its dead rows."""
    with psycopg.connect(database_url, autocommit=True) as connection:
        if compacted:
            connection.execute("vacuum full")
        row = connection.execute(_SQL["bytes"]).fetchone()
    if row is None:
        raise RuntimeError("a size gave no row")
    return Size(*row)


def growth_figures(before: Size, after: Size, dates: int) -> Iterator[Figure]:
    """Return what so many dates made of the database, extrapolated."""
    events = _megabytes(after.events - before.events, dates)
    whole = _megabytes(after.whole - before.whole, dates)
    yield Figure(f"Prefect's database, per {DATES:,} dates", f"{whole:.0f} MB, from {dates} dates")
    yield Figure(f"  events, kept {EVENT_RETENTION}", f"{events:.0f} MB")
    yield Figure(f"  all else, kept {RETENTION.days} days", f"{whole - events:.0f} MB")


def figure_of_what_stays(place: Place, database_url: str, before: Size, dates: int) -> Figure:
    """Let every row of the dates be older than the retention, a server sweep, and return what is left of them.

    No server may run; the one that is started has the settings that the project sets, and sweeps when it starts.
    """
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute(_SQL["make_older"], {"age": AGE})
        with server(place, database_url):
            wait_until(lambda: not _past_retention(connection), "Prefect's server has swept what is past its retention")
    left = size(database_url, compacted=True)
    return Figure(f"  left of all {dates} dates after that", f"{(left.whole - before.whole) / 1e3:.0f} kB")


def _past_retention(connection: psycopg.Connection[tuple[int, ...]]) -> bool:
    row = connection.execute(_SQL["past_retention"], {"age": RETENTION}).fetchone()
    return row is None or row[0] > 0


def _megabytes(grown: int, dates: int) -> float:
    return grown / dates * DATES / 1e6
