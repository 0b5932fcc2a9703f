"""Generated days: any date, decided by seed and date alone, shaped like Elexon's.

What a period holds is made when it is asked for, from (seed, date, period), so that one period costs about a
millisecond and a year costs nothing until it is served. The shapes come from API.md §2: several acceptances per unit
and period, undo offers in negative pairs, bids in positive pairs, adjustments with numeric ids, null ids, prices of
both signs and at the caps, rows under 0.1 MWh with DMAT nulls, volumes of 17 digits, of 18 decimals and in E-notation.
"""

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from decimal import Context, Decimal
from functools import lru_cache
from typing import Final

from reingest.calendar import SettlementPeriod
from reingest.curtailment.words import SIDES, Side
from reingest.standin.days import FINAL_RUN
from reingest.standin.fleet import Fleet, Unit, Weather, WindUnitDay, chance, happens, weather
from reingest.standin.model import PeriodStack, StackRow

REAL_ROWS: Final = (70, 180)
"""Unfiltered rows of a side and period, at least and at most: API.md §3."""

SMALL_ROWS: Final = (3, 8)
"""The same for small days, where size is not the point."""

_SEVENTEEN_DIGITS: Final = Context(prec=17)
_DE_MINIMIS: Final = Decimal("0.1")
_ACCEPTANCES: Final = (1, 1, 1, 1, 1, 1, 2, 2, 3, 5)
_TINY: Final = ("1E-05", "0.004166666666666667", "0.00125", "2.5E-06")
_THREE_DECIMALS: Final = Decimal("0.001")
_CAPS: Final = ("9999", "99999", "9999.0")


@dataclass(frozen=True, slots=True)
class _Action:
    """An accepted action before its stack is ranked; `volume` in MWh has the sign of its side."""

    bm_unit: str | None
    acceptance_id: int | None
    pair_id: int | None
    price: str | None
    volume: str
    so_flag: bool | None = False
    cadl_flag: bool | None = False


