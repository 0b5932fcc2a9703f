"""A settlement date, its versions, and what became of their periods and checks."""

from datetime import date, datetime
from typing import Annotated
from uuid import UUID

from sqlalchemy import ARRAY, BigInteger, DateTime
from sqlmodel import Field

from reingest.store.tables.columns import (
    Big,
    BigOrNone,
    Exact,
    ExactOrNone,
    Id,
    Instant,
    InstantOrNone,
    KeyPart,
    KeyText,
    Table,
    WordList,
    Words,
    WordsOrNone,
)


class SettlementDay(Table, table=True):
    """One settlement date: the version served, and the generation that every publish moves by one."""

    settlement_date: date = Field(primary_key=True)
    current_version_id: BigOrNone
    generation: Big
    provisional_until: InstantOrNone
    confirmed_at: InstantOrNone
    confirmed_by: UUID | None
    last_number: int
    withdrawn_fetches: Annotated[list[int] | None, Field(sa_type=ARRAY(BigInteger))]
    withdrawn_seal: WordsOrNone
    register_recorded_at: InstantOrNone
    stale_since: InstantOrNone
    stale_reason: WordsOrNone


class Version(Table, table=True):
    """An immutable set of records of one date, built from a named list of fetches."""

    id: Id
    settlement_date: date
    number: int
    state: Words
    kind: Words
    sides: WordList
    basis_generation: Big
    run_id: UUID
    register_id: Big
    register_hash: Words
    definitions: WordList
    mining_inputs_hash: Words
    mining_state: Words
    code_version: Words
    system_prices_fetch_id: BigOrNone
    rows: int
    rejects: int
    records: int
    provisional_until: InstantOrNone
    content_hash: Words
    seal: WordsOrNone
    reason: WordsOrNone
    created_at: Instant
    served_from: InstantOrNone
    served_to: InstantOrNone
    restored_from: int | None
    previous_seal: WordsOrNone
    register_recorded_at: InstantOrNone
    other_units: int | None


class ServedSpan(Table, table=True):
    """A span in which a date served a version; it stays when the version is taken away."""

    settlement_date: date = Field(primary_key=True)
    number: int
    content_hash: Words
    version_id: BigOrNone
    provisional: bool
    final_from: InstantOrNone
    served_from: Annotated[datetime, Field(sa_type=DateTime(timezone=True), primary_key=True)]
    served_to: InstantOrNone


class VersionPeriod(Table, table=True):
    """What became of one side of one settlement period; rows = accepted + rejects."""

    version_id: Id
    period: KeyPart
    side: KeyText
    outcome: Words
    fetch_id: BigOrNone
    rows: int
    accepted: int
    rejects: int
    wind_rows: int
    created_at: InstantOrNone


class ExpectedTotal(Table, table=True):
    """What a date should come to by one definition; in force until retired."""

    id: Id
    settlement_date: date
    definition: Words
    energy_mwh: ExactOrNone
    payment_gbp: ExactOrNone
    energy_tolerance_mwh: Exact
    payment_tolerance_gbp: Exact
    origin: Words
    set_at: Instant
    retired_at: InstantOrNone


class CheckResult(Table, table=True):
    """What one check of one run said of a version."""

    version_id: Id
    run_id: UUID = Field(primary_key=True)
    name: KeyText
    status: Words
    expected: WordsOrNone
    actual: WordsOrNone
    detail: Words
