"""Leases: the right to change one date, or everything, with heartbeat, expiry and fencing token.

A lease is a row; its holder also keeps a session advisory lock on its token, on the connection that beats. Three
things end it: its release; the death of its holder, which frees the advisory lock and lets the next run take over at
once; and its expiry, for a holder that is paused or cut off from the database. Database time decides all of it.

A date's lease and the exclusive one keep each other out. Whoever takes one passes a gate, an advisory lock of the
transaction: dates share it, so they never wait for each other, and the exclusive lease has it alone.
"""

import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, Final, Literal
from uuid import UUID

from psycopg.rows import class_row
from psycopg.types.json import Jsonb

from reingest.checkpoints import checkpoint
from reingest.errors import Bug, LeaseHolder, LeaseLost, Locked
from reingest.store.database import Connection, database_errors
from reingest.store.heartbeat import Heartbeat, Lease
from reingest.store.lending import Connections
from reingest.store.runs import Holder
from reingest.store.sql import query

log = logging.getLogger(__name__)

EXCLUSIVE_KEY: Final = "exclusive:all"
POLL_SECONDS: Final = 0.25


@dataclass(frozen=True, slots=True)
class HeldLease:
    """A lease as it stands in the database; instants are aware UTC.

    Attributes:
        expired: Whether its holder was silent for the whole time to live.
        alive: Whether its holder lives: its advisory lock is held, and the lease has not expired.
    """

    key: str
    token: int
    run_id: UUID
    holder: str
    host: str
    pid: int
    acquired_at: datetime
    heartbeat_at: datetime
    expires_at: datetime
    silent_for: timedelta
    expired: bool
    alive: bool

    @property
    def who(self) -> str:
        """Who holds it, since when and until when, for people."""
        return (
            f"run {self.run_id} ({self.holder} on {self.host}, process {self.pid}), "
            f"since {self.acquired_at:%Y-%m-%d %H:%M:%SZ}, until {self.expires_at:%H:%M:%SZ} unless it beats again"
        )


def date_key(settlement_date: date) -> str:
    """Return the lease key of a settlement date."""
    return f"date:{settlement_date.isoformat()}"


def date_of_key(key: str) -> date | None:
    """Return the settlement date of a lease key; None where it is the right to change everything."""
    return None if key == EXCLUSIVE_KEY else date.fromisoformat(key.removeprefix("date:"))


def leases(connection: Connection) -> list[HeldLease]:
    """Return every lease there is, by key, dead ones included."""
    return _read(connection, "leases")


def free_lease(
    connection: Connection, held: HeldLease, event: Literal["taken_over", "unlocked"], **detail: object
) -> bool:
    """Delete a lease that another holds, so that its token publishes nothing any more; the holder's log says so.

    Args:
        connection: in a transaction.
        held: the lease.
        event: what is done to the holder.
        detail: by whom and why.

    Returns:
        Whether the lease was still there.
    """
    with database_errors():
        freed = connection.execute(query("release_lease"), {"key": held.key, "token": held.token}).rowcount == 1
        if freed:
            told = {"run_id": held.run_id, "event": event, "detail": Jsonb({"key": held.key, **detail})}
            connection.execute(query("tell_holder"), told)
    checkpoint("after_lease_freed")
    return freed


@contextmanager
def hold_lease(
    url: str,
    settlement_date: date,
    holder: Holder,
    ttl_seconds: float,
    wait_seconds: float = 0,
    *,
    lender: Connections | None = None,
) -> Iterator[Lease]:
    """Hold the date's lease for the block, beating at a fifth of its TTL, and release it at the end.

    Args:
        url: a Postgres URL or conninfo.
        settlement_date: the date to hold.
        holder: who holds it.
        ttl_seconds: how long a silent holder keeps it.
        wait_seconds: how long to wait for another holder to let go.
        lender: lends the connection that beats; without one it is opened for this.

    Raises:
        Locked: another live run holds the date, or everything; it says who, where, since when and until when.
        DatabaseUnreachable: Postgres cannot be reached.
    """
    with Heartbeat(url, f"lease {settlement_date}", ttl_seconds, lender) as heartbeat:
        yield _held(heartbeat, date_key(settlement_date), settlement_date, holder, wait_seconds)