class GeneratedDays:
    """The stacks of every date, decided by the seed."""

    def __init__(
        self,
        seed: int,
        fleet: Fleet,
        *,
        rows: tuple[int, int] = REAL_ROWS,
        created_after: timedelta = FINAL_RUN,
    ) -> None:
        """Generate with this seed and fleet; `rows` bounds how many rows a side of a period has."""
        self.seed = seed
        self.fleet = fleet
        self.rows = rows
        self.created_after = created_after
        # Per instance: a cache on the method would hold every instance for ever.
        self.weather = lru_cache(maxsize=64)(lambda settlement_date: weather(seed, settlement_date, fleet))
        self._periods = lru_cache(maxsize=512)(self._generate)

    def period(self, period: SettlementPeriod) -> PeriodStack:
        """Return the period's stacks; there is no date that the generator does not serve."""
        return self._periods(period)

    def _generate(self, period: SettlementPeriod) -> PeriodStack:
        sky: Weather = self.weather(period.settlement_date)
        rng = chance(self.seed, period.settlement_date, period.number)
        bids, offers = (self._stack(rng, sky, period, side) for side in SIDES)
        if sky.empty_bids == period.number:
            bids = ()
        return PeriodStack(period, period.end + self.created_after, bids, offers)

    def _stack(self, rng: random.Random, sky: Weather, period: SettlementPeriod, side: Side) -> tuple[StackRow, ...]:
        target = rng.randint(*self.rows)
        wind = _wind_bids(rng, sky, period) if side == "bid" else _undo_offers(rng, sky, period)
        actions = wind[: max(1, target * 3 // 4)] + _adjustments(rng, side)
        while len(actions) < target and self.fleet.others:
            actions.extend(_plant_actions(rng, rng.choice(self.fleet.others), period, side))
        return _ranked(rng, actions[:target], side)


def _wind_bids(rng: random.Random, sky: Weather, period: SettlementPeriod) -> list[_Action]:
    active = [day for day in sky.curtailed if day.first_period <= period.number <= day.last_period]
    return [action for day in active for action in _turned_down(rng, day, period)]


def _turned_down(rng: random.Random, day: WindUnitDay, period: SettlementPeriod) -> Iterator[_Action]:
    first = _acceptance(day.unit, period)
    for position in range(rng.choice(_ACCEPTANCES)):
        megawatts = max(1, day.unit.capacity * rng.randint(5, 100) // 100)
        volume = _volume(rng, -megawatts * rng.choice((30, 30, 30, 7, 11)))
        yield _Action(day.unit.bm_unit, first + position, -1, day.price, volume, so_flag=day.so_flagged)


def _undo_offers(rng: random.Random, sky: Weather, period: SettlementPeriod) -> list[_Action]:
    """Return offers in negative pairs: a turn-down taken back in part, about one in fifteen."""
    return [
        replace(action, volume=_volume(rng, rng.randint(1, 4) * day.unit.capacity))
        for day in sky.curtailed
        if day.first_period < period.number <= day.last_period and happens(rng, 0.07)
        for action in _turned_down(rng, day, period)
    ]


def _plant_actions(rng: random.Random, unit: Unit, period: SettlementPeriod, side: Side) -> Iterator[_Action]:
    """Yield a plant's actions: mostly bids in negative pairs and offers in positive ones, some that undo the others."""
    first = _acceptance(unit, period) + 1000 * rng.randint(1, 9)
    sign, usual = (-1, -1) if side == "bid" else (1, 1)
    pair = rng.randint(1, 3) * (usual if happens(rng, 0.93) else -usual)
    price = _plant_price(rng, side)
    for position in range(rng.choice(_ACCEPTANCES)):
        volume = _volume(rng, sign * unit.capacity * rng.randint(1, 12))
        cadl = rng.choice((False, True, None)) if side == "offer" else happens(rng, 0.05)
        so_flag = None if side == "offer" and happens(rng, 0.03) else happens(rng, 0.2)
        yield _Action(unit.bm_unit, first + position, pair, price, volume, so_flag, cadl)


def _adjustments(rng: random.Random, side: Side) -> list[_Action]:
    """Return balancing adjustments: numeric ids from 1, no acceptance, no pair; now and then a null id as well."""
    sign = -1 if side == "bid" else 1
    ids: list[str | None] = [str(number + 1) for number in range(rng.choice((0, 0, 1, 2, 3)))]
    if happens(rng, 0.03):
        ids.append(None)
    prices = ("61.5", None, "0.0", "-12.34")
    return [
        _Action(bm_unit, None, None, rng.choice(prices), str(sign * rng.choice((157, 250, 500))), so_flag=True)
        for bm_unit in ids
    ]


def _acceptance(unit: Unit, period: SettlementPeriod) -> int:
    # An acceptance often reaches into the next half hour, so consecutive periods share their numbers.
    return 10_000 + sum(unit.bm_unit.encode()) * 7 % 40_000 + period.settlement_date.toordinal() % 97 + period.number


def _plant_price(rng: random.Random, side: Side) -> str:
    if side == "offer":
        return rng.choice(_CAPS) if happens(rng, 0.01) else str(Decimal(rng.randint(4000, 42000)).scaleb(-2))
    return f"-{rng.choice(_CAPS)}" if happens(rng, 0.005) else str(Decimal(rng.randint(-8000, 9000)).scaleb(-2))


def _volume(rng: random.Random, megawatt_minutes: int) -> str:
    """Return MWh in one of the forms in which Elexon prints them, now and then a tiny one."""
    sign = "-" if megawatt_minutes < 0 else ""
    if happens(rng, 0.01):
        return f"{sign}{rng.choice(_TINY)}"
    value = _SEVENTEEN_DIGITS.divide(Decimal(megawatt_minutes), Decimal(60))
    if happens(rng, 0.25):
        return format(float(value), ".18f")
    return str(value) if happens(rng, 0.75) else str(value.quantize(_THREE_DECIMALS))


def _ranked(rng: random.Random, actions: Sequence[_Action], side: Side) -> tuple[StackRow, ...]:
    """Return the stack in rank: the dearest bid first, the cheapest offer first, unpriced adjustments before all."""
    sign = -1 if side == "bid" else 1

    def place(action: _Action) -> tuple[bool, Decimal]:
        return action.price is not None, Decimal(action.price or 0) * sign

    ranked = sorted(actions, key=place)
    marginal = rng.randint(0, max(0, len(ranked) - 1))
    return tuple(
        _row(action, rank, in_price=rank >= marginal, loss=_loss_multiplier(action))
        for rank, action in enumerate(ranked, start=1)
    )


def _row(action: _Action, rank: int, *, in_price: bool, loss: str | None) -> StackRow:
    row = StackRow(
        sequence_number=rank,
        bm_unit=action.bm_unit,
        acceptance_id=action.acceptance_id,
        pair_id=action.pair_id,
        volume=action.volume,
        original_price=action.price,
        cadl_flag=action.cadl_flag,
        so_flag=action.so_flag,
        stor_flag=False,
        reserve_scarcity_price="0E-18" if rank % 3 else "0.0",
        final_price=action.price,
        transmission_loss_multiplier=loss,
    )
    if Decimal(action.volume).copy_abs() < _DE_MINIMIS:
        # De minimis acceptance tagging: the row leaves the price stack, its volume is real and paid.
        return replace(row, dmat_adjusted_volume="0.0")
    niv = action.volume if in_price else "0E-18"
    return replace(
        row,
        dmat_adjusted_volume=action.volume,
        arbitrage_adjusted_volume=action.volume,
        niv_adjusted_volume=niv,
    )


def _loss_multiplier(action: _Action) -> str | None:
    if action.acceptance_id is None or action.bm_unit is None:
        return None
    millionths = 960_000 + sum(action.bm_unit.encode()) * 137 % 50_000
    value = Decimal(millionths).scaleb(-6)
    return format(float(value), ".20f") if millionths % 4 == 0 else str(value)
