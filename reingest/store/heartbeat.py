"""The heartbeat of a lease: it pushes the expiry out, survives a restart of Postgres, and knows when to give up.

It never decides that a lease is held: the row does, under its lock, inside publish. What it decides is when to stop
hoping. The lease is lost as soon as its row is gone or another's, or when no beat got through for the whole time to
live, counted on this process's own monotonic clock from before the last good beat was sent, so never later than the
database's expiry.
"""

import logging
import threading
import time
from collections.abc import Callable
from contextvars import copy_context
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Final, Self

import psycopg

from reingest.checkpoints import checkpoint
from reingest.errors import Bug, DatabaseError, LeaseLost
from reingest.store.database import connect, was_cut, within
from reingest.store.lending import Connections
from reingest.store.sql import query

log = logging.getLogger(__name__)

HEARTBEATS_A_TTL: Final = 5
LOOK_SECONDS: Final = 0.25
"""How often a heartbeat looks whether its connection was cut: far oftener than it beats, and it asks nobody."""
RELEASE_SECONDS: Final = 10


def _nobody_is_told() -> None:
    """Tell nobody of a loss."""


@dataclass(slots=True)
class Lease:
    """A lease that this process holds.

    Attributes:
        key: What it is the right to change.
        token: The fencing token; later holders of the key have larger ones.
        settlement_date: The date, or None where it is the right to change everything.
        deadline: When, on the monotonic clock, it has expired unless a beat gets through.
        lost: Set as soon as the heartbeat learns that the lease is no longer its own.
        on_loss: Called once, from the heartbeat's thread, when it is lost.
    """

    key: str
    token: int
    settlement_date: date | None
    deadline: float
    lost: threading.Event = field(default_factory=threading.Event)
    on_loss: Callable[[], None] = _nobody_is_told

    @property
    def is_lost(self) -> bool:
        """Whether it must not be relied on any more."""
        return self.lost.is_set() or time.monotonic() >= self.deadline

    def require(self) -> None:
        """Stop the work of a holder that lost its lease.

        Raises:
            LeaseLost: the lease is gone or another's, or no beat got through for its whole time to live.
        """
        if self.is_lost:
            raise LeaseLost(f"the lease {self.key} was lost", settlement_date=self.settlement_date)


class Heartbeat:
    """Beats for one lease from a thread and a connection of its own, and releases it at the end of its block."""

    def __init__(self, url: str, purpose: str, ttl_seconds: float, lender: Connections | None = None) -> None:
        """Connect; nothing beats until `begin`.

        Args:
            url: a Postgres URL or conninfo.
            purpose: what its connection is for.
            ttl_seconds: how long a silent holder keeps the lease.
            lender: lends the connection; without one it is opened, and closed at the end.

        Raises:
            DatabaseUnreachable: Postgres cannot be reached.
        """
        self._url = url
        self._lender = lender or Connections(url, most_kept=0)
        self._purpose = purpose
        self.ttl_seconds = ttl_seconds
        self._pause = ttl_seconds / HEARTBEATS_A_TTL
        self._lease: Lease | None = None
        self._stop = threading.Event()
        # A thread begins without the context, by which its log lines say which run they are about.
        self._thread = threading.Thread(target=copy_context().run, args=(self._run,), name="lease", daemon=True)
        self._holds_token = True
        self.connection = self._lender.take(purpose)

    def __enter__(self) -> Self:
        """Give the heartbeat, with its connection, on which the lease is to be acquired."""
        return self

    def __exit__(self, *_: object) -> None:
        """Stop beating, release the lease, give the connection back."""
        if self._lease is None:
            # The lease may have been acquired all the same: only the connection's end shows that nobody holds it.
            self.connection.close()
        else:
            self._stop.set()
            self._thread.join()
            self._release(self._lease)
            # It may lead back to whoever holds the lease: such a circle would keep a whole date in memory.
            self._lease.on_loss = _nobody_is_told
        self._lender.give_back(self.connection)

    def begin(self, lease: Lease) -> Lease:
        """Beat for the lease, which the heartbeat's connection has just acquired; return it."""
        self._lease = lease
        self._thread.start()
        return lease

    def _release(self, lease: Lease) -> None:
        """Delete the row, and let go of the token.

        Where that fails the connection is closed: what is left is a dead holder's lease, which is free at once.
        """
        try:
            with within(self.connection, RELEASE_SECONDS):
                self.connection.execute(query("release_lease"), {"key": lease.key, "token": lease.token})
                self.connection.execute(query("let_token_go"), {"token": lease.token})
        except psycopg.Error:
            self.connection.close()
        checkpoint("after_lease_release")

    def _run(self) -> None:
        lease = self._lease
        if lease is None:
            raise Bug("a heartbeat began without a lease")
        due = time.monotonic() + self._pause
        while not self._stop.wait(min(self._pause, LOOK_SECONDS)):
            whole = self._holds_token and not was_cut(self.connection)
            if whole and time.monotonic() < due and not lease.is_lost:
                continue
            began = time.monotonic()
            beaten = self._beat(lease)
            if beaten:
                lease.deadline, due = began + self.ttl_seconds, began + self._pause
            elif beaten is False or lease.is_lost:
                self._lose(lease)
                return

    def _lose(self, lease: Lease) -> None:
        log.warning("the lease %s is lost", lease.key)
        lease.lost.set()
        lease.on_loss()

    def _beat(self, lease: Lease) -> bool | None:
        """Push the expiry out; False where the lease is not ours any more, None where that could not be learned."""
        claim = {"key": lease.key, "token": lease.token, "ttl": timedelta(seconds=self.ttl_seconds)}
        try:
            self._reconnect()
            with within(self.connection, 2 * self._pause):
                self._hold_token(lease)
                with self.connection.transaction():
                    limit = f"{int(self._pause * 1000)}ms"
                    self.connection.execute("select set_config('lock_timeout', %s, true)", [limit])
                    beaten = self.connection.execute(query("beat_lease"), claim).rowcount == 1
                    checkpoint("before_beat_commit")
                checkpoint("after_beat")
                return beaten
        except psycopg.errors.LockNotAvailable:
            return None  # a publish or a contender has the row for a moment: that is no loss
        except (psycopg.Error, DatabaseError) as error:
            log.info("a beat of the lease %s did not get through: %s", lease.key, error)
            self.connection.close()
            return None

    def _reconnect(self) -> None:
        """Open another connection where the last one broke.

        Raises:
            DatabaseError: Postgres cannot be reached.
        """
        if self.connection.closed:
            self.connection = connect(self._url, purpose=self._purpose, seconds=max(2, int(self._pause)))
            self._holds_token = False

    def _hold_token(self, lease: Lease) -> None:
        """Show again that the holder lives; the server may not have noticed yet that the last connection is dead."""
        if not self._holds_token:
            row = self.connection.execute(query("try_token"), {"token": lease.token}).fetchone()
            self._holds_token = bool(row and row[0])
