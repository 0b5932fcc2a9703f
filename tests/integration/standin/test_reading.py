"""What the stand-in writes is what `reingest.elexon` reads, in every wire format and shape."""

import json
from collections import defaultdict
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

from reingest.elexon.stack import RawStack, read_stack
from reingest.standin.render import XML_SHAPES
from reingest.standin.server import StandIn
from tests.fixtures.standin import StartStandIn
from tests.support.standin import DAY, get, write_day

REAL_DAY = date(2022, 1, 1)


def stack(elexon: StandIn, wire: str, day: date = DAY, number: int = 5, side: str = "bid") -> RawStack:
    body = get(elexon, f"/balancing/settlement/stack/all/{side}/{day}/{number}", format=wire).content
    return read_stack(body, asked=wire, settlement_date=day, period=number, side=side)  # type: ignore[arg-type]


@pytest.mark.parametrize("shape", XML_SHAPES)
@pytest.mark.parametrize("side", ["bid", "offer"])
@pytest.mark.parametrize("source", ["recorded", "generated"])
def test_xml_and_json_are_read_equal(
    stand_in: StartStandIn, tmp_path: Path, source: str, side: str, shape: str
) -> None:
    """Each XML shape gives the columns that JSON gives, digit by digit, null by null."""
    config = {"days": [write_day(tmp_path / "day.csv")]} if source == "recorded" else {"generate": 7}
    elexon = stand_in(**config, xml_shape=shape)
    from_xml, from_json = stack(elexon, "xml", side=side), stack(elexon, "json", side=side)
    assert (from_xml.wire, from_json.wire) == ("xml", "json")
    assert from_xml.columns == from_json.columns
    assert from_xml.rows == from_json.rows > 0
    assert not from_xml.unknown_fields | from_json.unknown_fields


@pytest.mark.parametrize("wire", ["xml", "json"])
def test_the_real_day_is_served_whole(stand_in: StartStandIn, shared: Path, wire: str) -> None:
    """Every row of the real day arrives: 3,748 bids and 43 undo offers, with their exact energy and payment."""
    days = shared / "elexon" / "days"
    elexon = stand_in(days=[days / f"{REAL_DAY}.csv"])
    expected = json.loads((days / f"{REAL_DAY}.expected.json").read_text("utf-8"))["net"]
    totals: dict[str, Decimal] = defaultdict(Decimal)
    for side in ("bid", "offer"):
        for number in range(1, 49):
            columns = stack(elexon, wire, REAL_DAY, number, side).columns
            for volume, price in zip(columns["volume"], columns["originalPrice"], strict=True):
                totals["records"] += 1
                totals["energy"] -= Decimal(volume or "")
                totals["payment"] += Decimal(volume or "") * Decimal(price or "")
    assert totals == {
        "records": expected["records"],
        "energy": Decimal(expected["energy_mwh"]),
        "payment": Decimal(expected["payment_gbp"]),
    }
