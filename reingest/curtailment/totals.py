"""Totals of curtailment records by definition: of a date, by BM unit, and by settlement period."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from operator import attrgetter
from typing import TypeVar

from reingest.curtailment.definitions import Definition
from reingest.curtailment.exact import ZERO
from reingest.curtailment.payments import energy, indicative_cashflow, payment
from reingest.curtailment.records import CurtailmentRecord
from reingest.curtailment.words import DefinitionName

_Key = TypeVar("_Key")


@dataclass(frozen=True, slots=True)
class Totals:
    """What a set of records comes to.

    Attributes:
        energy_mwh: Minus the sum of volume, MWh; positive when curtailed.
        payment_gbp: The sum of volume times originalPrice, GBP; positive when paid to the units.
        records: How many records.
        bm_units: How many distinct BM units among them.
        periods: How many distinct settlement periods among them.
        indicative_cashflow_gbp: As the payment, times the transmission loss multiplier; None, not known, where a
            record lacks one.
    """

    energy_mwh: Decimal
    payment_gbp: Decimal
    records: int
    bm_units: int
    periods: int
    indicative_cashflow_gbp: Decimal | None


NOTHING = Totals(energy_mwh=ZERO, payment_gbp=ZERO, records=0, bm_units=0, periods=0, indicative_cashflow_gbp=ZERO)


def totals_of(records: Sequence[CurtailmentRecord]) -> Totals:
    """Return what the records come to; zeros where there are none.

    Raises:
        decimal.Inexact: a sum does not fit 100 digits.
    """
    if not records:
        return NOTHING
    return Totals(
        energy_mwh=energy(records),
        payment_gbp=payment(records),
        records=len(records),
        bm_units=len({record.bm_unit for record in records}),
        periods=len({record.period for record in records}),
        indicative_cashflow_gbp=indicative_cashflow(records),
    )


def daily_totals(
    records: Sequence[CurtailmentRecord], definitions: Iterable[Definition]
) -> dict[DefinitionName, Totals]:
    """Return one date's totals by definition; a definition without records has zeros."""
    return {definition.name: totals_of(definition.select(records)) for definition in definitions}


def unit_totals(
    records: Sequence[CurtailmentRecord], definitions: Iterable[Definition]
) -> dict[DefinitionName, dict[str, Totals]]:
    """Return one date's totals by definition and BM unit, units in order of id; those without records are left out."""
    return {
        definition.name: {
            unit: totals_of(rows) for unit, rows in sorted(_grouped(records, definition, attrgetter("bm_unit")).items())
        }
        for definition in definitions
    }


def period_totals(
    records: Sequence[CurtailmentRecord], definitions: Iterable[Definition], periods: Iterable[int]
) -> dict[int, dict[DefinitionName, Totals]]:
    """Return one date's totals by settlement period and definition, with zeros where nothing was curtailed.

    Args:
        records: The date's records.
        definitions: The definitions to total by.
        periods: Numbers of the date's periods, from the calendar.

    Raises:
        ValueError: a record stands in a period that the date does not have.
    """
    expected = tuple(periods)
    _require_periods(records, expected)
    grouped = {definition.name: _grouped(records, definition, attrgetter("period")) for definition in definitions}
    return {
        number: {name: totals_of(groups.get(number, ())) for name, groups in grouped.items()} for number in expected
    }


def period_energy(
    records: Sequence[CurtailmentRecord], definition: Definition, periods: Iterable[int]
) -> dict[int, Decimal]:
    """Return one date's energy by settlement period, MWh, by one definition; a period without records is left out.

    Args:
        records: The date's records.
        definition: The definition to sum by.
        periods: Numbers of the date's periods, from the calendar.

    Raises:
        ValueError: a record stands in a period that the date does not have.
    """
    _require_periods(records, periods)
    return {number: energy(rows) for number, rows in _grouped(records, definition, attrgetter("period")).items()}


def _require_periods(records: Iterable[CurtailmentRecord], expected: Iterable[int]) -> None:
    strangers = {record.period for record in records} - set(expected)
    if strangers:
        raise ValueError(f"records in periods that the date does not have: {sorted(strangers)}")


def _grouped(
    records: Iterable[CurtailmentRecord], definition: Definition, key: Callable[[CurtailmentRecord], _Key]
) -> dict[_Key, list[CurtailmentRecord]]:
    groups: dict[_Key, list[CurtailmentRecord]] = defaultdict(list)
    for record in definition.select(records):
        groups[key(record)].append(record)
    return groups
