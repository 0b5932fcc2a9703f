"""One pass over what is due: each message at least once, in order, and what fails is waited for longer and longer.

Between the send and its mark the process may die; the message is then sent again, with the same dedupe key. After the
last attempt it is a dead letter, for which nothing waits any more.
"""

import asyncio
import logging
import random
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Final, Generic, Literal, Protocol, TypeVar

from reingest.checkpoints import checkpoint
from reingest.operations.deliveries.posting import Failure
from reingest.settings import Settings
from reingest.store.database import Connection
from reingest.store.outbox import SinkLag

log = logging.getLogger(__name__)

LONGEST_WAIT_SECONDS: Final = 3600.0
SINK_DOWN_AFTER: Final = 3
"""Failures of the sink itself, one after the other, that end a pass: the rest would only fail as well."""

_LEAST_SEND_SECONDS: Final = 0.25
_SEND_MARGIN_SECONDS: Final = 2.0
_LEAST_PAUSE_SECONDS: Final = 0.1

_Tried = Literal["nothing_due", "delivered", "refused", "sink_down"]

Progress = Callable[[str, int, int], None]
"""Told the sink's name, how many messages were tried, and out of how many."""


class Owed(Protocol):
    """A message that is due."""

    @property
    def attempts(self) -> int:
        """How often its delivery was tried before."""
        ...

    @property
    def dedupe_key(self) -> str:
        """The same at every attempt and every sink."""
        ...


OwedT = TypeVar("OwedT", bound=Owed)
_Sent_contra = TypeVar("_Sent_contra", bound=Owed, contravariant=True)


class Sink(Protocol[_Sent_contra]):
    """Somewhere messages are delivered."""

    @property
    def name(self) -> str:
        """The name under which it is owed."""
        ...

    async def send(self, owed: _Sent_contra, timeout_seconds: float) -> Failure | None:
        """Deliver the message; None means that the sink has it."""
        ...


class Ledger(Protocol[OwedT]):
    """Where it stands what is owed to whom."""

    def claim(self, connection: Connection, sink: str, *, limit_seconds: float) -> OwedT | None:
        """Hold what is due next until the transaction ends; None where nothing is."""
        ...

    def succeeded(self, connection: Connection, sink: str, owed: OwedT) -> None:
        """Store that the sink took it."""
        ...

    def failed(self, connection: Connection, sink: str, owed: OwedT, reason: str, *, wait_seconds: float) -> bool:
        """Store that it did not, and return whether it is a dead letter now."""
        ...

    def lags(self, connection: Connection) -> list[SinkLag]:
        """Return how far each known sink is behind."""
        ...


@dataclass(slots=True)
class Delivered:
    """What one pass did at one sink.

    Attributes:
        delivered: Messages that the sink took.
        failed: Attempts that failed.
        dead: Messages among them that are dead letters now.
        went_down: Whether the pass ended early, because the sink itself failed.
    """

    sink: str
    delivered: int = 0
    failed: int = 0
    dead: int = 0
    went_down: bool = False
    errors: list[str] = field(default_factory=list)

    def add(self, other: "Delivered") -> None:
        """Add what a later pass did."""
        self.delivered += other.delivered
        self.failed += other.failed
        self.dead += other.dead
        self.errors += other.errors


@dataclass(frozen=True, slots=True)
class DeliveryReport:
    """What was delivered where, and what is left at every known sink, also at those that are not configured here."""

    sinks: tuple[Delivered, ...]
    lags: tuple[SinkLag, ...]

    @property
    def left(self) -> tuple[SinkLag, ...]:
        """The configured sinks that have messages pending or dead."""
        configured = {one.sink for one in self.sinks}
        return tuple(lag for lag in self.lags if lag.sink in configured and (lag.pending or lag.dead))

    def as_rows(self) -> list[dict[str, object]]:
        """Return a row for each sink that is known; one that is not configured here was only looked at."""
        done = {one.sink: one for one in self.sinks}
        return [_row(lag, done.get(lag.sink)) for lag in self.lags]


NOTHING_DELIVERED: Final = DeliveryReport((), ())


def _row(lag: SinkLag, here: Delivered | None) -> dict[str, object]:
    return {
        "sink": lag.sink,
        "configured": here is not None,
        "delivered": here.delivered if here else 0,
        "failed": here.failed if here else 0,
        "pending": lag.pending,
        "dead": lag.dead,
        "oldest_pending_seconds": lag.oldest_pending_seconds,
        "last_error": here.errors[-1] if here and here.errors else None,
    }


