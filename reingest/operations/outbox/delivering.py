"""Deliver what is due: each fact to each sink at least once, a date's facts in their order.

Between the send and its mark the process may die; the fact is then sent again, with the same dedupe key. A failed
attempt is waited for longer and longer, and after the last one the fact is a dead letter, which its date's later facts
wait for no more.
"""

import asyncio
import logging
import random
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import date
from typing import Final, Literal

from reingest.checkpoints import checkpoint
from reingest.errors import ReingestError
from reingest.operations.outbox.sinks import Failure, Sink, open_sinks
from reingest.settings import Settings
from reingest.store.database import Connection, database_errors, within
from reingest.store.lending import Connections
from reingest.store.migrate import require_schema
from reingest.store.outbox import (
    OwedFact,
    SinkLag,
    SinkName,
    claim_delivery,
    delivery_failed,
    delivery_succeeded,
    know_sinks,
    number_changes,
    sink_lags,
)

log = logging.getLogger(__name__)

SOON_SECONDS: Final = 3.0
"""What a run may spend on telling of its publish, all sinks together."""

LONGEST_WAIT_SECONDS: Final = 3600.0
SINK_DOWN_AFTER: Final = 3
"""Failures of the sink itself, one after the other, that end a pass: the rest would only fail as well."""

_LEAST_SEND_SECONDS: Final = 0.25
_SEND_MARGIN_SECONDS: Final = 2.0
_CUT_MARGIN_SECONDS: Final = 1.0
_LEAST_PAUSE_SECONDS: Final = 0.1

_Tried = Literal["nothing_due", "delivered", "refused", "sink_down"]

Progress = Callable[[str, int, int], None]
"""Told the sink's name, how many facts were tried, and out of how many."""


@dataclass(slots=True)
class Delivered:
    """What one pass did at one sink.

    Attributes:
        delivered: Facts that the sink took.
        failed: Attempts that failed.
        dead: Facts among them that are dead letters now.
        went_down: Whether the pass ended early, because the sink itself failed.
    """

    sink: SinkName
    delivered: int = 0
    failed: int = 0
    dead: int = 0
    went_down: bool = False
    errors: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class DeliveryReport:
    """What was delivered where, and what is left at every known sink, also at those that are not configured here."""

    sinks: tuple[Delivered, ...]
    lags: tuple[SinkLag, ...]

    @property
    def left(self) -> tuple[SinkLag, ...]:
        """The configured sinks that have facts pending or dead."""
        configured = {one.sink for one in self.sinks}
        return tuple(lag for lag in self.lags if lag.sink in configured and (lag.pending or lag.dead))


def configured_sinks(settings: Settings) -> tuple[SinkName, ...]:
    """Return the sinks that the settings name."""
    named: tuple[tuple[SinkName, bool], ...] = (
        ("log", settings.outbox_log is not None),
        ("prefect", settings.prefect_events == "on"),
        ("webhook", settings.webhook_url is not None),
    )
    return tuple(sink for sink, is_named in named if is_named)


def know_configured_sinks(settings: Settings, connection: Connection) -> None:
    """Before a publish: owe its fact to the configured sinks, also to one that was never used before."""
    if sinks := configured_sinks(settings):
        know_sinks(connection, sinks)


async def deliver_soon(
    settings: Settings, database_url: str, settlement_date: date, lender: Connections | None = None
) -> None:
    """After a run: try once to deliver the date's facts, within `SOON_SECONDS`; a failure leaves them pending.

    Without a sink it does nothing. It raises nothing: the date is published, whatever becomes of the news.
    """
    if not configured_sinks(settings):
        return
    try:
        lender = lender or Connections(database_url, most_kept=0)
        with _outbox(settings, lender, within_seconds=SOON_SECONDS) as connection:
            deadline = time.monotonic() + SOON_SECONDS
            await _deliver(connection, settings, settlement_date=settlement_date, deadline=deadline)
    except ReingestError as error:
        log.warning("the outbox could not be delivered now: %s", error)
    except Exception:
        # An edge: the run has ended and its date is published, so not even a fault of ours may become its outcome.
        log.exception("the outbox could not be delivered now")


