"""Acts: runs that do not ask Elexon, such as publishing a held version; each is stored with how it ended."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from reingest.errors import Bug, DatabaseError, DatabaseUnreachable, ReingestError
from reingest.operations.reingest import outcome_of_error
from reingest.settings import Settings
from reingest.store.database import Connection, connect
from reingest.store.heartbeat import Lease
from reingest.store.leases import hold_lease
from reingest.store.runs import Run, RunOutcome, begin_run, end_run
from reingest.store.versions import abandon_leftovers

log = logging.getLogger(__name__)


@contextmanager
def recorded(database_url: str, connection: Connection, run: Run) -> Iterator[None]:
    """Store that the run began, and for the block's error how it ended; a block without one calls `end_act` itself."""
    begin_run(connection, run)
    try:
        yield
    except ReingestError as error:
        error.settlement_date = error.settlement_date or run.settlement_date
        log.info("%s: %s", error.code, error)
        with suppress(DatabaseError):  # it may be the database that failed; the error itself goes on
            end_act(database_url, run, outcome_of_error(error), error)
        raise


@contextmanager
def hold_date(
    settings: Settings, database_url: str, connection: Connection, run: Run, wait_seconds: float = 0
) -> Iterator[Lease]:
    """Hold the run's date for the block, waiting so long for another's run; what dead runs left open is abandoned.

    Raises:
        Locked: another live run holds the date.
    """
    if run.settlement_date is None:
        raise Bug("the act is about no date")
    ttl = settings.lease_ttl_seconds
    with hold_lease(database_url, run.settlement_date, run.holder, ttl, wait_seconds) as lease:
        abandon_leftovers(connection, run.settlement_date)
        yield lease


def end_act(database_url: str, run: Run, outcome: RunOutcome, error: ReingestError | None = None) -> None:
    """Store how the run ended, over a connection of its own: a publish may have cost the first one.

    Where that breaks it is tried once more: what the run did is done, whatever became of the note of it.
    """
    try:
        _end(database_url, run, outcome, error)
    except DatabaseUnreachable:
        _end(database_url, run, outcome, error, again=True)


def _end(database_url: str, run: Run, outcome: RunOutcome, error: ReingestError | None, *, again: bool = False) -> None:
    with connect(database_url, purpose="run ended") as connection:
        end_run(connection, run, outcome, error, may_have_ended=again)
