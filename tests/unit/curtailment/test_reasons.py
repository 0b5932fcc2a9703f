from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from decimal import Decimal, localcontext
from fractions import Fraction
from itertools import product
from typing import Any, TypeAlias

from hypothesis import given, settings
from hypothesis import strategies as st

from reingest.calendar import settlement_periods
from reingest.curtailment.definitions import DEFINITIONS, Definition
from reingest.curtailment.exact import exact_sum
from reingest.curtailment.figures import Figures
from reingest.curtailment.mining import MinerModel, MiningRate, MiningSegment, rate_of
from reingest.curtailment.reasons import INGREDIENTS, MEASURES, PARTS, Figure, Ingredients, reasons_of
from reingest.curtailment.totals import Totals
from reingest.curtailment.words import Side
from tests.support.curtailment import decimals, stack_rows

UNITS = ("T_LARYW-1", "T_MOWEO-1", "E_RHEI-1")
PERIODS = (1, 2)
MODEL = MinerModel("S9", Decimal("13.5"), Decimal(1323))

Row: TypeAlias = dict[str, Any]
Counts: TypeAlias = Callable[[Row], bool]


def of_version_2(definition: Definition) -> Definition:
    """The definition with another meaning: only rows that the imbalance calculation repriced."""
    return replace(definition, version=2, matches=lambda record: record.repriced is True)


COUNTS: dict[str, Counts] = {
    "so_flagged@1": lambda row: row["side"] == "bid" and row["so_flag"] is True,
    "all_bids@1": lambda row: row["side"] == "bid",
    "net@1": lambda row: row["pair_id"] is not None and row["pair_id"] < 0,
    "all_bids@2": lambda row: row["repriced"] is True,
}
"""What each definition counts, said once more: the model does not use the code's own filters."""
NAMED = {one.named: one for one in (*DEFINITIONS, of_version_2(DEFINITIONS[1]))}


def cashflow(row: Row) -> Decimal:
    """A row's volume times price times loss multiplier."""
    return Decimal(row["volume"]) * Decimal(row["original_price"]) * Decimal(row["transmission_loss_multiplier"])


@dataclass(frozen=True)
class World:
    """What a version is derived from, as the model has it."""

    rows: tuple[Row, ...]
    sides: tuple[Side, ...]
    wind: frozenset[str]
    definitions: tuple[str, ...]
    difficulty: int | None

    def figures(self) -> dict[Figure, Decimal]:
        """Every figure, by plain sums over the rows."""
        with localcontext(prec=200):
            return self._figures()

    def _figures(self) -> dict[Figure, Decimal]:
        found = {}
        for name in self.definitions:
            if name == "net@1" and self.sides != ("bid", "offer"):
                continue
            definition: Any = name.partition("@")[0]
            rows = [row for row in self.rows if row["bm_unit"] in self.wind and COUNTS[name](row)]
            found[Figure("energy_mwh", definition)] = -sum((Decimal(row["volume"]) for row in rows), Decimal(0))
            found[Figure("payment_gbp", definition)] = sum(
                (Decimal(row["volume"]) * Decimal(row["original_price"]) for row in rows), Decimal(0)
            )
            if all(row["transmission_loss_multiplier"] for row in rows):
                found[Figure("indicative_cashflow_gbp", definition)] = sum(map(cashflow, rows), Decimal(0))
            if self.difficulty is not None:
                found[Figure("btc", definition, "S9")] = self._mined(rows)
        return found

    def _mined(self, rows: list[Row]) -> Decimal:
        mined = Decimal(0)
        for period in PERIODS:
            energy = -sum((Decimal(row["volume"]) for row in rows if row["period"] == period), Decimal(0))
            hashes = Fraction(energy) * 3_600_000_000 / 1323 * Fraction(27, 2) * 10**12
            btc = hashes / (Fraction(self.difficulty or 0) * 2**32) * Fraction(25, 4)
            mined += Decimal(round(btc * 10**18)).scaleb(-18)
        return mined

    def ingredients(self, table: Any = None) -> Ingredients:
        """The same for the code."""
        return Ingredients(
            rows=stack_rows(self.rows) if table is None else table,
            sides=self.sides,
            wind_units=self.wind,
            definitions=tuple(NAMED[name] for name in self.definitions),
            rates=None if self.difficulty is None else tuple(map(self._rate, PERIODS)),
        )

    def _rate(self, number: int) -> MiningRate:
        period = settlement_periods(date(2022, 1, 1))[number - 1]
        segment = MiningSegment(period.start, period.end, Fraction(1), Decimal(self.difficulty or 0), Decimal("6.25"))
        return rate_of(number, MODEL, (segment,))


