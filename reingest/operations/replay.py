"""Replay of many dates, in this process or in several: each of them denies itself the network, and writes nothing."""

from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack, contextmanager
from datetime import date
from multiprocessing import get_context
from pathlib import Path

from reingest.lake.archive import Archive
from reingest.operations.date_run import Progress
from reingest.operations.rederiving import Rederiver
from reingest.operations.replaying import ReplayedDate, replay_date
from reingest.operations.without_network import without_network
from reingest.store.database import addresses_of, connect
from reingest.store.migrate import require_schema
from reingest.tuning import keep_imports, tune_process


def replay(
    database_url: str, archive: Archive, dates: Sequence[date], progress: Progress, jobs: int = 1
) -> list[ReplayedDate]:
    """Rebuild the served version of each date from the archive, and compare it with what is served, byte for byte.

    Args:
        database_url: the database, which may be one that takes no writes.
        archive: where the payloads are.
        dates: the dates, in order.
        progress: is told how far it got.
        jobs: how many processes work at once; 1 works in this one.

    Raises:
        Bug: something asked for the network.
        DatabaseError: the database cannot be used.
    """
    jobs = min(jobs, len(dates))
    replayed = _in_processes(database_url, archive, dates, jobs) if jobs > 1 else _here(database_url, archive, dates)
    results = []
    progress("replay, dates", 0, len(dates))
    for done, one in enumerate(replayed, start=1):
        results.append(one)
        progress("replay, dates", done, len(dates))
    return results


def _here(database_url: str, archive: Archive, dates: Sequence[date]) -> Iterator[ReplayedDate]:
    with _cut_off(database_url, archive) as rederiver:
        yield from (replay_date(rederiver, settlement_date) for settlement_date in dates)


@contextmanager
def _cut_off(database_url: str, archive: Archive) -> Iterator[Rederiver]:
    """Connect to the database, and from then on deny the network."""
    with connect(database_url, purpose="replay") as connection, without_network(addresses_of(connection)):
        require_schema(connection)
        yield Rederiver(connection, archive)


# A worker's own, for as long as its process lives.
_until = ExitStack()
_working: list[Rederiver] = []


def _in_processes(database_url: str, archive: Archive, dates: Sequence[date], jobs: int) -> Iterator[ReplayedDate]:
    with connect(database_url, purpose="replay") as connection:
        require_schema(connection)  # here, because a worker that cannot begin says only that its pool is broken
    # Spawned and not forked: a fork would inherit threads and connections of whoever asked.
    pool = ProcessPoolExecutor(jobs, get_context("spawn"), initializer=_begin, initargs=(database_url, archive.folder))
    try:
        yield from pool.map(_replay_one, dates)
    finally:
        pool.shutdown(cancel_futures=True)


def _begin(database_url: str, archive_folder: Path) -> None:
    tune_process()
    keep_imports()
    _working.append(_until.enter_context(_cut_off(database_url, Archive(archive_folder))))


def _replay_one(settlement_date: date) -> ReplayedDate:
    return replay_date(_working[0], settlement_date)
