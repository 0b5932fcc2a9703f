"""Runs over many dates, and what became of each date."""

from datetime import date
from typing import Annotated
from uuid import UUID

from sqlmodel import Field

from reingest.store.tables.columns import (
    Big,
    BigOrNone,
    ExactOrNone,
    Instant,
    InstantOrNone,
    Json,
    JsonOrNone,
    Small,
    SmallOrNone,
    Table,
    Words,
    WordsOrNone,
)


class RangeRun(Table, table=True):
    """A run over many dates: what was asked of each, by whom, and whether it came to its end."""

    id: UUID = Field(primary_key=True)
    kind: Words
    side: Words
    source: Words
    plan: bool
    energy_limit_mwh: ExactOrNone
    payment_limit_gbp: ExactOrNone
    jobs: Small
    reason: WordsOrNone
    flow_run_id: UUID | None
    holder: Words
    host: Words
    pid: int
    code_version: Words
    token: Big
    started_at: Instant
    ended_at: InstantOrNone
    state: Words
    error: JsonOrNone


class RangeDate(Table, table=True):
    """One date of a range, written down before the first one runs, and how it ended."""

    range_id: UUID = Field(primary_key=True)
    position: Annotated[int, Field(primary_key=True)]
    settlement_date: date
    state: Words
    token: BigOrNone
    host: WordsOrNone
    pid: int | None
    claimed_at: InstantOrNone
    ended_at: InstantOrNone
    locked_before: bool
    deaths: Small
    outcome: WordsOrNone
    exit_code: SmallOrNone
    decision: WordsOrNone
    run_id: UUID | None
    version: int | None
    error: JsonOrNone
    changes: Json
    requests: int
    seconds: ExactOrNone
