from datetime import date
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from reingest.calendar import settlement_periods
from reingest.curtailment.exact import exact_sum
from reingest.elexon.numbers import decimal_text
from tests.support.backfill import GAS_PLANT, BackfillDays, UnitDay, split

CLOCK_CHANGES = (date(2025, 3, 30), date(2025, 10, 26))
DAYS = st.sampled_from([*CLOCK_CHANGES, date(2025, 2, 11)])
# Of any size, down to the last of the 20 decimals that the reference data have.
VOLUMES = st.builds(
    lambda digits, places: Decimal(-digits).scaleb(-places), st.integers(1, 10**24), st.integers(19, 20)
) | st.integers(0, 12).map(lambda places: Decimal(-1).scaleb(-places))
COSTS = st.integers(-(10**26), 10**26).map(lambda digits: Decimal(digits).scaleb(-20))


@given(VOLUMES, COSTS, st.integers(1, 100))
def test_bids_come_to_the_sum_that_was_split(volume: Decimal, cost: Decimal, parts: int) -> None:
    """Whatever the sum, its bids come to the same MWh and the same GBP, and each is a bid."""
    bids = split(volume, cost, parts)
    assert exact_sum(bid.volume for bid in bids) == volume
    assert exact_sum(bid.volume * bid.price for bid in bids) == cost
    assert all(bid.volume < 0 for bid in bids)
    assert len(bids) <= parts + 1


@given(st.decimals(-9000, "-0.000001", places=20), st.decimals(-300, 300, places=20), st.integers(1, 8))
def test_every_number_of_a_split_fits_the_wire(volume: Decimal, price: Decimal, parts: int) -> None:
    """Volumes and prices of sums as Elexon has them are numbers that Reingest reads, of no more than 32 decimals."""
    cost = (volume * price).quantize(Decimal("1E-20"))
    for number in (number for bid in split(volume, cost, parts) for number in bid):
        assert decimal_text(f"{number:f}") is not None


@given(DAYS, st.lists(st.tuples(VOLUMES, COSTS), max_size=3))
def test_the_stacks_of_a_date_come_to_its_units_sums(day: date, sums: list[tuple[Decimal, Decimal]]) -> None:
    """Over all periods of a date, 46 and 50 of them too, each unit's rows come to its sums; there are no offers."""
    units = {f"T_WIND-{number}": both for number, both in enumerate(sums)}
    days = BackfillDays([day], [UnitDay(day, unit, "", *both) for unit, both in units.items()])
    stacks = [stack for period in settlement_periods(day) if (stack := days.period(period))]
    rows = [row for stack in stacks for row in stack.bids]
    assert len(stacks) == len(settlement_periods(day))
    assert not any(stack.offers for stack in stacks)
    assert {row.bm_unit for row in rows} == {GAS_PLANT, *units}
    for unit, (volume, cost) in units.items():
        own = [(Decimal(row.volume), Decimal(row.original_price or "NaN")) for row in rows if row.bm_unit == unit]
        assert exact_sum(volume for volume, _ in own) == volume
        assert exact_sum(volume * price for volume, price in own) == cost


def test_a_date_that_is_not_served_is_not_published() -> None:
    """A date beyond those of the sums has no stacks, so that no range can go on past its end unseen."""
    days = BackfillDays([date(2025, 2, 11)], [])
    assert days.period(settlement_periods(date(2025, 2, 12))[0]) is None
