"""What the curtailed energy could have mined: BTC by period, miner model and definition.

BTC = energy / power * hashrate / (difficulty * 2^32) * reward, with difficulty and reward at the instant, and
time-weighted inside a period that straddles a change. It is linear in energy: no rounding to whole miners.
Everything before the last step is an exact fraction; BTC is rounded once, half to even, to 18 places, per
period, model and definition. A day is the sum of its periods.
"""

from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from functools import lru_cache
from itertools import pairwise, takewhile
from operator import attrgetter
from typing import Final

from reingest.calendar import SettlementPeriod
from reingest.curtailment.difficulty import (
    HALVINGS,
    DifficultyEpoch,
    Halving,
    difficulty_at,
    known_until,
    reward_at,
)
from reingest.curtailment.exact import EXACT, exact_sum

BTC_PLACES: Final = 18
RATE_PLACES: Final = 40

_JOULES_PER_MWH: Final = 3_600_000_000
_HASHES_PER_TERAHASH: Final = 10**12
# One block takes difficulty * 2^32 hashes on average.
_HASHES_PER_DIFFICULTY: Final = 2**32
_TICK: Final = timedelta.resolution
_NO_BTC: Final = Decimal(0).scaleb(-BTC_PLACES)


@dataclass(frozen=True, slots=True)
class MinerModel:
    """A mining machine: its name, hash rate in TH/s and electrical power in W."""

    name: str
    hashrate_th: Decimal
    power_w: Decimal


MINER_MODELS: Final = (
    MinerModel("S19J_PRO", Decimal(100), Decimal(3050)),
    MinerModel("S9", Decimal("13.5"), Decimal(1323)),
    MinerModel("M20S", Decimal(68), Decimal(3360)),
)


@dataclass(frozen=True, slots=True)
class MiningSegment:
    """A part of a settlement period in which difficulty and reward do not change.

    Attributes:
        start: Aware, UTC; included.
        end: Aware, UTC; not included.
        share: Its part of the period's time; the shares of a period come to 1.
        difficulty: Dimensionless.
        reward: BTC a block.
    """

    start: datetime
    end: datetime
    share: Fraction
    difficulty: Decimal
    reward: Decimal


@dataclass(frozen=True, slots=True)
class MiningRate:
    """What a MWh of one settlement period mines on one model.

    Attributes:
        period: Settlement period number.
        model: Name of the miner model.
        segments: The difficulties and rewards it was made from.
        exact_btc_per_mwh: The rate as a fraction; BTC is computed from it.
    """

    period: int
    model: str
    segments: tuple[MiningSegment, ...]
    exact_btc_per_mwh: Fraction

    @property
    def btc_per_mwh(self) -> Decimal:
        """The rate to 40 places, to store and show."""
        return _rounded(self.exact_btc_per_mwh.numerator, self.exact_btc_per_mwh.denominator, RATE_PLACES)


def mining_segments(
    period: SettlementPeriod, epochs: Sequence[DifficultyEpoch], halvings: Sequence[Halving] = HALVINGS
) -> tuple[MiningSegment, ...] | None:
    """Return the period's parts of constant difficulty and reward; None where some of it is not known."""
    if not epochs or period.end > known_until(epochs, halvings):
        return None
    return _segments(period, epochs, halvings)


def _segments(
    period: SettlementPeriod, epochs: Sequence[DifficultyEpoch], halvings: Sequence[Halving]
) -> tuple[MiningSegment, ...] | None:
    """Return the parts of a period that ends before knowledge does; None where it begins before it."""
    later = epochs[bisect_right(epochs, period.start, key=attrgetter("start")) :]
    changes = takewhile(period.end.__gt__, (epoch.start for epoch in later))
    halved = (halving.instant for halving in halvings if period.start < halving.instant < period.end)
    inside = sorted({*changes, *halved})
    segments = []
    for start, end in pairwise([period.start, *inside, period.end]):
        difficulty, reward = difficulty_at(start, epochs), reward_at(start, halvings)
        if difficulty is None or reward is None:
            return None
        share = Fraction((end - start) // _TICK, (period.end - period.start) // _TICK)
        segments.append(MiningSegment(start, end, share, difficulty, reward))
    return tuple(segments)


def mining_rates(
    periods: Iterable[SettlementPeriod],
    epochs: Sequence[DifficultyEpoch],
    halvings: Sequence[Halving] = HALVINGS,
    models: Sequence[MinerModel] = MINER_MODELS,
) -> tuple[MiningRate, ...] | None:
    """Return the rates of one date, by period and model; None where difficulty or reward is not known for all of it.

    A date is estimated whole or not at all: half a day's BTC beside a whole day's energy would mislead.
    """
    calendar = tuple(periods)
    if calendar and not (epochs and max(period.end for period in calendar) <= known_until(epochs, halvings)):
        return None
    rates = []
    for period in calendar:
        segments = _segments(period, epochs, halvings)
        if segments is None:
            return None
        rates += [rate_of(period.number, model, segments) for model in models]
    return tuple(rates)


def rate_of(period: int, model: MinerModel, segments: tuple[MiningSegment, ...]) -> MiningRate:
    """Return what a MWh of a settlement period mines on a model, given the difficulties and rewards in it."""
    parts = tuple((segment.share, segment.difficulty, segment.reward) for segment in segments)
    return MiningRate(period, model.name, segments, _btc_per_mwh(parts, model))


def bitcoin(energy_mwh: Decimal, rate: MiningRate) -> Decimal:
    """Return the BTC that one period's energy mines, to 18 places; negative where `net` energy is."""
    energy, per = energy_mwh.as_integer_ratio()
    rate_of_one = rate.exact_btc_per_mwh
    return _rounded(energy * rate_of_one.numerator, per * rate_of_one.denominator, BTC_PLACES)


def daily_bitcoin(energy_by_period: Mapping[int, Decimal], rates: Iterable[MiningRate]) -> dict[str, Decimal]:
    """Return one date's BTC by model: the sum of its periods'.

    Args:
        energy_by_period: MWh by settlement period, by one definition; a period left out has none.
        rates: The date's rates.
    """
    parts: dict[str, list[Decimal]] = {}
    for rate in rates:
        energy = energy_by_period.get(rate.period)
        parts.setdefault(rate.model, []).append(bitcoin(energy, rate) if energy else _NO_BTC)
    return {model: exact_sum(values) for model, values in parts.items()}


@lru_cache(maxsize=64)
def _btc_per_mwh(parts: tuple[tuple[Fraction, Decimal, Decimal], ...], model: MinerModel) -> Fraction:
    """Return the rate of shares of time, difficulties and rewards; nearly all periods of a fortnight have the same."""
    hashes_per_mwh = _JOULES_PER_MWH / Fraction(model.power_w) * Fraction(model.hashrate_th) * _HASHES_PER_TERAHASH
    btc_per_hash = sum(
        share * Fraction(reward) / (Fraction(difficulty) * _HASHES_PER_DIFFICULTY)
        for share, difficulty, reward in parts
    )
    return hashes_per_mwh * btc_per_hash


def _rounded(numerator: int, denominator: int, places: int) -> Decimal:
    """Round a fraction once, half to even, as `round` does; its lowest terms would take longer to find."""
    whole, rest = divmod(numerator * 10**places, denominator)
    if 2 * rest > denominator or (2 * rest == denominator and whole % 2):
        whole += 1
    return Decimal(whole).scaleb(-places, EXACT)
