"""What one answer of the register changes against the one before, and whether it is believed."""

import pytest

from reingest.curtailment.register_moves import RegisterMove, looks_truncated, move_between
from reingest.curtailment.unit_spans import UnitFacts

WIND, GAS, NOTHING = UnitFacts(fuel_type="WIND"), UnitFacts(fuel_type="CCGT"), UnitFacts()


def move(before: UnitFacts | None, after: UnitFacts | None, **more: object) -> RegisterMove:
    """Return what becomes of one unit."""
    known: dict[str, object] = {"gone": {}, "undecided": ()}
    answers = ({"T_A-1": facts} if facts else {} for facts in (before, after))
    return move_between(*answers, **{**known, **more})  # type: ignore[arg-type]


def test_a_change_between_null_and_a_value_counts() -> None:
    """Every tracked fact that is said otherwise is taken over, null among the values."""
    assert move(GAS, UnitFacts(fuel_type="CCGT", name="A")).changed == {"T_A-1": {"name": "A"}}
    assert move(UnitFacts(name="A"), NOTHING).changed == {"T_A-1": {"name": None}}
    assert move(WIND, NOTHING).changed == {"T_A-1": {"fuel_type": None}}
    assert move(GAS, GAS).changed == {}


def test_a_known_unit_that_becomes_wind_is_proposed() -> None:
    """Null to WIND is for a person to decide; what else changed is taken over, and a new unit is what it is."""
    found = move(NOTHING, UnitFacts(fuel_type="WIND", name="A"))
    assert found.proposed == {"T_A-1"}
    assert found.changed == {"T_A-1": {"name": "A"}}
    found = move(GAS, WIND)
    assert found.proposed == frozenset()
    assert found.changed == {"T_A-1": {"fuel_type": "WIND"}}
    assert move(None, WIND).opened == {"T_A-1": WIND}


def test_a_unit_that_comes_back_as_wind_is_proposed() -> None:
    """A unit that was known without a fuel type before it was gone is no new unit."""
    found = move(None, WIND, gone={"T_A-1": NOTHING})
    assert found.opened == {"T_A-1": NOTHING}
    assert found.proposed == {"T_A-1"}
    assert move(None, WIND, gone={"T_A-1": WIND}).opened == {"T_A-1": WIND}


@pytest.mark.parametrize(("after", "changed"), [(NOTHING, {}), (GAS, {"T_A-1": {"fuel_type": "CCGT"}}), (None, {})])
def test_a_proposal_ends_with_what_made_it(after: UnitFacts | None, changed: object) -> None:
    """Where the register does not call a unit wind any more, nothing is proposed, and nothing taken back."""
    found = move(WIND, after, undecided={"T_A-1"})
    assert found.withdrawn == {"T_A-1"}
    assert found.changed == changed
    assert found.closed == (frozenset() if after else {"T_A-1"})


@pytest.mark.parametrize(("kept", "believed"), [(100, True), (90, True), (89, False), (0, False)])
def test_a_tenth_of_the_units_may_go_at_once(kept: int, believed: bool) -> None:
    """An answer with fewer than nine tenths of the known units looks truncated, however many new ones it has."""
    before = {f"T_A-{number}": GAS for number in range(100)}
    after = dict([*before.items()][:kept]) | {f"T_B-{number}": GAS for number in range(100)}
    assert (looks_truncated(before, after) is None) == believed


@pytest.mark.parametrize(("kept", "believed"), [(9, True), (8, False)])
def test_a_register_without_its_fuel_types_is_not_believed(kept: int, believed: bool) -> None:
    """An answer that has the units and lacks the fuel types of many wind units looks truncated, too."""
    before = {f"T_A-{number}": WIND if number < 10 else GAS for number in range(100)}
    after = {unit: NOTHING if number >= kept else facts for number, (unit, facts) in enumerate(before.items())}
    assert (looks_truncated(before, after) is None) == believed