async def deliver_all(settings: Settings, database_url: str, progress: Progress | None = None) -> DeliveryReport:
    """Deliver until nothing is pending at the configured sinks: each fact was delivered, or is a dead letter.

    Raises:
        BadSetting: the CA bundle cannot be read.
        DatabaseError: Postgres cannot be used.
    """
    tallies: dict[SinkName, Delivered] = {}
    while True:
        report = await deliver_due(settings, database_url, progress=progress)
        for one in report.sinks:
            _add(tallies.setdefault(one.sink, Delivered(one.sink)), one)
        waits = [float(lag.next_attempt_seconds or 0) for lag in report.left if lag.pending]
        if not waits:
            return DeliveryReport(tuple(tallies.values()), report.lags)
        down = any(one.went_down for one in report.sinks)
        await asyncio.sleep(max(settings.outbox_retry_seconds if down else _LEAST_PAUSE_SECONDS, min(waits)))


async def deliver_due(settings: Settings, database_url: str, progress: Progress | None = None) -> DeliveryReport:
    """Deliver once what is due, sink by sink.

    Raises:
        BadSetting: the CA bundle cannot be read.
        DatabaseError: Postgres cannot be used.
    """
    with _outbox(settings, Connections(database_url, most_kept=0)) as connection:
        tallies = await _deliver(connection, settings, progress=progress)
        return DeliveryReport(tuple(tallies), tuple(sink_lags(connection)))


@contextmanager
def _outbox(settings: Settings, lender: Connections, within_seconds: float | None = None) -> Iterator[Connection]:
    """Give a connection to the outbox, in which the configured sinks are known and every fact has its position.

    What waits for Postgres is bounded where a time is given: a network that swallows everything must not hold up a run.
    """
    with lender.lend("outbox") as connection, database_errors(), ExitStack() as bounds:
        if within_seconds is not None:
            bounds.enter_context(within(connection, within_seconds + _CUT_MARGIN_SECONDS))
        require_schema(connection)
        know_configured_sinks(settings, connection)
        number_changes(connection)
        yield connection


async def _deliver(
    connection: Connection,
    settings: Settings,
    *,
    settlement_date: date | None = None,
    deadline: float | None = None,
    progress: Progress | None = None,
) -> list[Delivered]:
    async with open_sinks(settings) as sinks:
        return [await _Pass(connection, settings, sink, settlement_date, deadline, progress).run() for sink in sinks]


@dataclass(slots=True)
class _Pass:
    """One pass over what is due at one sink.

    Attributes:
        settlement_date: This date's facts only.
        deadline: When to end, on the monotonic clock, also in the middle of a send.
    """

    connection: Connection
    settings: Settings
    sink: Sink
    settlement_date: date | None
    deadline: float | None
    progress: Progress | None

    async def run(self) -> Delivered:
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
        # A send without a chance would only cost the fact one of its attempts.
        return min(patience, left) if left >= min(patience, _LEAST_SEND_SECONDS) else 0

    async def _deliver_next(self, tally: Delivered, seconds: float) -> _Tried:
        """Deliver the next fact that is due.

        The transaction is open while the fact is sent: its row lock keeps every other deliverer from this fact, and
        goes with this process if it dies.
        """
        limit = seconds + _SEND_MARGIN_SECONDS
        with self.connection.transaction():
            fact = claim_delivery(
                self.connection, self.sink.name, limit_seconds=limit, settlement_date=self.settlement_date
            )
            if fact is None:
                return "nothing_due"
            checkpoint("before_notify")
            failure = await self.sink.send(fact, seconds)
            checkpoint("after_notify")
            self._store(tally, fact, failure)
        checkpoint("after_notify_commit")
        if failure is None:
            return "delivered"
        return "sink_down" if failure.sink_down else "refused"

    def _store(self, tally: Delivered, fact: OwedFact, failure: Failure | None) -> None:
        if failure is None:
            delivery_succeeded(self.connection, self.sink.name, fact)
            tally.delivered += 1
        else:
            self._store_failure(tally, fact, failure)

    def _store_failure(self, tally: Delivered, fact: OwedFact, failure: Failure) -> None:
        wait = backoff_seconds(self.settings.outbox_retry_seconds, fact.attempts + 1, failure.asked_seconds)
        dead = delivery_failed(
            self.connection,
            self.sink.name,
            fact,
            failure.reason,
            wait_seconds=wait,
            most_attempts=self.settings.outbox_attempts,
        )
        tally.failed += 1
        tally.dead += dead
        tally.errors.append(failure.reason)
        then = "it is a dead letter now" if dead else f"again in {wait:.0f} s"
        log.warning("%s: %s was not delivered: %s; %s", self.sink.name, fact.dedupe_key, failure.reason, then)

    def _pending(self) -> int:
        return sum(lag.pending for lag in sink_lags(self.connection) if lag.sink == self.sink.name)


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


def _add(total: Delivered, one: Delivered) -> None:
    total.delivered += one.delivered
    total.failed += one.failed
    total.dead += one.dead
    total.errors += one.errors
