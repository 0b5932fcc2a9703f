"""Publish: the one transaction that makes a version the current one of its date."""

from dataclasses import asdict, dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

import psycopg
from psycopg.errors import IdleInTransactionSessionTimeout
from psycopg.types.json import Jsonb

from reingest.checkpoints import checkpoint
from reingest.errors import Bug, Conflict, DatabaseUnreachable, LeaseLost
from reingest.store.database import Connection, connect, database_errors
from reingest.store.heartbeat import Lease
from reingest.store.leases import require_lease
from reingest.store.outbox import number_changes
from reingest.store.sql import query


@dataclass(frozen=True, slots=True)
class Publication:
    """What to publish, and from which basis.

    Attributes:
        basis_generation: The date's generation when the candidate was made; it must still be that.
        body: The outbox message: what consumers are told, after the commit.
        reason: Why a person published a held version; None where the checks passed.
    """

    settlement_date: date
    version_id: int
    basis_generation: int
    provisional_until: datetime | None
    run_id: UUID
    body: dict[str, Any]
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class Confirmation:
    """What a run saw again: the version that is served, from which basis, until when it is provisional by this run.

    Attributes:
        register_recorded_at: As of when the run read the register.
        staged: The fetches of the staged answers that said the same; they are staged no longer.
    """

    version_id: int
    basis_generation: int
    provisional_until: datetime | None
    run_id: UUID
    register_recorded_at: datetime
    staged: tuple[int, ...] = ()


def publish(connection: Connection, lease: Lease, publication: Publication, *, url: str, ttl_seconds: float) -> int:
    """Make the version current, in one transaction; return the date's new generation.

    Readers see the old date whole until the commit, and the new date whole after it.

    Returns:
        The generation; where the connection broke at the commit, learned over another one, and `connection` is closed.

    Raises:
        LeaseLost: the lease is not ours any more, judged under its row lock by the database's wall clock.
        Conflict: the date's generation moved since the candidate was made.
        DatabaseUnreachable: the connection broke and the publish is known not to have happened.
    """
    committed: int | None = None
    try:
        committed = _publish(connection, lease, publication, ttl_seconds)
        number_changes(connection)
    except IdleInTransactionSessionTimeout as error:
        raise LeaseLost(
            "the publish slept for half the lease's time to live, so Postgres rolled it back",
            settlement_date=publication.settlement_date,
        ) from error
    except (psycopg.OperationalError, psycopg.InterfaceError) as error:
        # Over a connection that holds it is Postgres itself that refused, and it has rolled the transaction back.
        refused = committed is None and not connection.closed
        known = None if refused else _read_back(url, lease, publication)
        if known is None:
            raise DatabaseUnreachable(str(error).strip(), settlement_date=publication.settlement_date) from error
        return known
    return committed


def confirm(connection: Connection, lease: Lease, confirmation: Confirmation) -> datetime | None:
    """Record that the same content was seen again: the generation stays, a provisional mark is cleared when due.

    The date is not stale after it, unless the register was changed since the run read it.

    Returns:
        Until when the date is provisional now; None where this answer, or an earlier one, is of a final run.

    Raises:
        LeaseLost: the lease is not ours any more.
        Conflict: the date serves another version by now.
    """
    settlement_date = lease.settlement_date
    with database_errors(), connection.transaction():
        require_lease(connection, lease)
        confirmed = connection.execute(
            query("confirm_day"), {"settlement_date": settlement_date, **asdict(confirmation)}
        ).fetchone()
        connection.execute(query("mark_stale_again"), {"settlement_date": settlement_date})
        if confirmed is not None and confirmation.staged:
            staged = {"settlement_date": settlement_date, "fetch_ids": list(confirmation.staged)}
            connection.execute(query("unstage"), staged)
    checkpoint("after_confirm")
    if confirmed is None:
        raise Conflict("the date was published again meanwhile", settlement_date=settlement_date)
    until: datetime | None = confirmed[0]
    return until


