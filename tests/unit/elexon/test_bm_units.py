import json
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reingest.elexon.bm_units import BmUnit, read_bm_units
from reingest.errors import PayloadRejected


def unit(**changes: Any) -> dict[str, Any]:
    return {
        "nationalGridBmUnit": "LARYO-1",
        "elexonBmUnit": "T_LARYW-1",
        "eic": "48W00000LARYO-1B",
        "fuelType": "WIND",
        "leadPartyName": "London Array Limited",
        "bmUnitType": "T",
        "fpnFlag": True,
        "bmUnitName": "London Array 1",
        "leadPartyId": "LONDONAR",
        "demandCapacity": "-2.000",
        "generationCapacity": "171.000",
        "creditQualifyingStatus": False,
        "gspGroupId": None,
        "gspGroupName": None,
        "interconnectorId": None,
    } | changes


def body(*units: object) -> bytes:
    return json.dumps(units).encode()


def test_unit() -> None:
    """A unit has every field that Reingest uses, its capacities exactly as MW."""
    register = read_bm_units(body(unit()))
    assert register.units == (
        BmUnit(
            elexon_bm_unit="T_LARYW-1",
            national_grid_bm_unit="LARYO-1",
            name="London Array 1",
            fuel_type="WIND",
            lead_party_name="London Array Limited",
            lead_party_id="LONDONAR",
            bm_unit_type="T",
            generation_capacity=Decimal("171.000"),
            demand_capacity=Decimal("-2.000"),
            gsp_group_id=None,
            gsp_group_name=None,
            interconnector_id=None,
            eic="48W00000LARYO-1B",
        ),
    )
    assert (register.null_ids, register.duplicates, register.contradictions) == (0, 0, ())


def test_null_ids() -> None:
    """Entries without an Elexon id are left out and counted."""
    register = read_bm_units(body(unit(elexonBmUnit=None), unit(), unit(elexonBmUnit=""), unit(elexonBmUnit=" ")))
    assert (len(register.units), register.null_ids) == (1, 3)


def test_duplicates() -> None:
    """Entries of one id become one unit and are counted; where they differ, the id is named."""
    register = read_bm_units(
        body(unit(), unit(elexonBmUnit="T_A-1"), unit(), unit(eic="Z"), unit(elexonBmUnit="T_A-1"))
    )
    assert [one.elexon_bm_unit for one in register.units] == ["T_A-1", "T_LARYW-1"]
    assert (register.duplicates, register.contradictions) == (3, ("T_LARYW-1",))


def test_a_null_never_hides_a_value() -> None:
    """Where only one of two entries knows the fuel, the unit has it, so that no wind unit is lost."""
    for entries in ([unit(fuelType=None), unit()], [unit(), unit(fuelType=None)]):
        (one,) = read_bm_units(body(*entries)).units
        assert one.fuel_type == "WIND"


@settings(deadline=None)
@given(
    st.permutations([unit(), unit(eic="A"), unit(fuelType=None), unit(elexonBmUnit="E_X-1"), unit(elexonBmUnit=None)])
)
def test_order_means_nothing(entries: list[dict[str, Any]]) -> None:
    """The register is the same in whatever order Elexon lists its entries."""
    usual = [unit(), unit(eic="A"), unit(fuelType=None), unit(elexonBmUnit="E_X-1"), unit(elexonBmUnit=None)]
    assert read_bm_units(body(*entries)) == read_bm_units(body(*usual))


def test_absent_fields_are_null() -> None:
    """A unit that says nothing but its id is a unit."""
    (one,) = read_bm_units(body({"elexonBmUnit": "V__A"})).units
    assert (one.elexon_bm_unit, one.fuel_type, one.generation_capacity) == ("V__A", None, None)


@pytest.mark.parametrize(
    ("code", "answer"),
    [
        ("unknown_shape", b"[]"),
        ("unknown_shape", body(unit(elexonBmUnit=None))),
        ("unknown_shape", b'{"data":[{"elexonBmUnit":"T_A-1"}]}'),
        ("unknown_shape", b"<ArrayOfBmUnitData/>"),
        ("unknown_shape", body("T_A-1")),
        ("unknown_shape", body({"bmUnit": "T_A-1"})),
        ("bad_row", body(unit(elexonBmUnit=" T_A-1"))),
        ("bad_row", body(unit(elexonBmUnit=["T_A-1"]))),
        ("bad_row", body(unit(generationCapacity="a lot"))),
        ("bad_row", body(unit(fuelType={"name": "WIND"}))),
        ("json_syntax", b"[" * 100_000),
        ("empty_body", b""),
        ("html_page", b"<html>"),
    ],
)
def test_rejected(code: str, answer: bytes) -> None:
    """A register that is not a whole, readable list of units is rejected."""
    with pytest.raises(PayloadRejected) as caught:
        read_bm_units(answer)
    assert caught.value.reject_code == code
