"""What units that are not wind would come to if they were."""

from decimal import Decimal

import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from reingest.curtailment.other_units import OtherUnit, other_units
from reingest.elexon.rows import STACK_SCHEMA

ROWS = st.lists(
    st.fixed_dictionaries(
        {
            "bm_unit": st.sampled_from(["T_WINDW-1", "T_GASP-1", "V__BATT001", "1", None]),
            "side": st.sampled_from(["bid", "offer"]),
            "pair_id": st.sampled_from([-2, -1, 1, None]),
            "volume": st.decimals(-9, 9, places=20).map(str),
        }
    )
)


@given(ROWS)
def test_a_unit_comes_to_its_bids_and_counts_what_would_be_records(rows: list[dict[str, str]]) -> None:
    """Negative bids count with their energy, offers in negative pairs without; adjustments and wind units never."""
    expected: dict[str, tuple[int, Decimal]] = {}
    for row in rows:
        volume, in_negative_pair = Decimal(row["volume"]), (row["pair_id"] or 0) < 0  # type: ignore[operator]
        would_be = volume < 0 if row["side"] == "bid" else in_negative_pair
        if row["bm_unit"] in ("T_GASP-1", "V__BATT001") and would_be:
            count, energy = expected.get(row["bm_unit"], (0, Decimal(0)))
            expected[row["bm_unit"]] = count + 1, energy - (volume if row["side"] == "bid" else 0)
    found = other_units(pa.Table.from_pylist(rows, STACK_SCHEMA), {"T_WINDW-1"})
    assert found == tuple(OtherUnit(unit, *expected[unit]) for unit in sorted(expected))
