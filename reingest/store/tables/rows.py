"""A version's rows: curtailment records, rejects and totals."""

from typing import Any, ClassVar

from reingest.store.tables.columns import (
    Big,
    BigOrNone,
    Exact,
    ExactOrNone,
    Id,
    InstantOrNone,
    Json,
    JsonOrNone,
    KeyText,
    Small,
    Table,
    Words,
    WordsOrNone,
)


class CurtailmentRecord(Table, table=True):
    """A stack row of a wind BM unit, signed as Elexon signs it; acceptance and pair may be null."""

    __mapper_args__: ClassVar[Any] = {
        "primary_key": ["version_id", "period", "side", "bm_unit", "acceptance_id", "pair_id", "sequence_number"]
    }

    version_id: Big
    period: Small
    side: Words
    sequence_number: int
    bm_unit: Words
    acceptance_id: BigOrNone
    pair_id: int | None
    cadl_flag: bool | None
    so_flag: bool | None
    stor_flag: bool | None
    repriced: bool
    original_price: ExactOrNone
    volume: Exact
    final_price: ExactOrNone
    transmission_loss_multiplier: ExactOrNone
    created_at: InstantOrNone
    fetch_id: Big
    payload_row: int
    extra: JsonOrNone


class Reject(Table, table=True):
    """A stack row that was not accepted, with the wire's text of it."""

    __mapper_args__: ClassVar[Any] = {"primary_key": ["version_id", "fetch_id", "payload_row", "code", "field"]}

    version_id: Big
    fetch_id: Big
    period: Small
    side: Words
    payload_row: int
    code: Words
    field: WordsOrNone
    message: Words
    bm_unit: WordsOrNone
    wind: bool
    raw: Json


class DailySummary(Table, table=True):
    """A version's totals by definition."""

    version_id: Id
    definition: KeyText
    energy_mwh: Exact
    payment_gbp: Exact
    records: int
    bm_units: int
    periods: int
    indicative_cashflow_gbp: ExactOrNone


class DailyUnitSummary(Table, table=True):
    """A version's totals by definition and BM unit."""

    version_id: Id
    definition: KeyText
    bm_unit: KeyText
    lead_party: WordsOrNone
    energy_mwh: Exact
    payment_gbp: Exact
    records: int
    periods: int
    indicative_cashflow_gbp: ExactOrNone


class VersionOtherUnit(Table, table=True):
    """A unit that did not count as wind in a version: its rows that would be records if it did, its bids' energy."""

    version_id: Id
    bm_unit: KeyText
    rows: int
    energy_mwh: Exact
