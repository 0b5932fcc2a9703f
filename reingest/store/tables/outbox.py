"""The facts of publishes, and their deliveries."""

from datetime import date

from reingest.store.tables.columns import (
    Big,
    BigOrNone,
    Id,
    Instant,
    InstantOrNone,
    Json,
    KeyText,
    Table,
    Words,
    WordsOrNone,
)


class Outbox(Table, table=True):
    """A fact written by the publish transaction, delivered after it."""

    id: Id
    settlement_date: date
    generation: Big
    version_id: BigOrNone
    kind: Words
    body: Json
    dedupe_key: Words
    created_at: Instant
    position: BigOrNone


class OutboxSink(Table, table=True):
    """Where facts are delivered; one that is forgotten is owed nothing any more."""

    sink: KeyText
    known_since: Instant
    forgotten_at: InstantOrNone


class OutboxDelivery(Table, table=True):
    """One fact owed to one sink: whether it was delivered, and how often that was tried."""

    outbox_id: Id
    sink: KeyText
    settlement_date: date
    state: Words
    attempts: int
    next_attempt_at: Instant
    last_attempt_at: InstantOrNone
    last_error: WordsOrNone
    delivered_at: InstantOrNone
    dead_at: InstantOrNone
