"""Deliver what is due of the notices: each to each channel at least once, those of one date in their order."""

import logging
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Final

from reingest.clock import utc_now
from reingest.errors import ReingestError
from reingest.ids import new_id
from reingest.operations.deliveries.passes import (
    Delivered,
    DeliveryReport,
    Pass,
    Progress,
    until_nothing_is_pending,
)
from reingest.operations.notices.channels import configured_channels, open_channels
from reingest.settings import Settings
from reingest.store.database import Connection, connect, database_errors, within
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

log = logging.getLogger(__name__)

SOON_SECONDS: Final = 3.0
"""What a run may spend on telling people, all channels together."""
_CUT_MARGIN_SECONDS: Final = 1.0


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
    """After something was told: try once to deliver what is due, within `SOON_SECONDS`; a failure leaves it pending.

    Without a channel it does nothing. It raises nothing: what was done is done, whatever becomes of the news.
    """
    if not configured_channels(settings):
        return
    try:
        with _notices(settings, database_url, within_seconds=SOON_SECONDS) as connection:
            await _deliver(connection, settings, deadline=time.monotonic() + SOON_SECONDS)
    except ReingestError as error:
        log.warning("people could not be told now: %s", error)
    except Exception:
        # An edge: what people are told of has happened, so not even a fault of ours may become its outcome.
        log.exception("people could not be told now")


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
def _notices(settings: Settings, database_url: str, within_seconds: float | None = None) -> Iterator[Connection]:
    """Give a connection to the notices, in which the configured channels owe every one of them.

    What waits for Postgres is bounded where a time is given: a network that swallows everything must not hold up a run.
    """
    with connect(database_url, purpose="notices") as connection, database_errors(), ExitStack() as bounds:
        if within_seconds is not None:
            bounds.enter_context(within(connection, within_seconds + _CUT_MARGIN_SECONDS))
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
