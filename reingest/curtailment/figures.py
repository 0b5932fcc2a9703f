"""The figures of a date: what its records come to by definition, and what their energy could have mined."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from reingest.curtailment.definitions import Definition
from reingest.curtailment.mining import MiningRate, daily_bitcoin
from reingest.curtailment.records import CurtailmentRecord
from reingest.curtailment.totals import Totals, daily_totals, period_energy
from reingest.curtailment.words import DefinitionName


@dataclass(frozen=True, slots=True)
class Figures:
    """What the records of a date come to.

    Attributes:
        totals: MWh, GBP and counts by definition.
        mining: BTC by definition and miner model; None where difficulty or reward is not known.
    """

    totals: Mapping[DefinitionName, Totals]
    mining: Mapping[tuple[DefinitionName, str], Decimal] | None


def figures_of(
    records: Sequence[CurtailmentRecord],
    definitions: Sequence[Definition],
    rates: Sequence[MiningRate] | None,
    periods: Iterable[int],
) -> Figures:
    """Return what a date's records come to.

    Args:
        records: The date's records.
        definitions: The definitions to total by.
        rates: The date's mining rates; None where difficulty or reward is not known.
        periods: Numbers of the date's periods, from the calendar.

    Raises:
        decimal.Inexact: a sum does not fit 100 digits.
        ValueError: a record stands in a period that the date does not have.
    """
    mining = None if rates is None else _mining(records, definitions, rates, periods)
    return Figures(daily_totals(records, definitions), mining)


def _mining(
    records: Sequence[CurtailmentRecord],
    definitions: Sequence[Definition],
    rates: Sequence[MiningRate],
    periods: Iterable[int],
) -> dict[tuple[DefinitionName, str], Decimal]:
    calendar = tuple(periods)
    mined = {}
    for definition in definitions:
        energy = period_energy(records, definition, calendar)
        for model, btc in daily_bitcoin(energy, rates).items():
            mined[definition.name, model] = btc
    return mined
