"""COPY of curtailment records by the store, beside the ceiling: the same lines, ready-made, into a bare table."""

import asyncio
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Final

import psycopg
from psycopg import sql

from reingest.curtailment.records import CurtailmentRecord
from reingest.operations.publishing import candidate_of
from reingest.operations.reingest import act, open_date_run
from reingest.operations.request import DateRequest
from reingest.operations.stages import stages_of
from reingest.settings import Settings
from reingest.store.candidates import Candidate
from reingest.store.database import connect
from reingest.store.versions import stage_version
from tests.bench.elexon import standin, windy_dates
from tests.bench.figures import Figure
from tests.bench.place import Place, in_own_process

RECORDS: Final = 100_000
RUNS: Final = 5

_ONE_VERSION: Final = """
copy (select * from curtailment_record where version_id = (select max(version_id) from curtailment_record)) to stdout
"""


@dataclass(frozen=True, slots=True)
class Size:
    """How many curtailment records a version has here, and how many versions are made."""

    records: int
    runs: int


def figures(place: Place, *, quick: bool) -> Iterator[Figure]:
    """Stage versions of many records; then copy the lines of one of them by themselves."""
    size = Size(RECORDS // 5, 2) if quick else Size(RECORDS, RUNS)
    (day,) = windy_dates(1)
    with place.database("copy") as database_url, standin([day]) as elexon_url:
        store = in_own_process(_stage, place.settings(elexon_url), database_url, day, size)
        lines, ceiling = _copy_into_bare_table(database_url, size)
        keyed = _copy_into(database_url, "curtailment_record", lines, size)
    yield Figure("COPY of curtailment records by the store", f"{store:,.0f} rows/s, best of {size.runs}",
                 f"ceiling {ceiling:,.0f}")  # fmt: skip
    yield Figure("  its share of the ceiling", f"{store / ceiling:.0%}")
    yield Figure("  the lines ready-made into the same table", f"{keyed:,.0f} rows/s")


def _stage(settings: Settings, database_url: str, day: date, size: Size) -> float:
    """Return rows a second of the store's own way, the best of some runs: rendering, keys, checks and commit."""
    candidate = asyncio.run(_candidate(settings, database_url, day))
    candidate = replace(candidate, records=_repeated(candidate.records, size.records))
    with connect(database_url, purpose="bench") as connection:
        return max(_rate(size, lambda: stage_version(connection, candidate)) for _ in range(size.runs))


async def _candidate(settings: Settings, database_url: str, day: date) -> Candidate:
    """Return what a run of the date would stage, found by a plan."""
    async with open_date_run(settings, database_url, DateRequest(day, plan=True)) as run:
        for stage in stages_of(run):
            await act(stage, run)
        return candidate_of(run)


def _repeated(records: Sequence[CurtailmentRecord], number: int) -> list[CurtailmentRecord]:
    """Return so many records, repeated from a date's and told apart by their sequence numbers."""
    return [records[place % len(records)]._replace(sequence_number=place + 1) for place in range(number)]


def _copy_into_bare_table(database_url: str, size: Size) -> tuple[list[bytes], float]:
    """Return the lines of one version, and rows a second of copying them where nothing else is done."""
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute("create unlogged table bare (like curtailment_record)")
        with connection.cursor().copy(_ONE_VERSION) as copy:
            lines = [bytes(block) for block in copy]
    return lines, _copy_into(database_url, "bare", lines, size)


def _copy_into(database_url: str, table: str, lines: Sequence[bytes], size: Size) -> float:
    """Return rows a second of copying ready-made lines into the emptied table, the best of some runs."""
    with psycopg.connect(database_url, autocommit=True) as connection:

        def copy() -> None:
            with connection.cursor().copy(sql.SQL("copy {} from stdin").format(sql.Identifier(table))) as into:
                for block in lines:
                    into.write(block)

        rates = []
        for _ in range(size.runs):
            connection.execute(sql.SQL("truncate {}").format(sql.Identifier(table)))
            rates.append(_rate(size, copy))
        return max(rates)


def _rate(size: Size, copy: Callable[[], object]) -> float:
    began = time.perf_counter()
    copy()
    return size.records / (time.perf_counter() - began)