def stored(figures: dict[Figure, Decimal]) -> Figures:
    """Figures as a version stores them; BTC is unknown where there is none."""
    totals = {
        one.definition: Totals(
            value,
            figures[Figure("payment_gbp", one.definition)],
            records=0,
            bm_units=0,
            periods=0,
            indicative_cashflow_gbp=figures.get(Figure("indicative_cashflow_gbp", one.definition)),
        )
        for one, value in figures.items()
        if one.measure == "energy_mwh"
    }
    mining = {(one.definition, one.model or ""): value for one, value in figures.items() if one.measure == "btc"}
    return Figures(totals, mining or None)


SHAPES: tuple[Row, ...] = tuple(
    {"side": side, "bm_unit": unit, "pair_id": pair, "so_flag": flag, "repriced": flag is not True, "period": period}
    for unit, (side, pair), flag, period in product(
        [*UNITS, "T_DRAXX-1"],
        [("bid", -1), ("bid", 1), ("bid", None), ("offer", -1)],
        [True, False, None],
        PERIODS,
    )
)
"""Bids, and offers in negative pairs; one of the units is never wind."""
AMOUNTS: tuple[Row, ...] = tuple(
    {"volume": volume, "original_price": price, "transmission_loss_multiplier": multiplier}
    for volume, price, multiplier in product(
        [Decimal("0.001"), Decimal("12.5"), Decimal("499.999999999999999")],
        ["-179.759999999999990905", "0", "12.25"],
        ["0.96", "1.01", None],
    )
)


def row_of(shape: Row, amounts: Row) -> Row:
    """One row of a stack; a bid's volume is negative."""
    volume = amounts["volume"] if shape["side"] == "offer" else -amounts["volume"]
    return shape | amounts | {"volume": str(volume), "created_at": datetime(2022, 1, 2, 0, 44, tzinfo=UTC)}


# Drawn whole, from few strategies: an example of two worlds costs a tenth of what it does field by field.
rows = st.builds(row_of, st.sampled_from(SHAPES), st.sampled_from(AMOUNTS))


@st.composite
def worlds(draw: st.DrawFn) -> World:
    """Anything that a version can be derived from."""
    sides: tuple[Side, ...] = draw(st.sampled_from([("bid",), ("bid", "offer")]))
    return World(
        rows=tuple(row for row in draw(st.lists(rows, max_size=6)) if row["side"] in sides),
        sides=sides,
        wind=frozenset(draw(st.sets(st.sampled_from(UNITS)))),
        definitions=draw(
            st.sampled_from([("so_flagged@1", "all_bids@1"), ("so_flagged@1", "all_bids@1", "net@1"), ("all_bids@2",)])
        ),
        difficulty=draw(st.sampled_from([None, 24_000_000_000_000, 90_000_000_000_000])),
    )


def replaced(old: World, new: World) -> list[World]:
    """The worlds on the way from one to the other, an ingredient at a time."""
    source = replace(old, rows=new.rows, sides=new.sides)
    register = replace(source, wind=new.wind)
    definition = replace(register, definitions=new.definitions)
    return [old, source, register, definition, replace(definition, difficulty=new.difficulty)]


