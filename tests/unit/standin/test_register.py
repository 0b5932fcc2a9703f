from pathlib import Path

import pytest

from reingest.errors import BadUsage
from reingest.standin.register import Register, read_register, unit_record, wind_register


def test_a_register_keeps_null_ids_and_finds_the_first_of_two(tmp_path: Path) -> None:
    """Null ids and doubled units stay in the answer; a unit is found once, by its first record."""
    path = tmp_path / "units.csv"
    path.write_text("elexonBmUnit,fuelType,eic\nT_ARDGW-1,WIND,A\n,WIND,\nT_ARDGW-1,WIND,B\n", encoding="utf-8")
    register = read_register(path)
    assert [record["elexonBmUnit"] for record in register.records] == ["T_ARDGW-1", None, "T_ARDGW-1"]
    assert register.text("T_ARDGW-1", "eic") == "A"
    assert register.text("T_NOBODY-1", "eic") is None
    assert (register.ids(wind=True), register.ids(wind=False)) == (("T_ARDGW-1",), ())


def test_recorded_units_are_wind_of_their_type() -> None:
    """Units known by id alone are wind, and supplier units are of type S."""
    register = wind_register(["T_ARDGW-1", "2__AWIND001", "C__AWIND001", "E_BRAEW-1"])
    assert [register.text(unit, "bmUnitType") for unit in register.ids(wind=True)] == ["T", "S", "S", "E"]


def test_registers_merge_without_doubling() -> None:
    """A unit that both registers know is taken from the first."""
    one = Register([unit_record({"elexonBmUnit": "T_A-1", "fuelType": "WIND"})])
    two = Register([unit_record({"elexonBmUnit": unit, "fuelType": "CCGT"}) for unit in ("T_A-1", "T_B-1")])
    merged = one.merged(two)
    assert (merged.ids(wind=True), merged.ids(wind=False)) == (("T_A-1",), ("T_B-1",))


def test_a_file_without_ids_is_refused(tmp_path: Path) -> None:
    """A file without the column of ids, or none at all, is refused by name."""
    path = tmp_path / "units.csv"
    path.write_text("name\nArdgarroch\n", encoding="utf-8")
    with pytest.raises(BadUsage, match="no column elexonBmUnit"):
        read_register(path)
    with pytest.raises(BadUsage, match="cannot be read"):
        read_register(tmp_path / "none.csv")
