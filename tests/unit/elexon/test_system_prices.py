import json
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest

from reingest.elexon.system_prices import SystemPrice, read_system_prices
from reingest.errors import PayloadRejected
from tests.support.elexon import Cell, as_xml

DATE = date(2026, 8, 6)


def price(**changes: Any) -> dict[str, Any]:
    return {
        "settlementDate": "2026-08-06",
        "settlementPeriod": 1,
        "startTime": "2026-08-05T23:00:00Z",
        "createdDateTime": "2026-08-06T23:44:38Z",
        "systemSellPrice": 24.51,
        "totalAcceptedOfferVolume": 1508.5,
        "totalAcceptedBidVolume": -1851.25,
        "totalAdjustmentSellVolume": 0,
        "totalAdjustmentBuyVolume": None,
    } | changes


def body(*prices: dict[str, Any], dataset: str = "DISEBSP") -> bytes:
    return json.dumps({"metadata": {"datasets": [dataset]}, "data": prices}).encode()


SECOND = price(settlementPeriod=2, startTime="2026-08-05T23:30:00Z")
FIRST = SystemPrice(
    period=1,
    created_at=datetime(2026, 8, 6, 23, 44, 38, tzinfo=UTC),
    total_accepted_bid_volume=Decimal("-1851.25"),
    total_accepted_offer_volume=Decimal("1508.5"),
    total_adjustment_sell_volume=Decimal(0),
    total_adjustment_buy_volume=None,
)


def test_prices() -> None:
    """Each published period has its volumes exactly, null where Elexon says null, ordered by period."""
    first, second = read_system_prices(body(SECOND, price()), settlement_date=DATE)
    assert first == FIRST
    assert second.period == 2


def test_xml() -> None:
    """The same prices in XML are the same prices."""
    cells: dict[str, Cell] = {name: None if value is None else str(value) for name, value in price().items()}
    assert read_system_prices(as_xml([cells], dataset="DISEBSP"), settlement_date=DATE) == (FIRST,)


def test_nothing_published() -> None:
    """A date of which nothing is published has no prices, which is an answer."""
    assert read_system_prices(body(), settlement_date=DATE) == ()


@pytest.mark.parametrize(
    ("code", "prices"),
    [
        ("wrong_date", [price(settlementDate="2026-08-05")]),
        ("wrong_date", [price(settlementDate=None)]),
        ("wrong_period", [price(settlementPeriod=49)]),
        ("wrong_period", [price(settlementPeriod=None)]),
        ("bad_row", [price(settlementPeriod=2)]),
        ("bad_row", [price(startTime=None)]),
        ("bad_row", [price(createdDateTime=None)]),
        ("bad_row", [price(createdDateTime="soon")]),
        ("bad_row", [price(totalAcceptedBidVolume="many")]),
        ("bad_row", [price(), SECOND, price()]),
    ],
)
def test_a_row_at_fault_rejects_all(code: str, prices: list[dict[str, Any]]) -> None:
    """A witness with a row that cannot be trusted is not trusted at all."""
    with pytest.raises(PayloadRejected) as caught:
        read_system_prices(body(*prices), settlement_date=DATE)
    assert (caught.value.reject_code, caught.value.settlement_date) == (code, DATE)


def test_other_dataset() -> None:
    """An empty answer of another dataset is no proof that nothing was published."""
    with pytest.raises(PayloadRejected) as caught:
        read_system_prices(body(dataset="ISPSTACK"), settlement_date=DATE)
    assert caught.value.reject_code == "wrong_dataset"
