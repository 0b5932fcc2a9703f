"""The grid of a day: the energy of each BM unit in each settlement period, exact, for whoever draws or prints it."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from operator import attrgetter

from reingest.calendar import SettlementPeriod, settlement_periods
from reingest.curtailment.content import Content
from reingest.curtailment.definitions import DEFINITIONS
from reingest.curtailment.outcomes import combine_outcomes
from reingest.curtailment.payments import energy
from reingest.curtailment.records import CurtailmentRecord
from reingest.curtailment.totals import Totals, period_totals, totals_of
from reingest.curtailment.words import DefinitionName, PeriodOutcome


@dataclass(frozen=True, slots=True)
class UnitRow:
    """One BM unit's day, or that of several together.

    Attributes:
        bm_units: One, or those that have no row of their own.
        totals: What the row comes to over the day.
        energy_mwh: By settlement period, MWh; a period without a record is left out.
    """

    bm_units: tuple[str, ...]
    totals: Totals
    energy_mwh: Mapping[int, Decimal]


@dataclass(frozen=True, slots=True)
class DayGrid:
    """A day by BM unit and settlement period, by one definition.

    Attributes:
        periods: The date's periods, from the calendar.
        outcomes: What became of each of them; one that nobody asked for is `not_asked`.
        rows: The largest energy first, the rest together in the last one. Their cells add up to `totals`.
        by_period: Totals of each period.
        totals: Totals of the day, as the content has them.
    """

    settlement_date: date
    definition: DefinitionName
    periods: tuple[SettlementPeriod, ...]
    outcomes: Mapping[int, PeriodOutcome]
    rows: tuple[UnitRow, ...]
    by_period: Mapping[int, Totals]
    totals: Totals


def day_grid(content: Content, definition_name: DefinitionName, most_rows: int) -> DayGrid:
    """Return the grid of a date's content.

    Args:
        content: What a version says.
        definition_name: Which records count.
        most_rows: How many rows there may be; where there are more units, the last row sums the smallest.

    Raises:
        KeyError: the content has no totals by that definition, because a side was not fetched.
        ValueError: a record stands in a period that the date does not have.
    """
    totals = content.totals[definition_name]
    definition = next(one for one in DEFINITIONS if one.name == definition_name)
    records = definition.select(content.records)
    periods = settlement_periods(content.settlement_date)
    by_period = period_totals(records, (definition,), (period.number for period in periods))
    return DayGrid(
        settlement_date=content.settlement_date,
        definition=definition_name,
        periods=periods,
        outcomes={period.number: _outcome(content, period.number) for period in periods},
        rows=_rows(records, most_rows),
        by_period={number: of_period[definition_name] for number, of_period in by_period.items()},
        totals=totals,
    )


def _outcome(content: Content, period: int) -> PeriodOutcome:
    return combine_outcomes(content.outcomes.get((period, side), "not_asked") for side in content.sides)


def _rows(records: Iterable[CurtailmentRecord], most_rows: int) -> tuple[UnitRow, ...]:
    by_unit: dict[str, list[CurtailmentRecord]] = defaultdict(list)
    for record in records:
        by_unit[record.bm_unit].append(record)
    # Negating by copy keeps every digit; the minus sign would round to the ambient context.
    ranked = sorted(by_unit, key=lambda unit: (energy(by_unit[unit]).copy_negate(), unit))
    alone = ranked if len(ranked) <= most_rows else ranked[: most_rows - 1]
    rest = ranked[len(alone) :]
    rows = [_row((unit,), by_unit[unit]) for unit in alone]
    if rest:
        rows.append(_row(tuple(rest), [record for unit in rest for record in by_unit[unit]]))
    return tuple(rows)


def _row(bm_units: tuple[str, ...], records: list[CurtailmentRecord]) -> UnitRow:
    by_period: dict[int, list[CurtailmentRecord]] = defaultdict(list)
    for record in sorted(records, key=attrgetter("period")):
        by_period[record.period].append(record)
    return UnitRow(bm_units, totals_of(records), {period: energy(group) for period, group in by_period.items()})
