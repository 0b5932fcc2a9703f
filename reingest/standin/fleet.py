"""The units that act on generated days, and what a date's wind does to them."""

import random
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import Final

from reingest.calendar import period_count
from reingest.standin.register import Register

MOST_WIND: Final = 95
MOST_OTHERS: Final = 110
_PLANT_PREFIXES: Final = ("T_", "E_", "2__", "C__", "V__")


@dataclass(frozen=True, slots=True)
class Unit:
    """A unit with the size (whole MW) that its generated actions are measured by."""

    bm_unit: str
    capacity: int


@dataclass(frozen=True, slots=True)
class Fleet:
    """The units that act on generated days."""

    wind: tuple[Unit, ...]
    others: tuple[Unit, ...]


@dataclass(frozen=True, slots=True)
class WindUnitDay:
    """One wind unit's date: when it is turned down, at which price (GBP/MWh), and for which reason."""

    unit: Unit
    first_period: int
    last_period: int
    price: str
    so_flagged: bool


@dataclass(frozen=True, slots=True)
class Weather:
    """The character of a date.

    Attributes:
        calm: No wind is curtailed all day.
        curtailed: The wind units that are turned down, and when.
        empty_bids: A period whose bid stack is really empty, on a calm date only.
    """

    calm: bool
    curtailed: tuple[WindUnitDay, ...]
    empty_bids: int | None


def chance(*parts: object) -> random.Random:
    """Return a source of chance that the parts alone decide, on every machine and in every process."""
    return random.Random("/".join(map(str, parts)))  # noqa: S311  (it imitates a market, it guards nothing)


def happens(rng: random.Random, share: float) -> bool:
    """Whether something that happens in this share of all cases happens now."""
    return rng.random() < share


def fleet_of(register: Register) -> Fleet:
    """Choose up to 95 wind units and 110 others of a register, evenly through its order."""
    others = [unit for unit in register.ids(wind=False) if unit.startswith(_PLANT_PREFIXES)]
    wind = [unit for unit in register.ids(wind=True) if not unit.isdigit()]
    return Fleet(_units(register, wind, MOST_WIND), _units(register, others, MOST_OTHERS))


def weather(seed: int, settlement_date: date, fleet: Fleet) -> Weather:
    """Decide a date: one in ten is calm, one in twenty-five pays nobody (positive prices), wind is often light."""
    rng = chance(seed, settlement_date, "weather")
    if happens(rng, 0.1) or not fleet.wind:
        return Weather(calm=True, curtailed=(), empty_bids=rng.randint(3, 40))
    paying = happens(rng, 0.04)
    level = 0.1 + 0.85 * rng.random() ** 1.5
    units = rng.sample(fleet.wind, max(1, int(level * len(fleet.wind))))
    count = period_count(settlement_date)
    return Weather(calm=False, curtailed=tuple(_unit_day(rng, unit, count, paying) for unit in units), empty_bids=None)


def _unit_day(rng: random.Random, unit: Unit, count: int, paying: bool) -> WindUnitDay:  # noqa: FBT001
    length = rng.randint(3, count)
    first = rng.randint(1, count - length + 1)
    return WindUnitDay(unit, first, first + length - 1, _price(rng, paying), so_flagged=happens(rng, 0.92))


def _price(rng: random.Random, paying: bool) -> str:  # noqa: FBT001
    """Return a bid price: subsidised farms ask to be paid (negative), others pay for the energy they save."""
    pence = rng.randint(200, 9500) if paying or happens(rng, 0.12) else -rng.randint(500, 18500)
    pounds = Decimal(pence).scaleb(-2)
    # Elexon prints some prices through a binary double: -179.76 arrives as -179.759999999999990905.
    return format(float(pounds), ".18f") if happens(rng, 0.3) else str(pounds)


def _units(register: Register, ids: Sequence[str], most: int) -> tuple[Unit, ...]:
    step = max(1, len(ids) // most)
    return tuple(Unit(bm_unit, _capacity(register, bm_unit)) for bm_unit in ids[::step][:most])


def _capacity(register: Register, bm_unit: str) -> int:
    try:
        return max(10, int(Decimal(register.text(bm_unit, "generationCapacity") or "")))
    except (InvalidOperation, ValueError, OverflowError):
        return 50
