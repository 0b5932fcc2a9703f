"""Purges: versions that were never served, and old log lines; planned first, and never over a live run."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from itertools import groupby

from reingest.checkpoints import checkpoint
from reingest.clock import utc_now
from reingest.errors import BadUsage, Locked
from reingest.ids import new_id
from reingest.operations.date_run import Progress
from reingest.settings import Settings
from reingest.store.database import Connection, connect, database_errors
from reingest.store.leases import hold_lease
from reingest.store.migrate import require_schema
from reingest.store.purging import (
    PurgeableState,
    PurgeableVersion,
    Size,
    purge_events,
    purge_versions,
    purgeable_versions,
    size_of_events,
    sizes_of_versions,
)
from reingest.store.runs import Holder, add_operator_action


@dataclass(frozen=True, slots=True)
class PurgeRequest:
    """Which versions a person wants gone.

    Attributes:
        keep: How many of the newest stay, of each date.
        pending: Held versions too that are the newest of their date.
    """

    states: tuple[PurgeableState, ...] = ("abandoned", "held")
    keep: int = 0
    pending: bool = False


@dataclass(frozen=True, slots=True)
class PurgePlan:
    """What a purge takes: versions, and how much of each table."""

    request: PurgeRequest
    versions: Sequence[PurgeableVersion]
    takes: Sequence[Size]

    @property
    def bytes(self) -> int:
        """The bytes of all rows that it takes."""
        return sum(size.bytes for size in self.takes)


@dataclass(slots=True)
class Purged:
    """What became of a purge.

    Attributes:
        locked: Dates that a run held, whose versions stayed.
    """

    versions: int = 0
    locked: list[date] = field(default_factory=list)

    @property
    def exit_code(self) -> int:
        """0, or that of a date that was locked."""
        return Locked.exit_code if self.locked else 0


def plan_purge(database_url: str, request: PurgeRequest) -> PurgePlan:
    """Return what a purge would take; nothing is changed."""
    with connect(database_url, purpose="purge plan") as connection:
        require_schema(connection)
        versions = purgeable_versions(connection, request.states, keep=request.keep, pending=request.pending)
        return PurgePlan(request, versions, sizes_of_versions(connection, [one.id for one in versions]))


def purge(settings: Settings, database_url: str, plan: PurgePlan, reason: str, progress: Progress) -> Purged:
    """Delete the planned versions with all their rows, a date at a time, each under its lease.

    A date that a run holds is left as it is, and so is a version that may not go any more.

    Raises:
        BadUsage: no reason is given.
    """
    if not reason.strip():
        raise BadUsage("versions are purged with a reason; --reason is empty")
    holder, purged = Holder(new_id()), Purged()
    by_date = [(day, list(group)) for day, group in groupby(plan.versions, lambda one: one.settlement_date)]
    with connect(database_url, purpose="purge") as connection:
        for done, (day, versions) in enumerate(by_date):
            progress("purge", done, len(by_date))
            try:
                with hold_lease(database_url, day, holder, settings.lease_ttl_seconds):
                    purged.versions += _purge_date(connection, plan.request, day, versions, reason)
            except Locked:
                purged.locked.append(day)
    return purged


def plan_purge_events(database_url: str, days: int) -> tuple[datetime, Size]:
    """Return since when log lines stay, and how many are older; nothing is changed.

    Raises:
        BadUsage: less than a day.
    """
    if days < 1:
        raise BadUsage("log lines of the last day stay; --days is 1 or more")
    older_than = utc_now() - timedelta(days=days)
    with connect(database_url, purpose="purge plan") as connection:
        require_schema(connection)
        return older_than, size_of_events(connection, older_than)


def purge_old_events(database_url: str, older_than: datetime, reason: str) -> int:
    """Delete the log lines of ended runs that are older than an instant; return how many there were."""
    with connect(database_url, purpose="purge") as connection, database_errors():
        with connection.transaction():
            deleted = purge_events(connection, older_than)
            add_operator_action(connection, "purge_events", reason, older_than=older_than.isoformat(), events=deleted)
            checkpoint("before_purge_events_commit")
        checkpoint("after_purge_events_commit")
    return deleted


def _purge_date(
    connection: Connection, request: PurgeRequest, day: date, planned: Sequence[PurgeableVersion], reason: str
) -> int:
    still = purgeable_versions(
        connection, request.states, keep=request.keep, pending=request.pending, settlement_date=day
    )
    doomed = [one for one in planned if one in still]
    if not doomed:
        return 0
    with database_errors(), connection.transaction():
        purged = purge_versions(connection, [one.id for one in doomed])
        numbers = [one.number for one in doomed]
        add_operator_action(connection, "purge_versions", reason, settlement_date=day, versions=numbers)
        checkpoint("before_purge_versions_commit")
    checkpoint("after_purge_versions_commit")
    return purged
