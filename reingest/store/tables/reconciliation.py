"""Reconciliations: what was due, what was found, and the settlement runs after which dates are asked again."""

from datetime import date
from typing import Annotated
from uuid import UUID

from sqlalchemy import ARRAY, SmallInteger
from sqlmodel import Field

from reingest.store.tables.columns import (
    ExactOrNone,
    Instant,
    InstantOrNone,
    Json,
    JsonOrNone,
    KeyText,
    Small,
    SmallOrNone,
    Table,
    Words,
    WordsOrNone,
)


class SettlementRun(Table, table=True):
    """A run of settlement, and how long after a date it is."""

    name: KeyText
    position: Small
    working_days: SmallOrNone
    months: SmallOrNone
    enabled: bool


class Reconciliation(Table, table=True):
    """One comparison of the dates that were due with the source."""

    id: UUID = Field(primary_key=True)
    range_id: UUID
    policy: Words
    payment_limit_gbp: ExactOrNone
    energy_limit_mwh: ExactOrNone
    jobs: Small
    holder: Words
    host: Words
    pid: int
    code_version: Words
    flow_run_id: UUID | None
    started_at: Instant
    finished_at: InstantOrNone
    state: Words


class ReconciliationDate(Table, table=True):
    """One date of a reconciliation: why it was due, what was found, and how far its figures moved."""

    reconciliation_id: UUID = Field(primary_key=True)
    settlement_date: date = Field(primary_key=True)
    position: int
    reason: Words
    due_since: Instant
    verdict: WordsOrNone
    judged_at: InstantOrNone
    run_id: UUID | None
    version: int | None
    energy_before_mwh: ExactOrNone
    energy_after_mwh: ExactOrNone
    payment_before_gbp: ExactOrNone
    payment_after_gbp: ExactOrNone
    btc: Json
    periods: Annotated[list[int] | None, Field(sa_type=ARRAY(SmallInteger))]
    error: JsonOrNone
