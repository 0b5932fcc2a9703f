from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from functools import cache

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reingest.calendar import SettlementPeriod, settlement_periods
from reingest.curtailment.difficulty import HALVINGS, DifficultyEpoch, known_until, shipped_difficulty
from reingest.curtailment.mining import (
    MINER_MODELS,
    MiningRate,
    MiningSegment,
    bitcoin,
    daily_bitcoin,
    mining_rates,
    mining_segments,
)
from tests.support.curtailment import decimals

EPOCHS = shipped_difficulty()
HALVING_DATE = date(2024, 4, 20)


def period_of(settlement_date: date, number: int) -> SettlementPeriod:
    """One period of a date."""
    return settlement_periods(settlement_date)[number - 1]


def rates_of(settlement_date: date, number: int) -> dict[str, MiningRate]:
    """The rates of one period by model."""
    rates = mining_rates([period_of(settlement_date, number)], EPOCHS)
    assert rates is not None
    return {rate.model: rate for rate in rates}


def segments_of(settlement_date: date, number: int) -> tuple[MiningSegment, ...]:
    """The segments of one period, which must be known."""
    segments = mining_segments(period_of(settlement_date, number), EPOCHS)
    assert segments is not None
    return segments


@cache
def rates_of_a_date() -> tuple[MiningRate, ...]:
    """The rates of 2022-01-01."""
    rates = mining_rates(settlement_periods(date(2022, 1, 1)), EPOCHS)
    assert rates is not None
    return rates


def test_the_published_figure() -> None:
    """44,140.93 MWh at difficulty 112149504190349.28 and reward 3.125 on S19J_PRO is 33.80157547 BTC."""
    rate = rates_of(date(2025, 3, 15), 20)["S19J_PRO"]
    (segment,) = rate.segments
    assert (segment.difficulty, segment.reward) == (Decimal("112149504190349.28"), Decimal("3.125"))
    btc = bitcoin(Decimal("44140.93"), rate)
    assert round(btc, 8) == Decimal("33.80157547")
    assert btc.as_tuple().exponent == -18


def test_models_keep_their_ratios() -> None:
    """The ratios between models are those of hash rate to power, whatever the difficulty."""
    rates = rates_of(date(2022, 1, 1), 1)
    base = rates["S19J_PRO"].exact_btc_per_mwh
    assert rates["S9"].exact_btc_per_mwh / base == Fraction("13.5") / 1323 / Fraction(100, 3050)
    assert rates["M20S"].exact_btc_per_mwh / base == Fraction(68, 3360) / Fraction(100, 3050)


def test_the_halving_falls_inside_a_period() -> None:
    """Period 3 of 2024-04-20 holds two rewards, weighted by time from the halving's block at 00:09:27Z."""
    assert [segment.reward for segment in segments_of(HALVING_DATE, 2)] == [Decimal("6.25")]
    before, after = segments_of(HALVING_DATE, 3)
    assert (before.start, before.end) == (datetime(2024, 4, 20, tzinfo=UTC), HALVINGS[-1].instant)
    assert (after.start, after.end) == (HALVINGS[-1].instant, datetime(2024, 4, 20, 0, 30, tzinfo=UTC))
    assert (before.reward, after.reward) == (Decimal("6.25"), Decimal("3.125"))
    assert (before.share, after.share) == (Fraction(567, 1800), Fraction(1233, 1800))
    assert before.difficulty == after.difficulty
    assert [segment.reward for segment in segments_of(HALVING_DATE, 4)] == [Decimal("3.125")]


def test_a_straddling_period_is_weighted_by_time() -> None:
    """A period's rate is the mean of its segments' rates by their time."""
    second, third, fourth = (rates_of(HALVING_DATE, number)["S9"].exact_btc_per_mwh for number in (2, 3, 4))
    assert third == second * Fraction(567, 1800) + fourth * Fraction(1233, 1800)


def test_difficulty_changes_inside_a_day() -> None:
    """On 2025-03-09 the difficulty changes at 15:58:46Z, inside period 32, and not at midnight."""
    (before,) = segments_of(date(2025, 3, 9), 31)
    first, second = segments_of(date(2025, 3, 9), 32)
    (after,) = segments_of(date(2025, 3, 9), 33)
    assert before.difficulty == first.difficulty != second.difficulty == after.difficulty
    assert first.end == second.start == datetime(2025, 3, 9, 15, 58, 46, tzinfo=UTC)


@given(st.integers(0, len(EPOCHS) - 1), st.integers(0, 47))
def test_segments_fill_their_period(index: int, number: int) -> None:
    """The segments of a period follow each other from its start to its end, and their shares come to 1."""
    settlement_date = EPOCHS[index].start.date() + timedelta(days=1)
    period = settlement_periods(settlement_date)[min(number, 45)]
    segments = mining_segments(period, EPOCHS)
    assert segments is not None
    assert [segment.start for segment in segments] == [period.start, *(segment.end for segment in segments[:-1])]
    assert segments[-1].end == period.end
    assert sum(segment.share for segment in segments) == 1


