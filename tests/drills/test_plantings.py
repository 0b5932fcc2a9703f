"""One row of a date's stacks is wrong, everything else is right: the witnesses name its period and its BM unit.

Named means exactly: the verdict accuses that period, side and unit by amounts, and no other. A late row accuses nobody;
the verdict says that it was not compared, and of which period and unit, and passes nothing. A period that was never
fetched is named as such, with every unit that was accepted in it. Planted are rows that witnesses are about: those with
a unit and an acceptance, of whatever size. On clean dates nobody is accused.
"""

import random
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import lru_cache
from pathlib import Path
from typing import Final, Literal, TypeAlias, get_args

import pytest

from reingest.curtailment.stack_facts import Subject
from reingest.curtailment.verdicts import Reason, Verdict
from reingest.curtailment.words import SIDES, Side
from reingest.elexon.stack import RawStack
from reingest.standin.days import RecordedDays
from reingest.standin.faults.rows import strike_rows
from reingest.standin.faults.rules import FaultRule
from reingest.standin.fleet import chance, fleet_of
from reingest.standin.generate import REAL_ROWS, SMALL_ROWS, GeneratedDays
from reingest.standin.model import WireRecord, instant
from reingest.standin.register import wind_register
from reingest.standin.units import generated_register
from tests.support.witnesses import Day, day_of

Seeds = Callable[..., Iterator[int]]
Counted = Callable[..., None]
Units: TypeAlias = frozenset[tuple[int, Side, str | None]]
Planting = Literal["lost row", "doubled row", "flipped sign", "swapped unit", "late row", "period never fetched"]
PLANTINGS: Final[tuple[Planting, ...]] = get_args(Planting)

KINDS: Final[dict[Planting, str]] = {
    "lost row": "dropped_row",
    "doubled row": "doubled_row",
    "flipped sign": "flipped_sign",
    "swapped unit": "swapped_unit",
}
FIRST_RUN: Final = timedelta(minutes=44)
LEAST_NAMED: Final = 0.999

CLOCK_CHANGES: Final = (date(2024, 3, 31), date(2024, 10, 27))
FIRST_DATE: Final = date(2024, 5, 1)
PLANTED_DATES: Final = 16
EVERY_SO_MANY: Final = 100
"""One generated date in so many has as many rows as a real one."""

REGISTER: Final = generated_register()


@dataclass(frozen=True)
class Planted:
    """Answers in place of the right ones, None for one that was never had, and the units that must be named."""

    what: Planting
    instead: dict[Subject, RawStack | None]
    units: Units


@pytest.fixture(scope="module")
def real_day(shared: Path) -> Day:
    """Return the real day of the reference data; it has no loss multipliers."""
    recorded = RecordedDays([shared / "elexon" / "days" / "2022-01-01.csv"])
    return day_of(recorded, recorded.dates[0], wind_register(recorded.bm_units))


def test_generated_dates(seeds: Seeds, counted: Counted) -> None:
    """On generated dates the witnesses name the period and unit of nearly every planted error, and no other."""
    in_turn = seeds("plantings, generated dates", sample=42, ci=702, long=10**6)
    assert_named(((generated(which_date(seed)), seed) for seed in in_turn), counted)


def test_the_real_day(real_day: Day, seeds: Seeds, counted: Counted) -> None:
    """On the real day the witnesses name the period and unit of nearly every planted error, and no other."""
    assert_named(
        ((real_day, seed) for seed in seeds("plantings, the real day", sample=18, ci=300, long=10**6)), counted
    )


def test_clean_dates(seeds: Seeds) -> None:
    """A clean date is verified by every rule, the clock changes and calm dates among them."""
    for seed in seeds("clean dates, none accused", sample=8, ci=120, long=10**6):
        verdict = generated(seed).verdict()
        assert (verdict.status, verdict.differences, verdict.unverified) == ("verified", (), ()), seed


def test_the_clean_real_day(real_day: Day) -> None:
    """The real day is accused of nothing; its cashflows are unknown, for it has no loss multiplier at all."""
    verdict = real_day.verdict()
    assert verdict.differences == ()
    assert [one.status for one in verdict.verdicts] == ["verified", "verified", "unverified"]
    assert verdict.by("cashflows").not_compared.keys() == {"null_figure"}


