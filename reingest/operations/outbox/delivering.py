"""Deliver what is due of the outbox: each fact to each sink at least once, a date's facts in their order.

A fact that is a dead letter holds up its date's later facts no more. How a pass goes stands in `operations/deliveries`.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date

from reingest.operations.deliveries.passes import (
    Delivered,
    DeliveryReport,
    Pass,
    Progress,
    until_nothing_is_pending,
)
from reingest.operations.deliveries.soon import cut_after, soon
from reingest.operations.notices.notice import notify
from reingest.operations.notices.of_facts import dead_letter_notice
from reingest.operations.outbox.sinks import open_sinks
from reingest.settings import Settings
from reingest.store.database import Connection, database_errors
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


@dataclass(frozen=True, slots=True)
class OutboxLedger:
    """The facts that sinks are owed: of every date, or of one."""

    most_attempts: int
    settlement_date: date | None = None

    def claim(self, connection: Connection, sink: str, *, limit_seconds: float) -> OwedFact | None:
        """Hold the oldest fact that is due at the sink until the transaction ends; None where nothing is due."""
        return claim_delivery(connection, sink, limit_seconds=limit_seconds, settlement_date=self.settlement_date)

    def succeeded(self, connection: Connection, sink: str, owed: OwedFact) -> None:
        """Store that the sink took the fact."""
        delivery_succeeded(connection, sink, owed)

    def failed(self, connection: Connection, sink: str, owed: OwedFact, reason: str, *, wait_seconds: float) -> bool:
        """Store that it did not, and return whether the fact is a dead letter now; of that people are told."""
        dead = delivery_failed(
            connection, sink, owed, reason, wait_seconds=wait_seconds, most_attempts=self.most_attempts
        )
        if dead:
            notify(connection, dead_letter_notice(sink, owed, reason))
        return dead

    def lags(self, connection: Connection) -> list[SinkLag]:
        """Return how far each known sink is behind."""
        return sink_lags(connection)


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
    """After a run: try once to deliver the date's facts, soon; a failure leaves them pending.

    Without a sink it does nothing. It raises nothing: the date is published, whatever becomes of the news.
    """
    if not configured_sinks(settings):
        return
    lender = lender or Connections(database_url, most_kept=0)
    with soon("the outbox could not be delivered now") as deadline, _outbox(settings, lender, deadline) as connection:
        await _deliver(connection, settings, settlement_date=settlement_date, deadline=deadline)


async def deliver_all(settings: Settings, database_url: str, progress: Progress | None = None) -> DeliveryReport:
    """Deliver until nothing is pending at the configured sinks: each fact was delivered, or is a dead letter.

    Raises:
        BadSetting: the CA bundle cannot be read.
        DatabaseError: Postgres cannot be used.
    """
    return await until_nothing_is_pending(
        lambda: deliver_due(settings, database_url, progress=progress), settings.outbox_retry_seconds
    )


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
def _outbox(settings: Settings, lender: Connections, deadline: float | None = None) -> Iterator[Connection]:
    """Give a connection to the outbox, in which the configured sinks are known and every fact has its position."""
    with lender.lend("outbox") as connection, database_errors(), cut_after(connection, deadline):
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
    ledger = OutboxLedger(settings.outbox_attempts, settlement_date)
    async with open_sinks(settings) as sinks:
        return [await Pass(connection, settings, ledger, sink, deadline, progress).run() for sink in sinks]
