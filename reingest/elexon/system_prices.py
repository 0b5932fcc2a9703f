"""System prices (DISEBSP) of a date: the witness that decides what an empty stack means.

For bids an empty answer is really empty where `totalAcceptedBidVolume` and `totalAdjustmentSellVolume` are zero;
for offers the other two. A period without a row is not published yet.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Final, TypeVar

from reingest.calendar import SettlementPeriod, settlement_periods
from reingest.elexon.faults import shown
from reingest.elexon.fields import SETTLEMENT_DATE, SETTLEMENT_PERIOD
from reingest.elexon.numbers import Unfit, decimal_or_none, trimmed
from reingest.elexon.payload import read_rows
from reingest.elexon.rejects import concerning, rejected
from reingest.elexon.values import time
from reingest.elexon.wire_rows import WireRows

_Value = TypeVar("_Value")

_START: Final = "startTime"
_CREATED: Final = "createdDateTime"
_VOLUMES: Final = (
    "totalAcceptedBidVolume",
    "totalAcceptedOfferVolume",
    "totalAdjustmentSellVolume",
    "totalAdjustmentBuyVolume",
)
_FIELDS: Final = (SETTLEMENT_DATE, SETTLEMENT_PERIOD, _START, _CREATED, *_VOLUMES)


@dataclass(frozen=True, slots=True)
class SystemPrice:
    """What DISEBSP says of one settlement period; volumes in MWh, None where Elexon says null.

    Attributes:
        period: The settlement period.
        created_at: When Elexon calculated it; aware, UTC. It decides whether an empty period is provisional.
        total_accepted_bid_volume: Zero or negative.
        total_accepted_offer_volume: Zero or positive.
        total_adjustment_sell_volume: Of balancing adjustments on the bid side; zero or negative.
        total_adjustment_buy_volume: Of balancing adjustments on the offer side; zero or positive.
    """

    period: int
    created_at: datetime
    total_accepted_bid_volume: Decimal | None
    total_accepted_offer_volume: Decimal | None
    total_adjustment_sell_volume: Decimal | None
    total_adjustment_buy_volume: Decimal | None


def read_system_prices(body: bytes, *, settlement_date: date) -> tuple[SystemPrice, ...]:
    """Read a date's system prices, in XML or JSON, ordered by period.

    One row at fault rejects them all: a witness is trusted whole or not at all.

    Raises:
        PayloadRejected: a structural fault, `bad_row` for a row that cannot be read or is there twice,
            `wrong_date`, `wrong_period`.
    """
    with concerning(settlement_date):
        wired = read_rows(body, _FIELDS, "DISEBSP")
        periods = {str(period.number): period for period in settlement_periods(settlement_date)}
        prices = [_price(wired, row, settlement_date, periods) for row in range(wired.rows)]
        if len({price.period for price in prices}) < len(prices):
            raise rejected("bad_row", "a period is there twice")
    return tuple(sorted(prices, key=lambda price: price.period))


def _price(wired: WireRows, row: int, settlement_date: date, periods: dict[str, SettlementPeriod]) -> SystemPrice:
    said = {name: column[row] for name, column in wired.columns.items()}
    if trimmed(said[SETTLEMENT_DATE]) != settlement_date.isoformat():
        raise rejected("wrong_date", f"row {row} is of {shown(said[SETTLEMENT_DATE])}, not of {settlement_date}")
    period = periods.get(trimmed(said[SETTLEMENT_PERIOD]) or "")
    if period is None:
        raise rejected("wrong_period", f"row {row} is of period {shown(said[SETTLEMENT_PERIOD])}")
    if _read(_START, said, time) != period.start:
        raise rejected(
            "bad_row", f"period {period.number} begins {shown(said[_START])}, not {period.start.isoformat()}"
        )
    created_at = _read(_CREATED, said, time)
    if created_at is None:
        raise rejected("bad_row", f"period {period.number} has no {_CREATED}")
    volumes = [_read(name, said, decimal_or_none) for name in _VOLUMES]
    return SystemPrice(period.number, created_at, *volumes)


def _read(name: str, said: dict[str, str | None], read: Callable[[str | None], _Value]) -> _Value:
    try:
        return read(said[name])
    except Unfit as unfit:
        raise rejected("bad_row", f"{name} {shown(said[name])} {unfit.why}") from unfit
