"""The register of BM units, from `/reference/bmunits/all`: a bare JSON array, without envelope or parameters.

It says what is, not what was: it has no validity dates, so each reading of it is kept with what was built on it.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from itertools import groupby
from typing import Any, Final

from reingest.elexon.faults import shown
from reingest.elexon.numbers import Unfit, decimal_or_none
from reingest.elexon.rejects import rejected
from reingest.elexon.sniff import sniff, utf8_text
from reingest.elexon.values import unit_id
from reingest.elexon.wire_json import read_json
from reingest.elexon.wire_rows import NULLS, to_json

_TEXTS: Final = {
    "national_grid_bm_unit": "nationalGridBmUnit",
    "name": "bmUnitName",
    "fuel_type": "fuelType",
    "lead_party_name": "leadPartyName",
    "lead_party_id": "leadPartyId",
    "bm_unit_type": "bmUnitType",
    "gsp_group_id": "gspGroupId",
    "gsp_group_name": "gspGroupName",
    "interconnector_id": "interconnectorId",
    "eic": "eic",
}
_CAPACITIES: Final = {"generation_capacity": "generationCapacity", "demand_capacity": "demandCapacity"}
_ID: Final = "elexonBmUnit"


@dataclass(frozen=True, slots=True)
class BmUnit:
    """One balancing mechanism unit as the register has it; what Elexon leaves null is None.

    Attributes:
        elexon_bm_unit: The id that stack rows carry, such as `T_LARYW-1`.
        national_grid_bm_unit: NESO's id of it, which is another one (`LARYO-1`).
        name: Its name.
        fuel_type: Such as `WIND`; null for most units whatever they burn, so null proves nothing.
        lead_party_name: Who answers for it.
        lead_party_id: The same, as an id.
        bm_unit_type: `T` and `E` plant, `G` and `S` supplier, `I` interconnector, `V` secondary units.
        generation_capacity: MW.
        demand_capacity: MW, zero or negative.
        gsp_group_id: Grid supply point group, for embedded units.
        gsp_group_name: Its name.
        interconnector_id: For interconnector units.
        eic: Energy Identification Code.
    """

    elexon_bm_unit: str
    national_grid_bm_unit: str | None
    name: str | None
    fuel_type: str | None
    lead_party_name: str | None
    lead_party_id: str | None
    bm_unit_type: str | None
    generation_capacity: Decimal | None
    demand_capacity: Decimal | None
    gsp_group_id: str | None
    gsp_group_name: str | None
    interconnector_id: str | None
    eic: str | None


@dataclass(frozen=True, slots=True)
class Register:
    """One reading of the register.

    Attributes:
        units: Its units, each id once, ordered by id.
        null_ids: Entries without an Elexon id, which no stack row can name; they are left out.
        duplicates: Entries collapsed into another one of the same id.
        contradictions: Ids whose entries do not say the same; each field has the first value that is not null.
    """

    units: tuple[BmUnit, ...]
    null_ids: int
    duplicates: int
    contradictions: tuple[str, ...]


def read_bm_units(body: bytes) -> Register:
    """Read the register.

    Entries of one id are put in an order of their own first, so that the result does not depend on the order in
    which Elexon lists them.

    Raises:
        PayloadRejected: a structural fault, or `bad_row` for an entry that cannot be read. A register without any
            unit is `unknown_shape`: believed, it would make every wind farm's row nobody's.
    """
    entries = _entries(body)
    named = sorted((entry for entry in entries if _id(entry)), key=_order)
    if not named:
        raise rejected("unknown_shape", "the register names no unit")
    groups = [list(group) for _, group in groupby(named, key=_id)]
    return Register(
        units=tuple(_unit(group) for group in groups),
        null_ids=len(entries) - len(named),
        duplicates=len(named) - len(groups),
        contradictions=tuple(_id(group[0]) for group in groups if len({to_json(entry) for entry in group}) > 1),
    )


def _entries(body: bytes) -> list[dict[str, Any]]:
    found, content = sniff(body)
    try:
        document = read_json(utf8_text(content)) if found == "json" else None
    except RecursionError as error:
        raise rejected("json_syntax", "the JSON is nested deeper than any answer") from error
    if not isinstance(document, list):
        raise rejected("unknown_shape", "the register is not a JSON array of units")
    for place, entry in enumerate(document):
        if not isinstance(entry, dict) or _ID not in entry:
            raise rejected("unknown_shape", f"entry {place} is not a BM unit: {to_json(entry)[:80]}")
    return document


def _order(entry: dict[str, Any]) -> tuple[str, str]:
    return _id(entry), to_json(entry)


def _id(entry: dict[str, Any]) -> str:
    """Return the entry's Elexon id, empty where it has none."""
    try:
        identity = unit_id(_value(entry, _ID))
    except Unfit as unfit:
        raise rejected("bad_row", f"{_ID} {shown(_value(entry, _ID))} {unfit.why}") from unfit
    return identity or ""


def _unit(entries: list[dict[str, Any]]) -> BmUnit:
    values: dict[str, Any] = {column: _first(entries, name) for column, name in _TEXTS.items()}
    for column, name in _CAPACITIES.items():
        try:
            values[column] = decimal_or_none(_first(entries, name))
        except Unfit as unfit:
            raise rejected(
                "bad_row", f"{_id(entries[0])}: {name} {shown(_first(entries, name))} {unfit.why}"
            ) from unfit
    return BmUnit(elexon_bm_unit=_id(entries[0]), **values)


def _first(entries: Iterable[dict[str, Any]], name: str) -> str | None:
    return next((value for entry in entries if (value := _value(entry, name)) is not None), None)


def _value(entry: dict[str, Any], name: str) -> str | None:
    value = entry.get(name)
    if value is None:
        return None
    if not isinstance(value, str):
        raise rejected("bad_row", f"{name} is not one text: {to_json(value)[:80]}")
    return None if value in NULLS else value
