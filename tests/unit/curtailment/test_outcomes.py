from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reingest.calendar import settlement_periods
from reingest.curtailment.outcomes import combine_outcomes, judge_period, provisional_until
from reingest.curtailment.words import PERIOD_OUTCOMES, SIDES, PeriodOutcome, Side

ZERO, SOME = Decimal(0), Decimal("-1275.9232232453196")


@dataclass
class Price:
    """A DISEBSP row, of which the side not under test says something else."""

    total_accepted_bid_volume: Decimal | None = SOME
    total_adjustment_sell_volume: Decimal | None = SOME
    total_accepted_offer_volume: Decimal | None = SOME
    total_adjustment_buy_volume: Decimal | None = SOME


def price(side: Side, accepted: Decimal | None, adjustment: Decimal | None) -> Price:
    """A DISEBSP row that says this of one side."""
    if side == "bid":
        return Price(total_accepted_bid_volume=accepted, total_adjustment_sell_volume=adjustment)
    return Price(total_accepted_offer_volume=accepted, total_adjustment_buy_volume=adjustment)


@pytest.mark.parametrize("side", SIDES)
@pytest.mark.parametrize(
    ("accepted", "adjustment", "outcome"),
    [
        (ZERO, ZERO, "confirmed_empty"),
        (Decimal("0E-18"), Decimal("-0.0"), "confirmed_empty"),
        (SOME, ZERO, "failed"),
        (ZERO, Decimal("59.216"), "failed"),
        (None, ZERO, "failed"),
        (ZERO, None, "failed"),
        (None, None, "failed"),
    ],
)
def test_an_empty_answer_must_be_proven(
    side: Side, accepted: Decimal | None, adjustment: Decimal | None, outcome: PeriodOutcome
) -> None:
    """An empty stack is empty only where DISEBSP says zero twice of that side; null is never zero."""
    assert judge_period(side, 0, price(side, accepted, adjustment)) == outcome


@pytest.mark.parametrize("side", SIDES)
def test_without_a_system_price_nothing_was_published(side: Side) -> None:
    """An empty stack of a period that DISEBSP does not have is not published yet."""
    assert judge_period(side, 0, None) == "not_published"


@pytest.mark.parametrize("side", SIDES)
def test_rows_need_no_proof(side: Side) -> None:
    """A stack with rows was fetched, whatever DISEBSP says."""
    assert judge_period(side, 1, None) == "fetched"
    assert judge_period(side, 1, price(side, ZERO, ZERO)) == "fetched"


@pytest.mark.parametrize(
    ("outcomes", "combined"),
    [
        ([], "not_asked"),
        (["fetched"], "fetched"),
        (["fetched", "fetched"], "fetched"),
        (["fetched", "confirmed_empty"], "fetched"),
        (["confirmed_empty", "confirmed_empty"], "confirmed_empty"),
        (["fetched", "not_asked"], "not_asked"),
        (["not_published", "not_asked"], "not_published"),
        (["not_published", "fetched"], "not_published"),
        (["failed", "not_published"], "failed"),
        (["failed", "confirmed_empty"], "failed"),
    ],
)
def test_the_sides_of_a_period(outcomes: list[PeriodOutcome], combined: PeriodOutcome) -> None:
    """A period is as bad as its worse side, and fetched where either side has rows and the other is proven empty."""
    for order in permutations(outcomes):
        assert combine_outcomes(order) == combined


@given(st.lists(st.sampled_from(PERIOD_OUTCOMES), min_size=1))
def test_combining_invents_nothing(outcomes: list[PeriodOutcome]) -> None:
    """The combined outcome is one of those combined, and combining again with any of them changes nothing."""
    combined = combine_outcomes(outcomes)
    assert combined in outcomes
    assert all(combine_outcomes([combined, outcome]) == combined for outcome in outcomes)


PERIODS = settlement_periods(date(2025, 10, 26))
RERUN = timedelta(hours=24, minutes=44)


def test_a_date_of_the_second_run_is_final() -> None:
    """A date all of whose periods were calculated 24 h or more after they began is not provisional."""
    assert provisional_until((period, period.start + RERUN) for period in PERIODS) is None
    assert provisional_until((period, period.start + timedelta(hours=24)) for period in PERIODS) is None


def test_a_date_of_both_runs_is_provisional() -> None:
    """A date fetched between the runs waits for the re-run of its latest first-run period."""
    created = [(period, period.start + RERUN) for period in PERIODS[:20]]
    created += [(period, period.start + timedelta(minutes=44)) for period in PERIODS[20:]]
    assert provisional_until(created) == datetime(2025, 10, 27, 23, 30, tzinfo=UTC) + timedelta(minutes=44)


def test_one_early_period_makes_a_date_provisional() -> None:
    """One period calculated a microsecond too early is enough, and the date waits for that period's re-run."""
    first, *others = PERIODS
    early = first.start + timedelta(hours=24) - timedelta.resolution
    created = [(first, early), *((period, period.start + RERUN) for period in others)]
    assert provisional_until(created) == first.start + RERUN


def test_an_unknown_instant_is_provisional() -> None:
    """A period of which nobody knows when it was calculated counts as the first run."""
    assert provisional_until([(PERIODS[0], None)]) == PERIODS[0].start + RERUN
    assert provisional_until([]) is None
