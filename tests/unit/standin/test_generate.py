from collections import Counter
from collections.abc import Iterator
from datetime import date, timedelta
from decimal import Decimal
from functools import cache

import pytest

from reingest.calendar import period_count, settlement_periods
from reingest.standin.fleet import fleet_of
from reingest.standin.generate import SMALL_ROWS, GeneratedDays
from reingest.standin.model import PeriodStack, StackRow
from reingest.standin.register import Register, unit_record
from reingest.standin.units import generated_register

REGISTER = generated_register()
WIND = frozenset(REGISTER.ids(wind=True))
SEED = 7
WINDY = date(2025, 1, 2)


@cache
def generated(day: date = WINDY, *, seed: int = SEED) -> tuple[PeriodStack, ...]:
    days = GeneratedDays(seed, fleet_of(REGISTER))
    return tuple(days.period(period) for period in settlement_periods(day))


def rows(*days: date) -> Iterator[StackRow]:
    for stack in (stack for day in days or (WINDY,) for stack in generated(day)):
        yield from (*stack.bids, *stack.offers)


def some_days(character: str) -> list[date]:
    days = GeneratedDays(SEED, fleet_of(REGISTER))
    year = (date(2025, 1, 1) + timedelta(days=offset) for offset in range(365))
    return [day for day in year if days.weather(day).calm is (character == "calm")]


def test_one_seed_gives_one_day() -> None:
    """The same seed and date give the same rows, whatever else was asked before, and another seed gives others."""
    fresh = GeneratedDays(SEED, fleet_of(REGISTER))
    backwards = tuple(fresh.period(period) for period in reversed(settlement_periods(WINDY)))
    assert backwards[::-1] == generated()
    assert generated(seed=SEED + 1) != generated()


@pytest.mark.parametrize("day", [date(2025, 3, 30), date(2025, 10, 26), WINDY])
def test_a_generated_day_has_the_periods_of_the_calendar(day: date) -> None:
    """A clock-change day has 46 or 50 periods, each with its stacks."""
    stacks = generated(day)
    assert len(stacks) == period_count(day)
    assert [stack.period.number for stack in stacks] == list(range(1, period_count(day) + 1))


def test_row_counts_are_realistic() -> None:
    """A side of a period has 70 to 180 rows; a small day has 3 to 8."""
    assert all(70 <= len(side) <= 180 for stack in generated() for side in (stack.bids, stack.offers))
    small = GeneratedDays(SEED, fleet_of(REGISTER), rows=SMALL_ROWS)
    stacks = [small.period(period) for period in settlement_periods(WINDY)]
    assert all(3 <= len(side) <= 8 for stack in stacks for side in (stack.bids, stack.offers))


def test_the_fleet_is_realistic() -> None:
    """There are 80 to 100 wind units, and others as well; a null id and a doubled unit are in the register."""
    fleet = fleet_of(REGISTER)
    assert 80 <= len(fleet.wind) <= 100
    assert len(fleet.others) >= 70
    ids = Counter(record["elexonBmUnit"] for record in REGISTER.records)
    assert ids[None] == 1
    assert max(ids.values()) == 2


def test_signs_belong_to_sides() -> None:
    """Every bid's volume is negative and every offer's positive: BSC T3.7.1."""
    assert all(Decimal(row.volume) < 0 for stack in generated() for row in stack.bids)
    assert all(Decimal(row.volume) > 0 for stack in generated() for row in stack.offers)


def test_units_act_several_times_in_one_period() -> None:
    """Some unit has several acceptances of one pair in one period, as T_LARYW-1 had on 2026-08-06."""
    acceptances = Counter(
        (stack.period.number, row.bm_unit, row.pair_id) for stack in generated() for row in stack.bids if row.bm_unit
    )
    assert max(acceptances.values()) >= 3


def test_actions_undo_others() -> None:
    """Wind has offers in negative pairs, and there are bids in positive pairs."""
    assert any(row.bm_unit in WIND and (row.pair_id or 0) < 0 for stack in generated() for row in stack.offers)
    assert any((row.pair_id or 0) > 0 for stack in generated() for row in stack.bids)


