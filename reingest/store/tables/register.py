"""The register of BM units, and what people decided on its units."""

from reingest.store.tables.columns import (
    Big,
    ExactOrNone,
    Id,
    Instant,
    InstantOrNone,
    KeyText,
    Table,
    Words,
    WordsOrNone,
)


class Register(Table, table=True):
    """One state of Elexon's register of BM units; the newest row is in force."""

    id: Id
    hash: Words
    fetch_id: Big
    recorded_at: Instant
    units: int
    null_ids: int
    duplicates: int


class BmUnit(Table, table=True):
    """One BM unit of one register."""

    register_id: Id
    elexon_bm_unit: KeyText
    national_grid_bm_unit: WordsOrNone
    name: WordsOrNone
    fuel_type: WordsOrNone
    lead_party_name: WordsOrNone
    lead_party_id: WordsOrNone
    bm_unit_type: WordsOrNone
    generation_capacity_mw: ExactOrNone
    demand_capacity_mw: ExactOrNone
    gsp_group_id: WordsOrNone
    gsp_group_name: WordsOrNone
    interconnector_id: WordsOrNone
    eic: WordsOrNone


class UnitOverride(Table, table=True):
    """A person's decision that a BM unit counts as wind, or does not, whatever its fuel type says."""

    id: Id
    elexon_bm_unit: Words
    decision: Words
    reason: Words
    decided_at: Instant
    retired_at: InstantOrNone
