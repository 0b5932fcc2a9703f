import pytest

from reingest.curtailment.definitions import DEFINITIONS, definitions_for
from reingest.curtailment.words import DEFAULT_DEFINITION, DEFINITION_NAMES, SIDES, Side
from tests.support.curtailment import record, undo


def test_every_name_has_one_definition() -> None:
    """The names that others write are those of the definitions, in that order, and the default is among them."""
    assert tuple(definition.name for definition in DEFINITIONS) == DEFINITION_NAMES
    assert DEFAULT_DEFINITION in DEFINITION_NAMES
    assert all(definition.version >= 1 and definition.describe.endswith(".") for definition in DEFINITIONS)


@pytest.mark.parametrize(
    ("sides", "names"),
    [
        (("bid",), ["so_flagged", "all_bids"]),
        (("bid", "offer"), ["so_flagged", "all_bids", "net"]),
        (("offer",), []),
        ((), []),
    ],
)
def test_definitions_need_their_sides(sides: tuple[Side, ...], names: list[str]) -> None:
    """`net` exists only where both stacks were fetched, and nothing exists without bids."""
    assert [definition.name for definition in definitions_for(sides)] == names


@pytest.mark.parametrize(
    ("fields", "names"),
    [
        ({}, ["so_flagged", "all_bids", "net"]),
        ({"so_flag": False}, ["all_bids", "net"]),
        ({"so_flag": None}, ["all_bids", "net"]),
        ({"so_flag": False, "cadl_flag": True}, ["all_bids", "net"]),
        ({"pair_id": 1}, ["so_flagged", "all_bids"]),
        ({"pair_id": None}, ["so_flagged", "all_bids"]),
    ],
)
def test_which_bids_count(fields: dict[str, object], names: list[str]) -> None:
    """A bid counts by its soFlag and pair alone; a missing flag is not true, a missing pair not negative."""
    found = [definition.name for definition in definitions_for(SIDES) if definition.matches(record(**fields))]
    assert found == names


@pytest.mark.parametrize("so_flag", [True, False, None])
def test_undo_offers_count_in_net_only(so_flag: bool | None) -> None:
    """An offer that undoes a bid counts in `net` and never in a gross definition, flagged or not."""
    offer = undo(so_flag=so_flag)
    assert [definition.name for definition in definitions_for(SIDES) if definition.matches(offer)] == ["net"]


def test_selecting_keeps_the_order() -> None:
    """Selected records come in the order in which they were given."""
    given = [record(row=2), undo(), record(row=1, so_flag=False), record(row=0)]
    so_flagged = definitions_for(SIDES)[0]
    assert [chosen.row for chosen in so_flagged.select(given)] == [2, 0]
