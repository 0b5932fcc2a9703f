"""Notices: what people are told, at most once a cause, and by which channels each of them got out.

A notice is written by the transaction that it tells of. Which channels owe it is settled when somebody delivers: the
settings of that machine say which there are. A deliverer holds the row lock of the delivery while it sends.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, Final, Literal, get_args

from psycopg.rows import class_row
from psycopg.types.json import Jsonb

from reingest.checkpoints import checkpoint
from reingest.errors import Bug, NotFound
from reingest.settings import NoticeKind
from reingest.store.database import Connection, database_errors
from reingest.store.outbox import SinkLag
from reingest.store.sql import query

ChannelName = Literal["email", "slack", "webhook"]
NoticeState = Literal["pending", "delivered", "dead", "unwanted", "no_channel"]
NOTICE_STATES: Final[tuple[NoticeState, ...]] = get_args(NoticeState)


@dataclass(frozen=True, slots=True)
class Notice:
    """Something that people should know.

    Attributes:
        cause: Why they are told, stable: of two notices with one cause the second is not told.
        kind: What sort of thing it is; people choose which they want.
        subject: One line.
        text: Plain text for people, which ends with what to do next.
        detail: The same for machines: plain JSON, exact numbers as text.
        settlement_date: The date that it is about, if it is about one.
    """

    cause: str
    kind: NoticeKind
    subject: str
    text: str
    detail: Mapping[str, Any]
    settlement_date: date | None = None


@dataclass(frozen=True, slots=True)
class OwedNotice:
    """A notice that is due at a channel, held by a row lock until the transaction ends.

    Attributes:
        attempts: How often its delivery was tried before.
        dedupe_key: Its cause: the same at every attempt and every channel.
        created_at: When it was written; aware, UTC.
    """

    id: int
    attempts: int
    dedupe_key: str
    kind: str
    settlement_date: date | None
    subject: str
    text: str
    detail: Mapping[str, Any]
    created_at: datetime


@dataclass(frozen=True, slots=True)
class ListedNotice:
    """One notice at one channel, or one that no channel was told of yet (`no_channel`)."""

    id: int
    created_at: datetime
    kind: str
    settlement_date: date | None
    subject: str
    text: str
    detail: Mapping[str, Any]
    cause: str
    channel: ChannelName | None
    state: NoticeState
    attempts: int
    next_attempt_at: datetime | None
    delivered_at: datetime | None
    last_error: str | None


def add_notice(connection: Connection, notice: Notice) -> bool:
    """Write a notice inside the caller's transaction; return whether its cause is new."""
    with database_errors():
        added = connection.execute(
            query("add_notice"),
            {
                "cause": notice.cause,
                "kind": notice.kind,
                "settlement_date": notice.settlement_date,
                "subject": notice.subject,
                "text": notice.text,
                "detail": Jsonb(dict(notice.detail)),
            },
        ).fetchone()
    checkpoint("after_notice")
    return added is not None


def owe_notices(connection: Connection, channels: Sequence[ChannelName], kinds: Collection[NoticeKind]) -> None:
    """Have these channels owe every notice of the kinds that they were not given yet; a new one those of the last day.

    Args:
        connection: an autocommitting one.
        channels: those that are configured here.
        kinds: what people want to be told of.
    """
    names = list(channels)
    with database_errors(), connection.transaction():
        connection.execute(query("know_channels"), {"channels": names})
        connection.execute(query("owe_notices"), {"channels": names, "kinds": list(kinds)})
        checkpoint("before_owe_commit")
    checkpoint("after_owe_commit")


def claim_notice(connection: Connection, channel: str, *, limit_seconds: float) -> OwedNotice | None:
    """Hold the oldest notice that is due at the channel until the transaction ends; None where nothing is due.

    Args:
        connection: in a transaction, which Postgres ends by force when it idles for longer than `limit_seconds`.
        channel: by which it is owed.
        limit_seconds: the longest that a send takes.
    """
    connection.execute(query("begin_notify"), {"limit": f"{int(limit_seconds * 1000)}ms"})
    with connection.cursor(row_factory=class_row(OwedNotice)) as cursor:
        return cursor.execute(query("claim_notice"), {"channel": channel}).fetchone()


def notice_succeeded(connection: Connection, channel: str, notice: OwedNotice) -> None:
    """Store that the channel took the notice."""
    connection.execute(query("notice_succeeded"), {"notice_id": notice.id, "channel": channel})
    checkpoint("after_notice_success_mark")


def notice_failed(
    connection: Connection, channel: str, notice: OwedNotice, error: str, *, wait_seconds: float, most_attempts: int
) -> bool:
    """Store that the channel did not take the notice; it may be tried again after the wait, by database time.

    Returns:
        Whether that was the last attempt, so that the notice is a dead letter now.
    """
    parameters = {
        "notice_id": notice.id,
        "channel": channel,
        "error": error,
        "wait": timedelta(seconds=wait_seconds),
        "most": most_attempts,
    }
    row = connection.execute(query("notice_failed"), parameters).fetchone()
    checkpoint("after_notice_failure_mark")
    if row is None:
        raise Bug("a notice that is held has no delivery")
    return bool(row[0] == "dead")


def channel_lags(connection: Connection) -> list[SinkLag]:
    """Return how far each known channel is behind."""
    with database_errors(), connection.cursor(row_factory=class_row(SinkLag)) as cursor:
        return cursor.execute(query("channel_lags")).fetchall()


def list_notices(connection: Connection, states: Sequence[NoticeState], *, limit: int) -> list[ListedNotice]:
    """Return notices in one of these states, newest first, a row a channel."""
    with database_errors(), connection.cursor(row_factory=class_row(ListedNotice)) as cursor:
        return cursor.execute(query("list_notices"), {"states": list(states), "limit": limit}).fetchall()


def retry_notice(connection: Connection, notice_id: int) -> int:
    """Make one notice due now wherever it is pending, dead or unwanted; return at how many channels that is.

    Raises:
        NotFound: there is no such notice.
    """
    with database_errors():
        if connection.execute(query("has_notice"), {"notice_id": notice_id}).fetchone() is None:
            raise NotFound(f"there is no notice {notice_id}", next_command="reingest notices list")
    return _retry(connection, ["pending", "dead", "unwanted"], notice_id)


def retry_dead_notices(connection: Connection) -> int:
    """Make every dead notice due now, with no attempts made; return how many."""
    return _retry(connection, ["dead"])


def _retry(connection: Connection, states: list[NoticeState], notice_id: int | None = None) -> int:
    with database_errors():
        retried = connection.execute(query("retry_notices"), {"states": states, "notice_id": notice_id}).rowcount
    checkpoint("after_notice_retry")
    return retried
