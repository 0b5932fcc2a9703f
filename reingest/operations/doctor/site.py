"""What the doctor examines: one database and one archive, over all dates or some, and which runs are under way."""

import socket
from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

import psutil

from reingest.lake.archive import Archive
from reingest.operations.rederiving import Rederiver
from reingest.settings import Settings
from reingest.store.database import Connection
from reingest.store.examined import UnfinishedRun, database_moment, newest_fetch, unfinished_runs
from reingest.store.leases import HeldLease, leases

_CLOCK_STEP_SECONDS = 2


@dataclass(frozen=True, slots=True)
class Examined:
    """What an examination is about, and how far it goes.

    Attributes:
        start: The first date; with `end`, the date after the last. None where everything is examined.
        quick: Leave payloads unread and rows unhashed: only what the database can count is examined.
    """

    start: date | None = None
    end: date | None = None
    quick: bool = False

    @property
    def whole(self) -> bool:
        """Whether everything is examined, what belongs to no date included."""
        return self.start is None

    def covers(self, settlement_date: date | None) -> bool:
        """Tell whether a date is examined; what belongs to none is where everything is."""
        if self.start is None or self.end is None:
            return True
        return settlement_date is not None and self.start <= settlement_date < self.end


@dataclass
class Site:
    """A database and an archive, seen by a connection that commits each statement.

    Attributes:
        moment: When the examination began, by the database's clock.
        ceiling: The newest fetch then; later ones are somebody's work under way.
        live: The runs that were under way when it began.
        rederiver: Gives what stored versions were derived from.
    """

    settings: Settings
    database_url: str
    connection: Connection
    archive: Archive
    examined: Examined
    moment: datetime
    ceiling: int
    live: Collection[UnfinishedRun]
    rederiver: Rederiver

    @classmethod
    def open(cls, settings: Settings, database_url: str, connection: Connection, examined: Examined) -> "Site":
        """Return the site, with what is under way as of now.

        Raises:
            DatabaseError: Postgres cannot be used.
        """
        archive = Archive(settings.archive_folder)
        return cls(
            settings=settings,
            database_url=database_url,
            connection=connection,
            archive=archive,
            examined=examined,
            moment=database_moment(connection),
            ceiling=newest_fetch(connection),
            live=live_runs(connection),
            rederiver=Rederiver(connection, archive),
        )

    @property
    def live_ids(self) -> frozenset[UUID]:
        """The ids of the runs under way."""
        return frozenset(run.id for run in self.live)

    @property
    def quiet_since(self) -> datetime:
        """Before when no run under way can have written a file."""
        return min((self.moment, *(run.started_at for run in self.live)))


def live_runs(connection: Connection) -> list[UnfinishedRun]:
    """Return the runs without an end that are, or may be, under way."""
    unfinished = unfinished_runs(connection)
    held = {lease.run_id: lease for lease in leases(connection)}
    return [run for run in unfinished if is_live(run, held.get(run.id))]


def is_live(run: UnfinishedRun, lease: HeldLease | None) -> bool:
    """Tell whether a run without an end is under way.

    On this host its process tells. One of another host lives while its lease does; where it has none, because it waits
    for one or needs none, it is taken to live for an hour.
    """
    if lease is not None and lease.alive:
        return True
    if run.host == socket.gethostname():
        return _process_lives(run)
    return lease is None and not run.old


def _process_lives(run: UnfinishedRun) -> bool:
    """Tell whether the run's process is there, and not another one that was given its number."""
    try:
        began = psutil.Process(run.pid).create_time()
    except psutil.NoSuchProcess:
        return False
    except psutil.AccessDenied:
        return True
    return began <= run.started_at.timestamp() + _CLOCK_STEP_SECONDS