@contextmanager
def hold_exclusive(url: str, holder: Holder, ttl_seconds: float) -> Iterator[Lease]:
    """Hold the right to change everything: no date can be taken meanwhile.

    Raises:
        Locked: a live run holds a date, or everything.
        DatabaseUnreachable: Postgres cannot be reached.
    """
    with Heartbeat(url, f"lease {EXCLUSIVE_KEY}", ttl_seconds) as heartbeat:
        yield _held(heartbeat, EXCLUSIVE_KEY, None, holder, 0)


def require_lease(connection: Connection, lease: Lease) -> None:
    """Lock the lease row inside a transaction and require that it is ours and unexpired until the commit.

    Raises:
        LeaseLost: another token holds the row, or the lease expired by the database's wall clock.
    """
    row = connection.execute(query("require_lease"), {"key": lease.key, "token": lease.token}).fetchone()
    if row is None or not row[0]:
        raise LeaseLost(f"the lease {lease.key} is no longer held", settlement_date=lease.settlement_date)


def _held(heartbeat: Heartbeat, key: str, settlement_date: date | None, holder: Holder, wait_seconds: float) -> Lease:
    """Acquire the lease on the connection that beats, and let it beat."""
    claim = {"key": key, "ttl": timedelta(seconds=heartbeat.ttl_seconds), **holder.as_row()}
    began = _acquire_in_turn(heartbeat.connection, claim, settlement_date, wait_seconds)
    return heartbeat.begin(Lease(key, claim["token"], settlement_date, deadline=began + heartbeat.ttl_seconds))


def _acquire_in_turn(
    connection: Connection, claim: dict[str, Any], settlement_date: date | None, wait_seconds: float
) -> float:
    """Acquire the lease, waiting for it if asked; return from when it counts, on the monotonic clock."""
    give_up = time.monotonic() + wait_seconds
    with database_errors():
        claim["token"] = _new_token(connection)
        while True:
            tried = time.monotonic()
            try:
                with connection.transaction():
                    began = _acquire(connection, claim)
            except Locked as error:
                error.settlement_date = settlement_date
                if tried >= give_up:
                    raise
                time.sleep(min(POLL_SECONDS, give_up - tried))
            else:
                checkpoint("lease_acquired")
                return began


def _new_token(connection: Connection) -> int:
    """Draw a token, and hold its advisory lock for as long as the connection lives."""
    row = connection.execute(query("next_lease_token")).fetchone()
    if row is None:
        raise Bug("a sequence gave no value")
    connection.execute(query("hold_token"), {"token": row[0]})
    checkpoint("lease_token_held")
    return int(row[0])


def _acquire(connection: Connection, claim: dict[str, Any]) -> float:
    """Take the lease inside the caller's transaction; return an instant before its time to live began.

    Whatever stands in its way is locked, then looked at: a live lease refuses, a dead one is deleted, so that a holder
    that comes back to life finds its token gone.
    """
    exclusive = claim["key"] == EXCLUSIVE_KEY
    connection.execute(query("close_lease_gate" if exclusive else "pass_lease_gate"))
    inserted = None
    while inserted is None:  # a rival may insert between the look and the insert: then look again
        for held in _read(connection, "lock_rival_leases", key=claim["key"], exclusive=exclusive):
            if not held.expired and not _is_dead(connection, held.token):
                raise _locked(held)
            log.warning("taking over %s from %s", held.key, held.who)
            free_lease(connection, held, "taken_over", by=str(claim["run_id"]))
            checkpoint("dead_lease_removed")
        began = time.monotonic()
        inserted = connection.execute(query("insert_lease"), claim).fetchone()
    checkpoint("lease_inserted")
    return began


def _is_dead(connection: Connection, token: int) -> bool:
    """Tell whether nobody keeps the token's advisory lock; the row lock keeps two askers apart."""
    row = connection.execute(query("try_token"), {"token": token}).fetchone()
    if row is None or not row[0]:
        return False
    connection.execute(query("let_token_go"), {"token": token})
    return True


def _locked(held: HeldLease) -> Locked:
    holder = LeaseHolder(
        held.key, str(held.run_id), held.holder, held.host, since=held.acquired_at, expires_at=held.expires_at
    )
    return Locked(f"{held.key} is held by {held.who}", holder)


def _read(connection: Connection, name: str, **parameters: object) -> list[HeldLease]:
    with database_errors(), connection.cursor(row_factory=class_row(HeldLease)) as cursor:
        return cursor.execute(query(name), parameters).fetchall()
