"""Curtailment records for tests: builders, hypothesis strategies, and the real day of the reference data."""

import csv
import json
from collections.abc import Iterable
from datetime import UTC, date, datetime
from decimal import Decimal
from itertools import product
from pathlib import Path
from typing import Any

import pyarrow as pa
from hypothesis import strategies as st

from reingest.curtailment.records import CurtailmentRecord

REAL_DATE = date(2022, 1, 1)

_ROW_COLUMNS: dict[str, pa.DataType] = {
    "period": pa.int16(),
    "side": pa.string(),
    "row": pa.int32(),
    "sequence_number": pa.int32(),
    "bm_unit": pa.string(),
    "acceptance_id": pa.int64(),
    "pair_id": pa.int32(),
    "cadl_flag": pa.bool_(),
    "so_flag": pa.bool_(),
    "stor_flag": pa.bool_(),
    "repriced": pa.bool_(),
    "created_at": pa.timestamp("us", "UTC"),
    "original_price": pa.string(),
    "volume": pa.string(),
    "final_price": pa.string(),
    "transmission_loss_multiplier": pa.string(),
    "extra": pa.string(),
}
ROWS_SCHEMA = pa.schema(_ROW_COLUMNS)
"""The columns of a stack table that records are selected by and made from."""

_A_RECORD = CurtailmentRecord(
    period=1,
    side="bid",
    sequence_number=1,
    bm_unit="T_LARYW-1",
    acceptance_id=52013,
    pair_id=-1,
    so_flag=True,
    cadl_flag=False,
    stor_flag=False,
    repriced=False,
    original_price=Decimal(-50),
    volume=Decimal(-10),
    final_price=None,
    transmission_loss_multiplier=None,
    created_at=datetime(2022, 1, 2, 0, 44, tzinfo=UTC),
    row=0,
    extra=None,
)


def record(**fields: object) -> CurtailmentRecord:
    """A bid of -10 MWh at -50 GBP/MWh, flagged, save for the given fields; decimals may be text."""
    values: dict[str, Any] = _A_RECORD._asdict() | fields
    for name in ("original_price", "volume", "final_price", "transmission_loss_multiplier"):
        values[name] = None if values[name] is None else Decimal(values[name])
    return CurtailmentRecord(**values)


def undo(**fields: object) -> CurtailmentRecord:
    """An offer of +4 MWh in the same pair, which undoes part of a bid."""
    return record(**{"side": "offer", "volume": "4", "so_flag": False, **fields})


def stack_rows(rows: Iterable[dict[str, Any]]) -> pa.Table:
    """A stack table of rows as on the wire, save for the given columns."""
    defaults: dict[str, Any] = _A_RECORD._asdict() | {"original_price": "-50", "volume": "-10"}
    return pa.Table.from_pylist([defaults | row for row in rows], ROWS_SCHEMA)


def real_day_rows(shared: Path) -> tuple[pa.Table, frozenset[str]]:
    """The real day of the reference data as stack rows, with its wind units."""
    with (shared / "elexon/days/2022-01-01.csv").open(encoding="utf-8", newline="") as file:
        lines = list(csv.DictReader(file))
    rows = (
        {
            "period": int(line["settlementPeriod"]),
            "side": line["side"],
            "row": int(line["sequenceNumber"]) - 1,
            "sequence_number": int(line["sequenceNumber"]),
            "bm_unit": line["id"],
            "acceptance_id": int(line["acceptanceId"]),
            "pair_id": int(line["bidOfferPairId"]),
            "so_flag": line["soFlag"] == "true",
            "original_price": line["originalPrice"],
            "volume": line["volume"],
        }
        for line in lines
    )
    return stack_rows(rows), frozenset(line["id"] for line in lines)


def real_day_expected(shared: Path) -> dict[str, Any]:
    """The real day's exact totals by definition, and by period and definition."""
    text = (shared / "elexon/days/2022-01-01.expected.json").read_text(encoding="utf-8")
    expected: dict[str, Any] = json.loads(text)
    return expected


FLAGS = tuple(product([True, False, None], repeat=4))
IDENTITIES: tuple[dict[str, object], ...] = tuple(
    {"period": period, "bm_unit": unit, "acceptance_id": acceptance}
    for period, unit, acceptance in product([1, 2, 50], ["T_LARYW-1", "E_RHEI-1", "-"], [None, 0, 1])
)


def decimals(least: int, most: int, places: int) -> st.SearchStrategy[Decimal]:
    """Decimals between two whole numbers; drawn as integers, which is several times as fast as `st.decimals`."""
    return st.integers(least * 10**places, most * 10**places).map(lambda digits: Decimal(f"{digits}E-{places}"))


prices = decimals(-99999, 99999, 12)
bid_volumes = decimals(0, 1000, 20).map(lambda volume: (volume + Decimal("1E-20")).copy_negate())
offer_volumes = decimals(0, 1000, 20)


@st.composite
def records(draw: st.DrawFn) -> CurtailmentRecord:
    """Any curtailment record; identities collide often, as they do in real stacks."""
    side = draw(st.sampled_from(["bid", "offer"]))
    so_flag, cadl_flag, stor_flag, repriced = draw(st.sampled_from(FLAGS))
    return record(
        **draw(st.sampled_from(IDENTITIES)),
        side=side,
        pair_id=draw(st.sampled_from([-2, -1, 1, None] if side == "bid" else [-2, -1])),
        so_flag=so_flag,
        cadl_flag=cadl_flag,
        stor_flag=stor_flag,
        repriced=repriced,
        original_price=draw(st.none() | prices),
        volume=draw(bid_volumes if side == "bid" else offer_volumes),
        final_price=draw(st.sampled_from([None, "-67.75", "0E-18"])),
        transmission_loss_multiplier=draw(st.sampled_from([None, "1", "0.99265519999999995981"])),
    )
