from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import pytest

from reingest.curtailment.records import earliest_created, select_records, wind_row_counts
from tests.support.curtailment import real_day_rows, stack_rows

WIND = {"T_LARYW-1", "E_RHEI-1"}


def test_a_record_has_what_the_row_has() -> None:
    """Every field of a wind bid arrives, decimals with every digit of the wire's text."""
    rows = stack_rows(
        [
            {
                "period": 29,
                "row": 37,
                "sequence_number": 38,
                "stor_flag": None,
                "original_price": "-179.759999999999990905",
                "volume": "-10.166666666666666075",
                "final_price": "0E-18",
                "transmission_loss_multiplier": "0.99265519999999995981",
                "created_at": datetime(2026, 8, 7, 13, 44, 36, tzinfo=UTC),
                "extra": '{"newField":"1"}',
            }
        ]
    )
    (record,) = select_records(rows, WIND)
    assert record._asdict() == {
        "period": 29,
        "side": "bid",
        "sequence_number": 38,
        "bm_unit": "T_LARYW-1",
        "acceptance_id": 52013,
        "pair_id": -1,
        "so_flag": True,
        "cadl_flag": False,
        "stor_flag": None,
        "repriced": False,
        "original_price": Decimal("-179.759999999999990905"),
        "volume": Decimal("-10.166666666666666075"),
        "final_price": Decimal("0E-18"),
        "transmission_loss_multiplier": Decimal("0.99265519999999995981"),
        "created_at": datetime(2026, 8, 7, 13, 44, 36, tzinfo=UTC),
        "row": 37,
        "extra": '{"newField":"1"}',
    }
    assert record.created_at is not None
    assert record.created_at.tzinfo is UTC


@pytest.mark.parametrize(
    ("row", "counts"),
    [
        ({}, True),
        ({"bm_unit": "T_DRAXX-1"}, False),
        ({"bm_unit": None}, False),
        ({"bm_unit": "1", "acceptance_id": None, "pair_id": None}, False),
        ({"bm_unit": "t_laryw-1"}, False),
        ({"volume": "-0.0041667"}, True),
        ({"volume": "-1E-400"}, True),
        ({"volume": "-0.0"}, False),
        ({"volume": "0E-18"}, False),
        ({"volume": "3.5"}, False),
        ({"pair_id": 1}, True),
        ({"pair_id": None}, True),
        ({"so_flag": None}, True),
        ({"original_price": None}, True),
        ({"side": "offer", "volume": "4"}, True),
        ({"side": "offer", "volume": "0"}, True),
        ({"side": "offer", "volume": "4", "pair_id": 1}, False),
        ({"side": "offer", "volume": "4", "pair_id": None}, False),
        ({"side": "offer", "volume": "4", "bm_unit": "T_DRAXX-1"}, False),
    ],
)
def test_what_is_a_curtailment_record(row: dict[str, object], counts: bool) -> None:
    """Wind bids of negative volume and wind offers in negative pairs are records; nothing else is."""
    assert len(select_records(stack_rows([row]), WIND)) == counts


def test_a_bid_without_a_price_stays() -> None:
    """A wind bid without a price is a record whose price is None, for the checks to hold."""
    (record,) = select_records(stack_rows([{"original_price": None}]), WIND)
    assert record.original_price is None


def test_nothing_to_select() -> None:
    """No rows, no wind units or no wind rows give no records."""
    assert select_records(stack_rows([]), WIND) == ()
    assert select_records(stack_rows([{}]), set()) == ()


def test_records_keep_the_order_of_the_table() -> None:
    """Records come in the order of their rows, created instants and all."""
    instants = [None, datetime(2022, 1, 2, 1, tzinfo=UTC), datetime(2022, 1, 2, 2, tzinfo=UTC), None]
    rows = stack_rows([{"row": row, "created_at": instant} for row, instant in enumerate(instants)])
    found = select_records(rows, WIND)
    assert [record.row for record in found] == [0, 1, 2, 3]
    assert [record.created_at for record in found] == instants


def test_wind_rows_are_counted_by_period_and_side() -> None:
    """Counts take every row of a wind unit, whatever its volume or pair, and no other."""
    rows = stack_rows(
        [
            {"period": 1},
            {"period": 1, "volume": "5"},
            {"period": 1, "bm_unit": "T_DRAXX-1"},
            {"period": 1, "side": "offer", "pair_id": 2},
            {"period": 3, "bm_unit": "E_RHEI-1"},
        ]
    )
    assert wind_row_counts(rows, WIND) == {(1, "bid"): 2, (1, "offer"): 1, (3, "bid"): 1}


def test_the_earliest_calculation_of_a_period() -> None:
    """A period is as old as its oldest row, of any unit and side; without any instant it has none."""
    rows = stack_rows(
        [
            {"period": 1, "created_at": datetime(2022, 1, 2, 0, 44, tzinfo=UTC)},
            {"period": 1, "created_at": datetime(2022, 1, 1, 0, 44, tzinfo=UTC), "bm_unit": "T_DRAXX-1"},
            {"period": 1, "created_at": None, "side": "offer"},
            {"period": 2, "created_at": None},
        ]
    )
    assert earliest_created(rows) == {1: datetime(2022, 1, 1, 0, 44, tzinfo=UTC), 2: None}


def test_every_row_of_the_real_day_is_a_record(shared: Path) -> None:
    """The real day holds wind bids and undo offers only, so that all of its 3,791 rows are records."""
    rows, wind_units = real_day_rows(shared)
    assert len(select_records(rows, wind_units)) == rows.num_rows == 3791