async def until_nothing_is_pending(
    deliver_due: Callable[[], Awaitable[DeliveryReport]], retry_seconds: float
) -> DeliveryReport:
    """Deliver until each message was delivered, or is a dead letter; a sink that is down is waited for."""
    tallies: dict[str, Delivered] = {}
    while True:
        report = await deliver_due()
        for one in report.sinks:
            tallies.setdefault(one.sink, Delivered(one.sink)).add(one)
        waits = [float(lag.next_attempt_seconds or 0) for lag in report.left if lag.pending]
        if not waits:
            return DeliveryReport(tuple(tallies.values()), report.lags)
        down = any(one.went_down for one in report.sinks)
        await asyncio.sleep(max(retry_seconds if down else _LEAST_PAUSE_SECONDS, min(waits)))


@dataclass(slots=True)
class Pass(Generic[OwedT]):
    """One pass over what is due at one sink.

    Attributes:
        deadline: When to end, on the monotonic clock, also in the middle of a send.
    """

    connection: Connection
    settings: Settings
    ledger: Ledger[OwedT]
    sink: Sink[OwedT]
    deadline: float | None = None
    progress: Progress | None = None

    async def run(self) -> Delivered:
        """Deliver what is due, and return what came of it."""
        tally = Delivered(self.sink.name)
        pending = self._pending() if self.progress else 0
        down = 0
        while (seconds := self._send_seconds()) > 0 and down < SINK_DOWN_AFTER:
            tried = await self._deliver_next(tally, seconds)
            if tried == "nothing_due":
                return tally
            down = down + 1 if tried == "sink_down" else 0
            if self.progress:
                done = tally.delivered + tally.failed
                self.progress(self.sink.name, done, max(pending, done))
        tally.went_down = down >= SINK_DOWN_AFTER
        return tally

    def _send_seconds(self) -> float:
        """Return how long the next send may take."""
        patience = self.settings.webhook_timeout_seconds
        if self.deadline is None:
            return patience
        left = self.deadline - time.monotonic()
        # A send without a chance would only cost the message one of its attempts.
        return min(patience, left) if left >= min(patience, _LEAST_SEND_SECONDS) else 0

    async def _deliver_next(self, tally: Delivered, seconds: float) -> _Tried:
        """Deliver the next message that is due.

        The transaction is open while it is sent: its row lock keeps every other deliverer from this message, and goes
        with this process if it dies.
        """
        with self.connection.transaction():
            owed = self.ledger.claim(self.connection, self.sink.name, limit_seconds=seconds + _SEND_MARGIN_SECONDS)
            if owed is None:
                return "nothing_due"
            checkpoint("before_notify")
            failure = await self.sink.send(owed, seconds)
            checkpoint("after_notify")
            self._store(tally, owed, failure)
        checkpoint("after_notify_commit")
        if failure is None:
            return "delivered"
        return "sink_down" if failure.sink_down else "refused"

    def _store(self, tally: Delivered, owed: OwedT, failure: Failure | None) -> None:
        if failure is None:
            self.ledger.succeeded(self.connection, self.sink.name, owed)
            tally.delivered += 1
        else:
            self._store_failure(tally, owed, failure)

    def _store_failure(self, tally: Delivered, owed: OwedT, failure: Failure) -> None:
        wait = backoff_seconds(self.settings.outbox_retry_seconds, owed.attempts + 1, failure.asked_seconds)
        dead = self.ledger.failed(self.connection, self.sink.name, owed, failure.reason, wait_seconds=wait)
        tally.failed += 1
        tally.dead += dead
        tally.errors.append(failure.reason)
        then = "it is a dead letter now" if dead else f"again in {wait:.0f} s"
        log.warning("%s: %s was not delivered: %s; %s", self.sink.name, owed.dedupe_key, failure.reason, then)

    def _pending(self) -> int:
        return sum(lag.pending for lag in self.ledger.lags(self.connection) if lag.sink == self.sink.name)


def backoff_seconds(first: float, attempt: int, asked_seconds: float = 0.0) -> float:
    """Return how long to wait after the attempt of that number (1 is the first).

    Half of it is fixed and half is random, so that what failed together does not return together; never longer than
    an hour, whatever the sink asked for.

    Args:
        first: the bound after the first attempt, in seconds; it doubles with each.
        attempt: how many attempts were made.
        asked_seconds: what the sink asked for, which is the least.
    """
    bound = min(LONGEST_WAIT_SECONDS, first * 2.0 ** min(attempt - 1, 32))
    wait = bound / 2 + random.uniform(0, bound / 2)  # noqa: S311  (spreads load, keeps no secret)
    return min(LONGEST_WAIT_SECONDS, max(asked_seconds, wait))
