"""Leases: the right to change one date, with heartbeat, expiry and fencing token.

A lease is a row; its holder also keeps a session advisory lock on its token, on the connection that beats. Three
things end it: its release; the death of its holder, which frees the advisory lock and lets the next run take over at
once; and its expiry, for a holder that is paused or cut off from the database. Database time decides all of it.
"""

import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from contextvars import copy_context
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from functools import partial
from typing import Any, Final

import psycopg
from psycopg.rows import dict_row

from reingest.errors import Bug, LeaseLost, Locked
from reingest.store.database import Connection, connect, database_errors
from reingest.store.runs import Holder
from reingest.store.sql import query

log = logging.getLogger(__name__)

HEARTBEATS_A_TTL: Final = 5


def date_key(settlement_date: date) -> str:
    """Return the lease key of a settlement date."""
    return f"date:{settlement_date.isoformat()}"


@dataclass(slots=True)
class Lease:
    """A lease that this process holds.

    Attributes:
        key: What it is the right to change.
        token: The fencing token; later holders of the key have larger ones.
        lost: Set as soon as the holder learns that the lease is no longer its own.
    """

    key: str
    token: int
    settlement_date: date
    lost: threading.Event = field(default_factory=threading.Event)

    def require(self) -> None:
        """Stop the work of a holder that lost its lease.

        Raises:
            LeaseLost: a heartbeat found the lease gone, taken over or expired.
        """
        if self.lost.is_set():
            raise LeaseLost(f"the lease {self.key} was lost", settlement_date=self.settlement_date)


@contextmanager
def hold_lease(url: str, settlement_date: date, holder: Holder, ttl_seconds: float) -> Iterator[Lease]:
    """Hold the date's lease for the block, beating at a fifth of its TTL, and release it at the end.

    Raises:
        Locked: another live run holds the date; it says who, where, since when and until when.
        DatabaseUnreachable: Postgres cannot be reached.
    """
    ttl = timedelta(seconds=ttl_seconds)
    with connect(url, purpose=f"lease {settlement_date}") as connection:
        lease = _acquire(connection, settlement_date, holder, ttl)
        stop = threading.Event()
        # A thread begins without the context, by which its log lines say which run they are about.
        beat = partial(copy_context().run, _beat, connection, lease, ttl, stop)
        heart = threading.Thread(target=beat, name="lease", daemon=True)
        heart.start()
        try:
            yield lease
        finally:
            stop.set()
            heart.join()
            with suppress(psycopg.Error):  # a release that fails leaves a dead holder's lease, free at once
                connection.execute(query("release_lease"), {"key": lease.key, "token": lease.token})


def require_lease(connection: Connection, lease: Lease) -> None:
    """Lock the lease row inside the publish transaction and require that it is ours and unexpired.

    Raises:
        LeaseLost: another token holds the row, or the lease expired by the database's wall clock.
    """
    row = connection.execute(query("require_lease"), {"key": lease.key, "token": lease.token}).fetchone()
    if row is None or not row[0]:
        raise LeaseLost(f"the lease {lease.key} is no longer held", settlement_date=lease.settlement_date)


def _acquire(connection: Connection, settlement_date: date, holder: Holder, ttl: timedelta) -> Lease:
    key = date_key(settlement_date)
    with database_errors():
        row = connection.execute(query("next_lease_token")).fetchone()
        if row is None:
            raise Bug("a sequence gave no value")
        token = int(row[0])
        connection.execute(query("hold_token"), {"token": token})
        claim = {"key": key, "token": token, "ttl": ttl, **holder.as_row()}
        with connection.transaction():
            if connection.execute(query("insert_lease"), claim).fetchone() is None:
                _take_over(connection, settlement_date, claim)
    return Lease(key, token, settlement_date)


def _take_over(connection: Connection, settlement_date: date, claim: dict[str, Any]) -> None:
    with connection.cursor(row_factory=dict_row) as cursor:
        held = cursor.execute(query("lock_lease"), claim).fetchone()
    if held is None:  # released between the insert and the look
        if connection.execute(query("insert_lease"), claim).fetchone() is None:
            raise Locked("another run has just taken the date", settlement_date=settlement_date)
        return
    if not held["expired"] and not _is_dead(connection, held["token"]):
        raise Locked(_who(held), settlement_date=settlement_date)
    log.warning("taking over %s from %s", claim["key"], _who(held))
    connection.execute(query("take_lease_over"), claim)


def _is_dead(connection: Connection, token: int) -> bool:
    """Tell whether nobody keeps the token's advisory lock; the row lock keeps two askers apart."""
    row = connection.execute(query("try_token"), {"token": token}).fetchone()
    if row is None or not row[0]:
        return False
    connection.execute(query("let_token_go"), {"token": token})
    return True


def _who(held: dict[str, Any]) -> str:
    since: datetime = held["acquired_at"]
    return (
        f"held by run {held['run_id']} ({held['holder']} on {held['host']}, process {held['pid']}) "
        f"since {since:%Y-%m-%d %H:%M:%SZ}, until {held['expires_at']:%H:%M:%SZ} unless it beats again"
    )


def _beat(connection: Connection, lease: Lease, ttl: timedelta, stop: threading.Event) -> None:
    """Push the expiry out until told to stop; any doubt about the lease marks it lost."""
    pause = ttl.total_seconds() / HEARTBEATS_A_TTL
    claim = {"key": lease.key, "token": lease.token, "ttl": ttl}
    while not stop.wait(pause):
        try:
            with connection.transaction():
                connection.execute("select set_config('lock_timeout', %s, true)", [f"{int(pause * 1000)}ms"])
                beaten = connection.execute(query("beat_lease"), claim).rowcount
        except psycopg.errors.LockNotAvailable:
            continue  # a publish or a contender has the row for a moment: that is no loss
        except psycopg.Error as error:
            log.warning("the lease %s is lost: %s", lease.key, error)
            beaten = 0
        if not beaten:
            lease.lost.set()
            return
