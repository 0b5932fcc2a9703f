"""The register of BM units, and what people decided on its units."""

from datetime import date

from reingest.store.tables.columns import (
    Big,
    BigOrNone,
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
    """One answer of Elexon's register of BM units that differed from the one before."""

    id: Id
    hash: Words
    fetch_id: Big
    recorded_at: Instant
    units: int
    null_ids: int
    duplicates: int


class RegisterEntry(Table, table=True):
    """What a register says of a BM unit, where the one before said something else; or that it is gone."""

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
    gone: bool


class RegisterChange(Table, table=True):
    """An act that changed what is taken to be true of BM units, and as of when it is recorded."""

    id: Id
    recorded_at: Instant
    kind: Words
    register_id: Big
    action_id: BigOrNone


class BmUnit(Table, table=True):
    """What was taken to be true of a BM unit: for which settlement dates (valid), and as of when (recorded).

    Ends are exclusive; a beginning of null is before all dates, an end of null has not come.
    """

    id: Id
    elexon_bm_unit: Words
    name: WordsOrNone
    fuel_type: WordsOrNone
    lead_party_name: WordsOrNone
    lead_party_id: WordsOrNone
    generation_capacity_mw: ExactOrNone
    demand_capacity_mw: ExactOrNone
    gsp_group_id: WordsOrNone
    gsp_group_name: WordsOrNone
    valid_from: date | None
    valid_to: date | None
    recorded_from: Instant
    recorded_to: InstantOrNone
    change_id: Big


class UnitProposal(Table, table=True):
    """A fuel type that the register gives a known unit which had none; a person accepts it, or declines it."""

    id: Id
    elexon_bm_unit: Words
    register_id: Big
    fuel_type: Words
    valid_from: date
    proposed_at: Instant
    state: Words
    decided_at: InstantOrNone
    action_id: BigOrNone


class UnitOverride(Table, table=True):
    """A person's decision that a BM unit counts as wind, or does not, whatever its fuel type says."""

    id: Id
    elexon_bm_unit: Words
    decision: Words
    reason: Words
    decided_at: Instant
    retired_at: InstantOrNone