def less(value: Decimal | None, other: Decimal | None) -> Decimal | None:
    """Return a difference, which is unknown where one of the two is."""
    with localcontext(prec=200):
        return None if value is None or other is None else value - other


def tampered(figures: dict[Figure, Decimal], by: Decimal) -> dict[Figure, Decimal]:
    """What an older code may have made of the same."""
    with localcontext(prec=200):
        return {figure: value + by for figure, value in figures.items()}


@settings(deadline=None)
@given(old=worlds(), new=worlds(), old_code=decimals(-5, 5, 18), new_code=decimals(-5, 5, 18))
def test_the_parts_are_the_models_and_add_up(old: World, new: World, old_code: Decimal, new_code: Decimal) -> None:
    """Each part is the difference that its ingredient makes by plain sums, and all five come to the change, exactly."""
    before, after = tampered(old.figures(), old_code), tampered(new.figures(), new_code)
    reasons = reasons_of((stored(before), old.ingredients()), (stored(after), new.ingredients()), PERIODS)
    steps = [world.figures() for world in replaced(old, new)]
    assert {change.figure for change in reasons.changes} == before.keys() | after.keys()
    for change in reasons.changes:
        figure = change.figure
        assert (change.old, change.new) == (before.get(figure), after.get(figure))
        assert tuple(change.parts) == PARTS
        for place, ingredient in enumerate(INGREDIENTS):
            this, then = (steps[place + one].get(figure) for one in (0, 1))
            assert change.parts[ingredient] == less(then, this)
        if None in change.parts.values():
            assert change.parts["code"] is None
        else:
            assert exact_sum(part for part in change.parts.values() if part is not None) == change.change
            assert change.parts["code"] == new_code - old_code


@settings(deadline=None)
@given(old=worlds(), new=worlds())
def test_an_ingredient_that_is_the_same_has_no_part(old: World, new: World) -> None:
    """What is the same in both versions changes nothing, and is not derived twice."""
    table = stack_rows(old.rows)
    new = replace(new, rows=old.rows, sides=old.sides)
    before, after = old.ingredients(table), new.ingredients(table)
    reasons = reasons_of((stored(old.figures()), before), (stored(new.figures()), after), PERIODS)
    for change in reasons.changes:
        assert change.parts["source"] in (Decimal(0), None)
        assert change.figure.measure == "btc" or change.parts["mining"] in (Decimal(0), None)
        assert change.parts["code"] in (Decimal(0), None)
    assert reasons.before("source") is reasons.steps["source"]


@settings(max_examples=50, deadline=None)
@given(world=worlds())
def test_what_is_unknown_on_one_side_is_unknown_and_not_zero(world: World) -> None:
    """Where only one version has BTC, the change and the mining part are unknown; energy and payment are known."""
    old = replace(world, difficulty=None)
    new = replace(world, difficulty=24_000_000_000_000)
    for one, other in ((old, new), (new, old)):
        reasons = reasons_of(
            (stored(one.figures()), one.ingredients()), (stored(other.figures()), other.ingredients()), PERIODS
        )
        for change in reasons.changes:
            assert change.figure.measure == "btc" or change.change == 0
            unknown = change.figure.measure == "btc"
            assert (change.change is None) == unknown
            assert (change.parts["mining"] is None) == unknown
            assert (change.parts["code"] is None) == unknown


@settings(max_examples=50, deadline=None)
@given(world=worlds())
def test_figures_come_in_one_order(world: World) -> None:
    """Energy, then payment, then BTC, each by definition in the order that people know them in."""
    both = (stored(world.figures()), world.ingredients())
    order = [change.figure for change in reasons_of(both, both, PERIODS).changes]
    assert [one.measure for one in order] == sorted((one.measure for one in order), key=MEASURES.index)
    for measure in MEASURES:
        names = [one.definition for one in order if one.measure == measure]
        assert names == [name for name in ("so_flagged", "all_bids", "net") if name in names]
