"""What people and schedules did: runs with their log, decisions, and the right to change a date."""

from datetime import date
from typing import Annotated
from uuid import UUID

from sqlalchemy import ARRAY, SmallInteger
from sqlmodel import Field

from reingest.store.tables.columns import (
    Big,
    BigOrNone,
    Exact,
    Id,
    Instant,
    InstantOrNone,
    Json,
    JsonOrNone,
    KeyText,
    SmallOrNone,
    Table,
    WordList,
    Words,
    WordsOrNone,
)


class Run(Table, table=True):
    """One act of a person or a schedule: what was asked, by whom, and how it ended."""

    id: UUID = Field(primary_key=True)
    kind: Words
    settlement_date: date | None
    periods: Annotated[list[int] | None, Field(sa_type=ARRAY(SmallInteger))]
    sides: WordList
    source: Words
    reason: WordsOrNone
    holder: Words
    host: Words
    pid: int
    code_version: Words
    flow_run_id: UUID | None
    started_at: Instant
    finished_at: InstantOrNone
    outcome: WordsOrNone
    exit_code: SmallOrNone
    error: JsonOrNone
    version_id: BigOrNone
    requests: int
    retries: int


class RunEvent(Table, table=True):
    """One line of a run's log."""

    id: Id
    run_id: UUID
    at: Instant
    stage: Words
    event: Words
    detail: Json


class OperatorAction(Table, table=True):
    """What a person decided, and why."""

    id: Id
    at: Instant
    who: Words
    host: Words
    action: Words
    settlement_date: date | None
    version_id: BigOrNone
    reason: Words
    detail: Json


class Lease(Table, table=True):
    """The right to change one date."""

    key: KeyText
    token: Big
    run_id: UUID
    holder: Words
    host: Words
    pid: int
    acquired_at: Instant
    heartbeat_at: Instant
    expires_at: Instant


class RateGate(Table, table=True):
    """When the next request to a source may go out, for all processes together."""

    source: KeyText
    next_at: Instant
    slots: Big
    waited_seconds: Exact
    pauses: Big
