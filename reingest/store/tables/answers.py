"""Answered requests, their payloads, and the moves that their outcomes may make."""

from datetime import date
from uuid import UUID

from reingest.store.tables.columns import (
    Big,
    Id,
    Instant,
    InstantOrNone,
    KeyText,
    Small,
    SmallOrNone,
    Table,
    Words,
    WordsOrNone,
)


class Payload(Table, table=True):
    """The bytes of one answer, kept in the archive under their sha256."""

    sha256: KeyText
    size: Big
    stored_size: Big
    first_seen_at: Instant


class Fetch(Table, table=True):
    """One answered request: which date, period, dataset and URL gave which payload, when, with what status."""

    id: Id
    run_id: UUID
    dataset: Words
    settlement_date: date | None
    period: SmallOrNone
    side: WordsOrNone
    wire: Words
    url: Words
    status: Small
    content_type: Words
    payload_sha256: Words
    requested_at: Instant
    answered_at: Instant
    attempts: Small
    outcome: Words
    forgotten_at: InstantOrNone


class StateMove(Table, table=True):
    """A legal move of a version's state, or of a fetch's outcome."""

    subject: KeyText
    before: KeyText
    after: KeyText
