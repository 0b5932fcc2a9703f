"""Witnesses of versions: what they were judged by, what each rule found; and gaps of the source."""

from datetime import date
from typing import Any, ClassVar
from uuid import UUID

from sqlmodel import Field

from reingest.store.tables.columns import (
    Big,
    BigOrNone,
    Exact,
    ExactOrNone,
    Id,
    Instant,
    InstantOrNone,
    Json,
    KeyText,
    Small,
    Table,
    Words,
    WordsOrNone,
)


class VersionWitness(Table, table=True):
    """An answer that a run judged a version by."""

    version_id: Id
    run_id: UUID = Field(primary_key=True)
    fetch_id: Id


class WitnessVerdict(Table, table=True):
    """What one rule of a named set of rules found, in one run that judged the version."""

    version_id: Id
    run_id: UUID = Field(primary_key=True)
    rule: KeyText
    rules: Words
    status: Words
    compared: int
    not_compared: int
    reasons: Json
    differences: int
    judged_at: Instant


class WitnessDifference(Table, table=True):
    """One figure that stacks and witness give differently; null is one that one of them does not have."""

    __mapper_args__: ClassVar[Any] = {
        "primary_key": ["version_id", "run_id", "rule", "period", "side", "bm_unit", "acceptance_id", "pair_id"]
    }

    version_id: Big
    run_id: UUID
    rule: Words
    period: Small
    side: Words
    bm_unit: WordsOrNone
    acceptance_id: BigOrNone
    pair_id: int | None
    stack: ExactOrNone
    witness: ExactOrNone
    difference: Exact
    wind: bool
    cause: WordsOrNone


class SourceGap(Table, table=True):
    """A person's decision that the source will never publish a side of a period; in force until retired."""

    id: Id
    settlement_date: date
    period: Small
    side: Words
    reason: Words
    accepted_at: Instant
    retired_at: InstantOrNone