@given(st.lists(st.integers(1, 1799), max_size=6, unique=True))
def test_any_number_of_changes_in_a_period(seconds: list[int]) -> None:
    """However many changes fall into a period, each begins a segment and the shares come to 1."""
    period = period_of(date(2022, 1, 1), 10)
    starts = [
        period.start - timedelta(days=30),
        *(period.start + timedelta(seconds=second) for second in sorted(seconds)),
    ]
    epochs = [
        DifficultyEpoch(300 + index, (300 + index) * 2016, start, timedelta(), "1d00ffff", Decimal(index + 1))
        for index, start in enumerate([*starts, period.end + timedelta(days=30)])
    ]
    segments = mining_segments(period, epochs)
    assert segments is not None
    assert [segment.start for segment in segments] == [period.start, *starts[1:]]
    assert [segment.difficulty for segment in segments] == list(range(1, len(segments) + 1))
    assert sum(segment.share for segment in segments) == 1


def test_a_change_at_a_boundary_splits_nothing() -> None:
    """An epoch that begins exactly with a period leaves it one segment, of the new difficulty."""
    period = period_of(date(2022, 1, 1), 10)
    epochs = [
        DifficultyEpoch(300 + index, (300 + index) * 2016, start, timedelta(), "1d00ffff", Decimal(index + 1))
        for index, start in enumerate([period.start - timedelta(days=14), period.start, period.end])
    ]
    epochs.append(DifficultyEpoch(303, 303 * 2016, period.end + timedelta(days=1), timedelta(), "1d00ffff", Decimal(9)))
    segments = mining_segments(period, epochs)
    assert segments is not None
    assert [segment.difficulty for segment in segments] == [2]


def test_rates_of_a_date() -> None:
    """A date has one rate for each of its periods and models."""
    rates = mining_rates(settlement_periods(date(2025, 10, 26)), EPOCHS)
    assert rates is not None
    assert [(rate.period, rate.model) for rate in rates] == [
        (number, model.name) for number in range(1, 51) for model in MINER_MODELS
    ]


def test_before_the_first_epoch_nothing_is_known() -> None:
    """A date that begins before the first epoch has no rates, not even for its later periods."""
    assert mining_rates(settlement_periods(EPOCHS[0].start.date()), EPOCHS) is None
    assert mining_rates(settlement_periods(EPOCHS[0].start.date() + timedelta(days=1)), EPOCHS) is not None


def test_beyond_the_known_difficulties_nothing_is_known() -> None:
    """A date that ends after the last difficulty is trusted has no rates; the date before it has."""
    end = known_until(EPOCHS)
    assert mining_rates(settlement_periods(end.date()), EPOCHS) is None
    assert mining_rates(settlement_periods(end.date() - timedelta(days=1)), EPOCHS) is not None


def test_without_epochs_nothing_is_known() -> None:
    """An empty table of difficulty makes mining unavailable and is no error."""
    assert mining_rates(settlement_periods(date(2022, 1, 1)), ()) is None


def test_without_a_known_reward_nothing_is_known() -> None:
    """A period before the first known halving has no rates, however well its difficulty is known."""
    period = period_of(date(2022, 1, 1), 10)
    assert mining_segments(period, EPOCHS, HALVINGS[3:]) is None


@given(st.decimals(min_value=-5000, max_value=5000, places=12))
def test_bitcoin_is_rounded_once(energy: Decimal) -> None:
    """BTC is the exact fraction rounded once, half to even, to 18 places, by the formula as it is published."""
    rate = rates_of(date(2022, 1, 1), 7)["S9"]
    (segment,) = rate.segments
    hashes = Fraction(energy) * 3_600_000_000 / 1323 * Fraction("13.5") * 10**12
    exact = hashes / (Fraction(segment.difficulty) * 2**32) * Fraction(segment.reward)
    assert Fraction(bitcoin(energy, rate)) == Fraction(round(exact * 10**18), 10**18)


@pytest.mark.parametrize(
    ("energy", "btc"),
    [("0.5", "0E-18"), ("1.5", "2E-18"), ("2.5", "2E-18"), ("2.51", "3E-18"), ("-0.5", "0E-18"), ("-1.5", "-2E-18")],
)
def test_halves_go_to_even(energy: str, btc: str) -> None:
    """A tie at the eighteenth place goes to the even neighbour, either side of zero."""
    rate = MiningRate(period=1, model="S9", segments=(), exact_btc_per_mwh=Fraction(1, 10**18))
    assert bitcoin(Decimal(energy), rate) == Decimal(btc)


def test_the_rate_to_show() -> None:
    """The stored rate is the exact one to 40 places."""
    rate = MiningRate(period=1, model="S9", segments=(), exact_btc_per_mwh=Fraction(2, 3))
    assert rate.btc_per_mwh == Decimal("0." + "6" * 39 + "7")


@given(st.dictionaries(st.integers(1, 48), decimals(-3000, 3000, 9), max_size=10))
def test_a_day_is_the_sum_of_its_periods(energy: Mapping[int, Decimal]) -> None:
    """A date's BTC is the sum of its periods' rounded BTC, model by model, and zero without energy."""
    rates = rates_of_a_date()
    daily = daily_bitcoin(energy, rates)
    for model in MINER_MODELS:
        parts = [bitcoin(energy.get(rate.period, Decimal(0)), rate) for rate in rates if rate.model == model.name]
        assert daily[model.name] == sum(parts)


def test_no_rates_no_models() -> None:
    """Without rates there is no BTC of any model."""
    assert daily_bitcoin({1: Decimal(5)}, ()) == {}