def _publish(connection: Connection, lease: Lease, publication: Publication, ttl_seconds: float) -> int:
    with connection.transaction():
        connection.execute(query("begin_publish"), {"limit": f"{int(ttl_seconds * 500)}ms"})
        require_lease(connection, lease)
        checkpoint("publish_lease_locked")
        now, retired = _lock_day(connection, publication)
        checkpoint("in_publish")
        if retired is not None:
            connection.execute(query("retire_version"), {"version_id": retired, "now": now})
            checkpoint("publish_retired")
        _serve(connection, publication, retired=retired, now=now)
        checkpoint("publish_served")
        generation = _move_day(connection, publication, now)
        subject = {"settlement_date": publication.settlement_date, "version_id": publication.version_id}
        connection.execute(query("mark_stale_again"), subject)
        connection.execute(query("unstage_served"), subject)
        checkpoint("publish_day_moved")
        _add_outbox(connection, publication, generation, retired=retired, now=now)
        checkpoint("before_publish_commit")
    checkpoint("after_publish_commit")
    return generation


def _lock_day(connection: Connection, publication: Publication) -> tuple[datetime, int | None]:
    """Return the instant of the swap and the version it retires, once the generation is the expected one."""
    subject = {"settlement_date": publication.settlement_date}
    connection.execute(query("ensure_day"), subject)
    day = connection.execute(query("lock_day"), subject).fetchone()
    if day is None:
        raise Bug(f"{publication.settlement_date} has no row after it was made")
    if day[0] != publication.basis_generation:
        raise Conflict(
            f"the date is at generation {day[0]}, this version was made from {publication.basis_generation}",
            settlement_date=publication.settlement_date,
        )
    return day[2], day[1]


def _serve(connection: Connection, publication: Publication, *, retired: int | None, now: datetime) -> None:
    served = connection.execute(
        query("serve_version"),
        {
            "settlement_date": publication.settlement_date,
            "version_id": publication.version_id,
            "retired": retired,
            "now": now,
            "reason": publication.reason,
        },
    )
    if served.rowcount != 1:
        raise Conflict(
            f"version {publication.version_id} is neither a candidate nor held any more",
            settlement_date=publication.settlement_date,
        )


def _move_day(connection: Connection, publication: Publication, now: datetime) -> int:
    moved = connection.execute(
        query("move_day"),
        {
            "settlement_date": publication.settlement_date,
            "version_id": publication.version_id,
            "basis_generation": publication.basis_generation,
            "provisional_until": publication.provisional_until,
            "run_id": publication.run_id,
            "now": now,
        },
    ).fetchone()
    if moved is None:
        raise Conflict("the date's generation moved", settlement_date=publication.settlement_date)
    return int(moved[0])


def _add_outbox(
    connection: Connection, publication: Publication, generation: int, *, retired: int | None, now: datetime
) -> None:
    connection.execute(
        query("add_outbox"),
        {
            "settlement_date": publication.settlement_date,
            "generation": generation,
            "version_id": publication.version_id,
            "retired": retired,
            "now": now,
            "body": Jsonb(publication.body),
        },
    )


def _read_back(url: str, lease: Lease, publication: Publication) -> int | None:
    """After a connection lost at COMMIT: return the generation if the version was published, else None.

    Raises:
        LeaseLost: it was not, and the lease is not ours any more.
    """
    with connect(url, purpose="read back") as connection, database_errors():
        # The lost connection's transaction may be under way still: its end is waited for at the row that it locks.
        connection.execute(query("lock_day"), {"settlement_date": publication.settlement_date})
        # The version's own state: by now another publish may have superseded it.
        served = connection.execute(query("was_served"), {"version_id": publication.version_id}).fetchone()
        if served is not None:
            return publication.basis_generation + 1
        require_lease(connection, lease)
        return None
