"""What the facts of a date are derived from: answers, register, definitions and mining inputs."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime

from reingest.calendar import SettlementPeriod, settlement_periods
from reingest.curtailment.definitions import Definition
from reingest.curtailment.mining import MiningRate
from reingest.curtailment.stack_facts import Subject
from reingest.curtailment.words import Side
from reingest.elexon.stack import RawStack
from reingest.elexon.system_prices import SystemPrice
from reingest.errors import ReingestError


@dataclass(frozen=True, slots=True)
class FetchedStack:
    """What came of one stack request: its rows, or why there are none.

    Attributes:
        fetch_id: The fetch whose payload was read; None where no answer came.
        answered_at: When the answer was complete; the latest that its figures can have been calculated.
        carried: Whether it is re-derived from the served version's payload instead of asked.
    """

    period: int
    side: Side
    fetch_id: int | None = None
    answered_at: datetime | None = None
    stack: RawStack | None = None
    error: ReingestError | None = None
    carried: bool = False


@dataclass(frozen=True, slots=True)
class MiningInputs:
    """The date's mining rates, None where difficulty or reward is not known, and the hash of what gave them."""

    rates: tuple[MiningRate, ...] | None
    hash: str


@dataclass(frozen=True, slots=True)
class DateInputs:
    """All that the facts of a date are derived from; the same inputs give the same facts.

    Attributes:
        sides: The stacks that were to be had.
        fetched: What came of each stack request; a subject left out was not asked.
        system_prices: DISEBSP by period.
        wind_units: The BM unit ids that count as wind.
        definitions: The definitions that the totals are by.
        rates: The date's mining rates; None where difficulty or reward is not known.
        witnessed: Whether the stacks are to be summed by unit, acceptance and pair, as witnesses speak of them.
    """

    settlement_date: date
    sides: tuple[Side, ...]
    fetched: Mapping[Subject, FetchedStack]
    system_prices: Mapping[int, SystemPrice]
    wind_units: frozenset[str]
    definitions: tuple[Definition, ...]
    rates: tuple[MiningRate, ...] | None
    witnessed: bool = False

    @property
    def calendar(self) -> tuple[SettlementPeriod, ...]:
        """The date's periods, from the calendar."""
        return settlement_periods(self.settlement_date)
