"""Deliver what is due of the notices: each to each channel at least once, those of one date in their order."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from reingest.clock import utc_now
from reingest.ids import new_id
from reingest.operations.deliveries.passes import (
    Delivered,
    DeliveryReport,
    Pass,
    Progress,
    until_nothing_is_pending,
)
from reingest.operations.deliveries.soon import cut_after, soon
from reingest.operations.notices.channels import configured_channels, open_channels
from reingest.settings import Settings
from reingest.store.database import Connection, connect, database_errors
from reingest.store.migrate import require_schema
from reingest.store.notices import (
    ChannelName,
    OwedNotice,
    channel_lags,
    claim_notice,
    notice_failed,
    notice_succeeded,
    owe_notices,
)
from reingest.store.outbox import SinkLag


@dataclass(frozen=True, slots=True)
class NoticeLedger:
    """The notices that channels owe."""

    most_attempts: int

    def claim(self, connection: Connection, sink: str, *, limit_seconds: float) -> OwedNotice | None:
        """Hold the oldest notice that is due at the channel until the transaction ends; None where nothing is due."""
        return claim_notice(connection, sink, limit_seconds=limit_seconds)

    def succeeded(self, connection: Connection, sink: str, owed: OwedNotice) -> None:
        """Store that the channel took the notice."""
        notice_succeeded(connection, sink, owed)

    def failed(self, connection: Connection, sink: str, owed: OwedNotice, reason: str, *, wait_seconds: float) -> bool:
        """Store that it did not, and return whether the notice is a dead letter now."""
        return notice_failed(
            connection, sink, owed, reason, wait_seconds=wait_seconds, most_attempts=self.most_attempts
        )

    def lags(self, connection: Connection) -> list[SinkLag]:
        """Return how far each known channel is behind."""
        return channel_lags(connection)


async def deliver_notices(settings: Settings, database_url: str, progress: Progress | None = None) -> DeliveryReport:
    """Deliver once what is due, channel by channel.

    Raises:
        BadSetting: the CA bundle cannot be read, or the mail server's address not be used.
        DatabaseError: Postgres cannot be used.
    """
    with _notices(settings, database_url) as connection:
        tallies = await _deliver(connection, settings, progress=progress)
        return DeliveryReport(tuple(tallies), tuple(channel_lags(connection)))


async def deliver_all_notices(
    settings: Settings, database_url: str, progress: Progress | None = None
) -> DeliveryReport:
    """Deliver until nothing is pending at the configured channels: each notice was delivered, or is a dead letter.

    Raises:
        BadSetting: the CA bundle cannot be read, or the mail server's address not be used.
        DatabaseError: Postgres cannot be used.
    """
    return await until_nothing_is_pending(
        lambda: deliver_notices(settings, database_url, progress=progress), settings.outbox_retry_seconds
    )


async def deliver_notices_soon(settings: Settings, database_url: str) -> None:
    """After something was told: try once to deliver what is due, soon; a failure leaves it pending.

    Without a channel it does nothing. It raises nothing: what was done is done, whatever becomes of the news.
    """
    if not configured_channels(settings):
        return
    with soon("people could not be told now") as deadline, _notices(settings, database_url, deadline) as connection:
        await _deliver(connection, settings, deadline=deadline)


async def try_channels(settings: Settings, only: ChannelName | None = None) -> dict[str, str | None]:
    """Send a trial message by every configured channel, or one; return what went wrong with each, None where nothing.

    Raises:
        BadSetting: the CA bundle cannot be read, or the mail server's address not be used.
    """
    notice = _trial()
    found: dict[str, str | None] = {}
    async with open_channels(settings) as channels:
        for channel in channels:
            if only in (None, channel.name):
                failure = await channel.send(notice, settings.webhook_timeout_seconds)
                found[channel.name] = failure.reason if failure else None
    return found


def _trial() -> OwedNotice:
    text = "This is a trial message: whoever reads it is told when a date is held or fails.\n\nNothing has happened."
    return OwedNotice(
        id=0,
        attempts=0,
        dedupe_key=f"test:{new_id()}",
        kind="test",
        settlement_date=None,
        subject="Trial message",
        text=text,
        detail={},
        created_at=utc_now(),
    )


@contextmanager
def _notices(settings: Settings, database_url: str, deadline: float | None = None) -> Iterator[Connection]:
    """Give a connection to the notices, in which the configured channels owe every one of them."""
    with connect(database_url, purpose="notices") as connection, database_errors(), cut_after(connection, deadline):
        require_schema(connection)
        if channels := configured_channels(settings):
            owe_notices(connection, channels, settings.noticed_kinds)
        yield connection


async def _deliver(
    connection: Connection,
    settings: Settings,
    *,
    deadline: float | None = None,
    progress: Progress | None = None,
) -> list[Delivered]:
    ledger = NoticeLedger(settings.outbox_attempts)
    async with open_channels(settings) as channels:
        return [await Pass(connection, settings, ledger, channel, deadline, progress).run() for channel in channels]
