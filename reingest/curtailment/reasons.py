"""Why a figure changed: the change between two versions split into what it comes from, part by part.

The figures of a version are derived from four ingredients: the source's answers, the register, the definitions and the
mining rates. From the older version's ingredients they are replaced by the newer one's, one after the other and always
in that order, and derived again by the present code: each difference is a part. What the parts leave of the change
between the two stored versions is the code's, which derived them otherwise at the time. So the parts always add up.

A figure that one side does not have is unknown, and so is every part that would need it: a BTC of a date beyond the
known difficulties, an indicative cashflow where a row has no loss multiplier, or `net` where offers were not fetched.
Unknown is None, never zero.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Final, Literal, NamedTuple

import pyarrow as pa

from reingest.curtailment.definitions import Definition
from reingest.curtailment.exact import EXACT_CASHFLOW, ZERO, exactly
from reingest.curtailment.figures import Figures, figures_of
from reingest.curtailment.mining import MiningRate
from reingest.curtailment.records import CurtailmentRecord, select_records
from reingest.curtailment.words import DEFINITION_NAMES, DefinitionName, Side

Measure = Literal["energy_mwh", "payment_gbp", "indicative_cashflow_gbp", "btc"]
Ingredient = Literal["source", "register", "definition", "mining"]
Part = Literal["source", "register", "definition", "mining", "code"]

MEASURES: Final[tuple[Measure, ...]] = ("energy_mwh", "payment_gbp", "indicative_cashflow_gbp", "btc")
INGREDIENTS: Final[tuple[Ingredient, ...]] = ("source", "register", "definition", "mining")
"""The order in which ingredients are replaced; it is fixed, because the parts depend on it."""
PARTS: Final[tuple[Part, ...]] = (*INGREDIENTS, "code")


class Figure(NamedTuple):
    """Which figure: MWh or GBP by definition, or BTC by definition and miner model, which the others do not have."""

    measure: Measure
    definition: DefinitionName
    model: str | None = None


@dataclass(frozen=True, slots=True)
class Ingredients:
    """What the figures of a version are derived from.

    Attributes:
        rows: The accepted stack rows of every unit: the source's answers.
        sides: The stacks that were fetched.
        wind_units: The BM unit ids that count as wind.
        definitions: The definitions that the version names.
        rates: Its mining rates; None where difficulty or reward is not known.
    """

    rows: pa.Table
    sides: tuple[Side, ...]
    wind_units: frozenset[str]
    definitions: tuple[Definition, ...]
    rates: tuple[MiningRate, ...] | None


@dataclass(frozen=True, slots=True)
class Step:
    """What the present code makes of the ingredients after one of them was replaced."""

    records: Sequence[CurtailmentRecord]
    definitions: tuple[Definition, ...]
    figures: Mapping[Figure, Decimal]


@dataclass(frozen=True, slots=True)
class Change:
    """One figure before and after, and the parts of the difference; None where it is unknown."""

    figure: Figure
    old: Decimal | None
    new: Decimal | None
    parts: Mapping[Part, Decimal | None]

    @property
    def change(self) -> Decimal | None:
        """New less old."""
        return _less(self.new, self.old)


@dataclass(frozen=True, slots=True)
class Reasons:
    """The changes of all figures, and the steps that they were split by.

    Attributes:
        changes: One entry a figure that either version has, in the order of `MEASURES`.
        derived: What the present code makes of the older version's ingredients.
        steps: What it makes of them after each replacement, in order; the last ones are the newer version's.
    """

    changes: tuple[Change, ...]
    derived: Step
    steps: Mapping[Ingredient, Step]

    def before(self, ingredient: Ingredient) -> Step:
        """Return the step that the replacement of this ingredient began from."""
        place = INGREDIENTS.index(ingredient)
        return self.steps[INGREDIENTS[place - 1]] if place else self.derived


def reasons_of(old: tuple[Figures, Ingredients], new: tuple[Figures, Ingredients], periods: Sequence[int]) -> Reasons:
    """Split the change between two versions of one date.

    Args:
        old: What the older version says, and what it was derived from.
        new: The newer one's.
        periods: Numbers of the date's periods, from the calendar.

    Raises:
        decimal.Inexact: a difference does not fit 100 digits.
    """
    derived = _derived(old[1], periods)
    steps = dict(_replaced(derived, old[1], new[1], periods))
    before, after = flat(old[0]), flat(new[0])
    changes = tuple(_change(figure, before, after, derived, steps) for figure in in_order({*before, *after}))
    return Reasons(changes, derived, steps)


def flat(figures: Figures) -> dict[Figure, Decimal]:
    """Return figures one by one, by what they are; those that are unknown are left out."""
    energy = {Figure("energy_mwh", name): totals.energy_mwh for name, totals in figures.totals.items()}
    payment = {Figure("payment_gbp", name): totals.payment_gbp for name, totals in figures.totals.items()}
    cashflow = {
        Figure("indicative_cashflow_gbp", name): totals.indicative_cashflow_gbp
        for name, totals in figures.totals.items()
        if totals.indicative_cashflow_gbp is not None
    }
    btc = {Figure("btc", name, model): value for (name, model), value in (figures.mining or {}).items()}
    return {**energy, **payment, **cashflow, **btc}


def in_order(figures: Iterable[Figure]) -> list[Figure]:
    """Return figures as people read them: by measure, definition and model."""
    return sorted(
        figures, key=lambda one: (MEASURES.index(one.measure), DEFINITION_NAMES.index(one.definition), one.model or "")
    )


def _replaced(
    derived: Step, old: Ingredients, new: Ingredients, periods: Sequence[int]
) -> Iterator[tuple[Ingredient, Step]]:
    """Yield what comes of each replacement; what it leaves as it was is not derived again."""
    replacements: Mapping[Ingredient, Ingredients] = {
        "source": replace(old, rows=new.rows, sides=new.sides),
        "register": replace(old, rows=new.rows, sides=new.sides, wind_units=new.wind_units),
        "definition": replace(new, rates=old.rates),
        "mining": new,
    }
    now, step = old, derived
    for ingredient in INGREDIENTS:
        then = replacements[ingredient]
        same_records = then.rows is now.rows and then.wind_units == now.wind_units
        if not same_records or _counted_otherwise(now, then):
            step = _derived(then, periods, step.records if same_records else None)
        now = then
        yield ingredient, step


def _counted_otherwise(now: Ingredients, then: Ingredients) -> bool:
    return (now.sides, now.definitions, now.rates) != (then.sides, then.definitions, then.rates)


def _derived(
    ingredients: Ingredients, periods: Sequence[int], records: Sequence[CurtailmentRecord] | None = None
) -> Step:
    """Derive the figures; a definition that needs a stack that was not fetched means nothing and is left out."""
    if records is None:
        records = select_records(ingredients.rows, ingredients.wind_units)
    fetched = frozenset(ingredients.sides)
    definitions = tuple(one for one in ingredients.definitions if one.sides <= fetched)
    return Step(records, definitions, flat(figures_of(records, definitions, ingredients.rates, periods)))


def _change(
    figure: Figure,
    before: Mapping[Figure, Decimal],
    after: Mapping[Figure, Decimal],
    derived: Step,
    steps: Mapping[Ingredient, Step],
) -> Change:
    old, new = before.get(figure), after.get(figure)
    parts: dict[Part, Decimal | None] = {}
    last = derived.figures.get(figure)
    for ingredient, step in steps.items():
        value = step.figures.get(figure)
        parts[ingredient] = _less(value, last)
        last = value
    parts["code"] = _less(_less(new, old), _sum(parts.values()))
    return Change(figure, old, new, parts)


def _sum(values: Iterable[Decimal | None]) -> Decimal | None:
    known = list(values)
    with exactly(EXACT_CASHFLOW):
        return None if None in known else sum((one for one in known if one is not None), ZERO)


def _less(value: Decimal | None, other: Decimal | None) -> Decimal | None:
    with exactly(EXACT_CASHFLOW):
        return None if value is None or other is None else value - other