@lru_cache(maxsize=PLANTED_DATES + 2)
def generated(seed: int) -> Day:
    """Return a generated date: the clock changes first, then one after the other."""
    day = CLOCK_CHANGES[seed] if seed < len(CLOCK_CHANGES) else FIRST_DATE + timedelta(days=seed % 3000)
    rows = REAL_ROWS if seed % EVERY_SO_MANY == EVERY_SO_MANY - 1 else SMALL_ROWS
    return day_of(GeneratedDays(seed, fleet_of(REGISTER), rows=rows), day, REGISTER)


def which_date(seed: int) -> int:
    """Return the generated date of a planting; each gets every kind of it, and one in so many is of real size."""
    turn = seed // len(PLANTINGS)
    return EVERY_SO_MANY - 1 if turn % EVERY_SO_MANY == PLANTED_DATES else turn % PLANTED_DATES


def assert_named(days: Iterable[tuple[Day, int]], counted: Counted) -> None:
    """Plant in each day, and require that nearly all is named."""
    missed, total = [], 0
    for day, seed in days:
        planted = plant(day, chance("planting", seed), PLANTINGS[seed % len(PLANTINGS)])
        verdict = day.verdict(planted.instead)
        is_named = names(verdict, planted)
        counted("plantings named", int(is_named), wanted=1)
        missed += [] if is_named else [(seed, planted.what, sorted(planted.units), verdict.differences[:3])]
        total += 1
    assert len(missed) <= (1 - LEAST_NAMED) * total, missed


def plant(day: Day, rng: random.Random, what: Planting) -> Planted:
    """Spoil one row of a day, or lose a period of it."""
    rows = [(subject, place) for subject, records in day.records.items() for place in eligible(records)]
    subject, place = rng.choice(sorted(rows))
    period, side = subject
    if what == "period never fetched":
        units = {(period, one, unit) for one in SIDES for unit in units_of(day.records[period, one])}
        return Planted(what, {(period, one): None for one in SIDES}, frozenset(units))
    before = [dict(record) for record in day.records[subject]]
    after = spoilt(before, place, what)
    unit = str(before[place]["id"])
    units = {(period, side, unit)}
    if what == "swapped unit":
        units.add((period, side, str(after[place]["id"])))
    return Planted(what, {subject: day.read(subject, after)}, frozenset(units))


def spoilt(records: list[WireRecord], place: int, what: Planting) -> list[WireRecord]:
    """Return the records with one row spoilt."""
    if what == "late row":
        first_run = datetime.fromisoformat(str(records[place]["startTime"])) + FIRST_RUN
        return [
            record | ({"createdDateTime": instant(first_run)} if number == place else {})
            for number, record in enumerate(records)
        ]
    return strike_rows(records, FaultRule(kind=KINDS[what], row=place), chance())


def eligible(records: Sequence[WireRecord]) -> list[int]:
    """Return the places of the rows that witnesses are about."""
    return [
        place
        for place, record in enumerate(records)
        if record["id"] is not None and not str(record["id"]).isdigit() and record["acceptanceId"] is not None
    ]


def units_of(records: Sequence[WireRecord]) -> set[str]:
    """Return the units of the rows that witnesses are about."""
    return {str(records[place]["id"]) for place in eligible(records)}


def names(verdict: Verdict, planted: Planted) -> bool:
    """Tell whether a verdict names what was planted, and nothing else."""
    accused = frozenset(one[1:4] for one in verdict.differences)
    whole = {(period, side, None) for period, side, _ in planted.units}
    if planted.what == "late row":
        return (
            verdict.status == "unverified" and not accused and left_for(verdict, "first_run") == planted.units | whole
        )
    if planted.what == "flipped sign" and any(one.cause != "rejected" for one in verdict.differences):
        return False
    if planted.what == "period never fetched" and left_for(verdict, "not_fetched") != {
        (period, side, None) for period, side in planted.instead
    }:
        return False
    return verdict.status == "differs" and planted.units <= accused <= planted.units | whole


def left_for(verdict: Verdict, reason: Reason) -> Units:
    """Return what was not compared for that reason."""
    return frozenset((one.period, one.side, one.bm_unit) for one in verdict.unverified if one.reason == reason)
