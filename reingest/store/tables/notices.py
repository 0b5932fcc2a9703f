"""What people are told, and what became of each message."""

from datetime import date

from reingest.store.tables.columns import Id, Instant, InstantOrNone, Json, KeyText, Table, Words, WordsOrNone


class Notice(Table, table=True):
    """Something that people should know, at most once a cause."""

    id: Id
    cause: Words
    kind: Words
    settlement_date: date | None
    subject: Words
    text: Words
    detail: Json
    created_at: Instant


class NoticeChannel(Table, table=True):
    """A way by which people are told, and since when it owes them notices."""

    channel: KeyText
    known_since: Instant


class NoticeDelivery(Table, table=True):
    """One notice owed by one channel: whether it was delivered, and how often that was tried."""

    notice_id: Id
    channel: KeyText
    settlement_date: date | None
    state: Words
    attempts: int
    next_attempt_at: Instant
    last_attempt_at: InstantOrNone
    last_error: WordsOrNone
    delivered_at: InstantOrNone
    dead_at: InstantOrNone
