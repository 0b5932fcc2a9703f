from collections import defaultdict
from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from reingest.calendar import settlement_periods
from reingest.curtailment.words import SIDES, Side
from reingest.standin import witnesses
from reingest.standin.days import RecordedDays
from reingest.standin.fleet import fleet_of
from reingest.standin.generate import GeneratedDays
from reingest.standin.model import EXACT, Number, PeriodStack, WireRecord, exact_sum
from reingest.standin.register import wind_register
from reingest.standin.units import generated_register
from tests.support.standin import DAY, period, write_day

REGISTER = generated_register()
TOTALS = {
    "bid": ("totalAcceptedBidVolume", "totalAdjustmentSellVolume"),
    "offer": ("totalAcceptedOfferVolume", "totalAdjustmentBuyVolume"),
}


@pytest.fixture(scope="module")
def stacks() -> list[PeriodStack]:
    days = GeneratedDays(7, fleet_of(REGISTER))
    return [days.period(period) for period in settlement_periods(date(2025, 1, 2))[:12]]


def number(value: Any) -> Decimal:
    assert isinstance(value, Number)
    return Decimal(value)


def pairs(record: WireRecord, field: str) -> dict[int, Decimal]:
    inner = record[field]
    assert isinstance(inner, dict)
    signs = {"negative": -1, "positive": 1}
    return {signs[name[:-1]] * int(name[-1]): number(value) for name, value in inner.items() if value is not None}


@pytest.mark.parametrize("side", SIDES)
def test_system_prices_sum_the_stack(stacks: list[PeriodStack], side: Side) -> None:
    """Accepted totals are the rows with an acceptance, adjustments those with a numeric id, exactly."""
    for stack in stacks:
        prices = witnesses.system_price(stack)
        rows = stack.side(side)
        accepted = exact_sum(row.volume for row in rows if row.acceptance_id is not None)
        adjusted = exact_sum(row.volume for row in rows if (row.bm_unit or "").isdigit())
        assert tuple(number(prices[name]) for name in TOTALS[side]) == (accepted, adjusted)


@pytest.mark.parametrize("side", SIDES)
def test_acceptance_volumes_sum_the_stack(stacks: list[PeriodStack], side: Side) -> None:
    """Pair volumes are the stack's, by unit, acceptance and pair, summed over sequence numbers."""
    for stack in stacks:
        expected: dict[tuple[object, ...], Decimal] = defaultdict(Decimal)
        for row in stack.side(side):
            if row.acceptance_id is not None:
                key = (row.bm_unit, row.acceptance_id, row.pair_id)
                expected[key] = EXACT.add(expected[key], Decimal(row.volume))
        said = {
            (record["bmUnit"], record["acceptanceId"], pair): volume
            for record in witnesses.acceptance_volumes(stack, side, REGISTER)
            for pair, volume in pairs(record, "pairVolumes").items()
        }
        assert said == expected


@pytest.mark.parametrize("side", SIDES)
def test_cashflows_are_volume_price_and_losses(stacks: list[PeriodStack], side: Side) -> None:
    """A unit's cashflow of a pair is the sum of volume * price * TLM, to a fraction of a penny."""
    for stack in stacks:
        expected: dict[tuple[object, ...], Decimal] = defaultdict(Decimal)
        for row in stack.side(side):
            if row.acceptance_id and row.original_price and row.transmission_loss_multiplier:
                product = EXACT.multiply(Decimal(row.volume), Decimal(row.original_price))
                key = (row.bm_unit, row.pair_id)
                expected[key] += EXACT.multiply(product, Decimal(row.transmission_loss_multiplier))
        records = witnesses.cashflows(stack, side, REGISTER)
        said: dict[tuple[object, ...], Decimal] = {
            (record["bmUnit"], pair): cash
            for record in records
            for pair, cash in pairs(record, "bidOfferPairCashflows").items()
        }
        assert said.keys() == expected.keys()
        assert max(abs(said[key] - expected[key]) for key in expected) < Decimal("0.0000001")
        for record in records:
            assert number(record["totalCashflow"]) == sum(pairs(record, "bidOfferPairCashflows").values())


def test_an_empty_period_has_zero_totals(tmp_path: Any) -> None:
    """A published period without rows has zeros, which is how an empty side is confirmed."""
    stack = RecordedDays([write_day(tmp_path / "day.csv")]).period(period(DAY, 7))
    assert stack
    prices = witnesses.system_price(stack)
    assert {prices[name] for names in TOTALS.values() for name in names} == {"0"}
    assert prices["systemBuyPrice"] == "0"


def test_a_row_without_losses_has_no_cashflow(tmp_path: Any) -> None:
    """Where the loss multiplier is null the cashflow is unknown, so no record claims one; volumes are known."""
    stack = RecordedDays([write_day(tmp_path / "day.csv")]).period(period(DAY, 5))
    assert stack
    register = wind_register(["T_ARDGW-1"])
    assert witnesses.cashflows(stack, "bid", register) == []
    volumes = witnesses.acceptance_volumes(stack, "bid", register)
    assert [record["acceptanceId"] for record in volumes] == [52013, 52014, 7001]
    assert volumes[0]["totalVolumeAccepted"] == "-10.166666666666666075"
    assert volumes[0]["leadPartyName"] is None


def test_indicative_volumes_overlap() -> None:
    """DISPTAV counts every row as Tagged and the untagged ones as Original too, so its types do not add up."""
    days = GeneratedDays(7, fleet_of(REGISTER))
    stack = days.period(settlement_periods(date(2025, 1, 2))[4])
    records = witnesses.indicative_volumes(stack, "bid", REGISTER)
    sums = {
        kind: exact_sum(str(record["totalVolumeAccepted"]) for record in records if record["dataType"] == kind)
        for kind in ("Tagged", "Original")
    }
    assert sums["Tagged"] == number(witnesses.system_price(stack)["totalAcceptedBidVolume"])
    assert sums["Tagged"] < sums["Original"] < 0


def test_the_summary_agrees_with_the_prices(stacks: list[PeriodStack]) -> None:
    """The summary's price and volume are those of the system prices."""
    summary, prices = witnesses.summary(stacks[0]), witnesses.system_price(stacks[0])
    main = summary["mainPrice"]
    assert isinstance(main, dict)
    assert (main["value"], main["volume"]) == (prices["systemBuyPrice"], prices["netImbalanceVolume"])