def test_ids_are_of_every_kind() -> None:
    """There are numeric ids without acceptance and pair, null ids, and units of every prefix."""
    adjustments = [row for row in rows(*some_days("windy")[:3]) if row.is_adjustment]
    assert adjustments
    assert all((row.acceptance_id, row.pair_id) == (None, None) for row in adjustments)
    ids = {row.bm_unit for row in rows(*some_days("windy")[:3])}
    assert None in ids
    assert {"T_", "E_", "2_", "V_"} <= {identity[:2] for identity in ids if identity}


def test_numbers_are_of_every_form() -> None:
    """Volumes have 17 digits, 18 decimals or an exponent; prices have both signs, the caps, and a binary tail."""
    volumes = {row.volume for row in rows()}
    prices = {row.original_price for row in rows(*some_days("windy")[:5]) if row.original_price}
    digits = {len(text.strip("-").replace(".", "").lstrip("0")) for text in volumes if "E" not in text}
    assert 17 in digits
    assert any("E-" in text for text in volumes)
    assert any(len(text.partition(".")[2]) == 18 for text in volumes)
    assert any(len(text.partition(".")[2]) == 18 for text in prices)
    assert {"9999", "99999"} & prices
    assert {Decimal(price) > 0 for price in prices} == {True, False}


def test_flags_are_null_now_and_then() -> None:
    """Offers have null CADL flags and some null SO flags."""
    offers = [row for stack in generated() for row in stack.offers]
    assert None in {row.cadl_flag for row in offers}
    assert None in {row.so_flag for row in offers}


def test_small_rows_are_tagged_out_of_the_price_stack() -> None:
    """A row under 0.1 MWh has a DMAT volume of 0.0 and nulls after it; its volume and loss multiplier remain."""
    small = [row for row in rows() if abs(Decimal(row.volume)) < Decimal("0.1")]
    assert small
    assert {row.dmat_adjusted_volume for row in small} == {"0.0"}
    assert {row.niv_adjusted_volume for row in small} == {None}
    assert all(row.transmission_loss_multiplier for row in small if row.acceptance_id)


def test_calm_days_curtail_no_wind() -> None:
    """About one date in ten curtails no wind, yet its stacks have rows, but for one period that is really empty."""
    calm = some_days("calm")
    assert 20 <= len(calm) <= 55
    stacks = generated(calm[0])
    assert not any(row.bm_unit in WIND for stack in stacks for row in stack.bids)
    assert Counter(len(stack.bids) > 0 for stack in stacks)[False] == 1


def test_wind_is_a_large_share_of_a_windy_day() -> None:
    """On the windiest days more than half of the bids are wind's; the days differ."""
    shares = []
    days = GeneratedDays(SEED, fleet_of(REGISTER))
    for day in some_days("windy")[:25]:
        bids = [row for period in settlement_periods(day)[20:24] for row in days.period(period).bids]
        shares.append(sum(row.bm_unit in WIND for row in bids) / len(bids))
    assert max(shares) > 0.5
    assert min(shares) < 0.3


def test_rows_are_ranked_by_price() -> None:
    """Sequence numbers run from 1; bids fall in price, offers rise."""
    for stack in generated():
        for side, sign in ((stack.bids, -1), (stack.offers, 1)):
            assert [row.sequence_number for row in side] == list(range(1, len(side) + 1))
            prices = [sign * Decimal(row.original_price) for row in side if row.original_price is not None]
            assert prices == sorted(prices)


def test_a_given_register_supplies_the_fleet() -> None:
    """Units of a given register act, adjustments and odd capacities notwithstanding; without units nothing fails."""
    cells = [("T_REALW-1", "WIND", "20.5"), ("T_REAL-1", "CCGT", ""), ("T_ODD-1", "", "Infinity"), ("7", "WIND", "1")]
    register = Register(
        unit_record({"elexonBmUnit": unit, "fuelType": fuel, "generationCapacity": capacity})
        for unit, fuel, capacity in cells
    )
    days = GeneratedDays(SEED, fleet_of(register))
    units = {row.bm_unit for period in settlement_periods(WINDY) for row in days.period(period).bids}
    assert {"T_REALW-1", "T_REAL-1", "T_ODD-1"} <= units
    nothing = GeneratedDays(SEED, fleet_of(Register(())))
    assert nothing.weather(WINDY).calm
