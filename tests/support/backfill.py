"""The real sums of 426 dates as an Elexon: stacks that come to each unit's day exactly, made when they are asked for.

The sums are those of all wind bids by date and unit (README of the reference data); how they are spread over periods
and acceptances is made up here. Every wind row is SO-flagged and no offer undoes one, so each definition comes to the
same. Besides wind a gas plant is turned down in every second period; where nothing else is, the other periods have no
row at all, and no period has an offer: the system prices have to confirm that.
"""

import csv
import sys
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date
from decimal import ROUND_DOWN, ROUND_HALF_EVEN, Context, Decimal
from functools import lru_cache
from itertools import groupby
from pathlib import Path
from typing import Final, NamedTuple
from zlib import crc32

from reingest.calendar import SettlementPeriod, period_count
from reingest.curtailment.exact import EXACT, exact_sum, exactly
from reingest.standin.answers import Answers
from reingest.standin.app import StandInApp
from reingest.standin.days import FINAL_RUN
from reingest.standin.model import PeriodStack, StackRow, plain
from reingest.standin.publication import Publication
from reingest.standin.register import Register, unit_record, unit_type
from reingest.standin.server import StandInConfig

FIRST_DATE: Final = date(2024, 11, 1)
LAST_DATE: Final = date(2025, 12, 31)

MWH_A_PERIOD: Final = 200
"""About how much of a unit's day goes into one period, until it has the most periods."""
MOST_PERIODS: Final = 4
ACCEPTANCES: Final = 2
PRICE_STEP: Final = Decimal("0.25")
"""Half of what lies between the prices of the acceptances, GBP/MWh."""
LOSSES: Final = "0.9765625"
"""The transmission loss multiplier of every row; without one no cashflow could be checked."""

GAS_PLANT: Final = "T_GASP-1"
_DAYS_KEPT: Final = 8

_UNIT_DAYS: Final = "elexon/wind_bids_by_unit_day.csv"
_DAILY_TOTALS: Final = "elexon/wind_bids_daily_totals.csv"

# For what may be rounded: how a sum is split is free, what the parts come to is not.
_ROUNDING: Final = Context(prec=100, rounding=ROUND_HALF_EVEN)
_PENNY: Final = Decimal("0.01")


class UnitDay(NamedTuple):
    """What the bids of one unit come to on one date: MWh, negative, and GBP, positive where the unit is paid."""

    settlement_date: date
    bm_unit: str
    lead_party: str
    volume: Decimal
    cost: Decimal


class Part(NamedTuple):
    """A bid: MWh, negative, and GBP/MWh."""

    volume: Decimal
    price: Decimal


class Totals(NamedTuple):
    """What a date, a month or a year comes to: MWh curtailed, GBP paid to the units, units where they are counted."""

    energy_mwh: Decimal
    payment_gbp: Decimal
    bm_units: int | None = None


def split(volume: Decimal, cost: Decimal, parts: int) -> list[Part]:
    """Return bids that come to a volume below zero and to any cost, with every digit of both.

    The last of them is of -1 MWh, or of -0.1, -0.01 ... where there is less; its price takes what the others leave of
    the cost, a division by a power of ten, which always ends. One before it takes the odd digits of the volume.

    Args:
        volume: MWh, negative.
        cost: GBP.
        parts: how many bids share the volume besides the last; where that is too little for so many, one has all.

    Raises:
        decimal.Inexact: the numbers have more digits than 100 can hold.
    """
    last = Decimal(-1).scaleb(min(0, volume.adjusted()))
    shares = _shares(volume, last, parts)
    usual = _usual_price(volume, cost)
    with exactly():
        bids = [Part(share, usual + PRICE_STEP * (-1) ** place) for place, share in enumerate(shares)]
        left = cost - sum((bid.volume * bid.price for bid in bids), Decimal(0))
        return [*bids, Part(last, left / last)]


def _shares(volume: Decimal, last: Decimal, parts: int) -> list[Decimal]:
    """Return what the bids before the last have of the volume: even shares of few digits, and one with the odd ones."""
    with exactly():
        rest = volume - last
    if not rest:
        return []
    share = _ROUNDING.divide(rest, parts).quantize(last.scaleb(-2), ROUND_DOWN, _ROUNDING)
    if not share:
        return [rest]
    with exactly():
        return [*[share] * (parts - 1), rest - share * (parts - 1)]


def _usual_price(volume: Decimal, cost: Decimal) -> Decimal:
    """Return the unit's mean price to the penny: any would do, this one keeps the last bid's plausible."""
    return _ROUNDING.divide(cost, volume).quantize(_PENNY, context=_ROUNDING)


def unit_days(shared: Path) -> Iterator[UnitDay]:
    """Yield the sums by date and unit, in the order of the file: by date."""
    for line in _lines(shared / _UNIT_DAYS):
        yield UnitDay(
            date.fromisoformat(line["settlement_date"]),
            sys.intern(line["bm_unit"]),
            sys.intern(line["lead_party"]),
            Decimal(line["volume_mwh"]),
            Decimal(line["cost_gbp"]),
        )


def daily_totals(shared: Path) -> dict[date, Totals]:
    """Return what each of the 426 dates must come to, as the reference data say it, those without curtailment too."""
    return {
        date.fromisoformat(line["settlement_date"]): Totals(
            EXACT.minus(Decimal(line["volume_mwh"])), Decimal(line["cost_gbp"]), int(line["bm_units"])
        )
        for line in _lines(shared / _DAILY_TOTALS)
    }


def span_totals(daily: Mapping[date, Totals], length: int) -> dict[str, Totals]:
    """Return what months (a `length` of 7) or years (of 4) come to, by the beginning of their dates, as in 2025-03."""
    days = sorted((day.isoformat()[:length], totals) for day, totals in daily.items())
    return {
        span: Totals(
            exact_sum(totals.energy_mwh for _, totals in of_span),
            exact_sum(totals.payment_gbp for _, totals in of_span),
        )
        for span, of_span in ((span, list(group)) for span, group in groupby(days, key=lambda day: day[0]))
    }


def _lines(path: Path) -> Iterator[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        yield from csv.DictReader(file)


@dataclass(frozen=True, slots=True)
class BackfillConfig(StandInConfig):
    """A stand-in's configuration that serves the sums of the reference data in `shared`.

    Of the other fields those count that change how it is served: latency, faults, the shape of XML.
    """

    shared: Path = Path()

    def app(self) -> StandInApp:
        """Read the sums and return the application that serves them, and a register in which their units are wind."""
        sums = list(unit_days(self.shared))
        publication = Publication(_register(sums), generated=BackfillDays(daily_totals(self.shared), sums))
        answers = Answers(publication, xml_shape=self.xml_shape, refuse_xml=self.refuse == "xml")
        return StandInApp(answers, self._script(), latency=self.latency_ms / 1000)


def _register(sums: Iterable[UnitDay]) -> Register:
    """Return the units with their lead parties: of one that changed hands, the last."""
    parties = {one.bm_unit: one.lead_party for one in sums}
    units = [(unit, "WIND", party) for unit, party in sorted(parties.items())]
    return Register(
        unit_record(
            {"elexonBmUnit": unit, "fuelType": fuel, "leadPartyName": party, "bmUnitType": unit_type(unit)},
        )
        for unit, fuel, party in (*units, (GAS_PLANT, "CCGT", "Gas Plant plc"))
    )


class BackfillDays:
    """The stacks of the dates; only the sums are held, and the stacks of a few dates."""

    def __init__(self, dates: Iterable[date], sums: Iterable[UnitDay]) -> None:
        """Serve these dates, of which those without a sum curtail no wind."""
        self._sums: dict[date, list[UnitDay]] = {settlement_date: [] for settlement_date in dates}
        for one in sums:
            self._sums[one.settlement_date].append(one)
        self._bids = lru_cache(_DAYS_KEPT)(self._make_bids)

    def period(self, period: SettlementPeriod) -> PeriodStack | None:
        """Return the period's stacks, or None where its date is none of those served."""
        if period.settlement_date not in self._sums:
            return None
        bids = self._bids(period.settlement_date).get(period.number, ())
        return PeriodStack(period, period.end + FINAL_RUN, bids, ())

    def _make_bids(self, settlement_date: date) -> dict[int, tuple[StackRow, ...]]:
        bids: dict[int, list[StackRow]] = defaultdict(list)
        periods = period_count(settlement_date)
        for unit_day in self._sums[settlement_date]:
            for period, bid in _wind_bids(unit_day, periods):
                bids[period].append(bid)
        for period in range(2, periods + 1, 2):
            bids[period].append(_bid(GAS_PLANT, period, Part(Decimal(-30), Decimal(40)), so_flag=False))
        return {period: _ranked(of_period) for period, of_period in bids.items()}


def _wind_bids(unit_day: UnitDay, periods: int) -> Iterator[tuple[int, StackRow]]:
    """Yield a unit's bids with their periods: some in a row from anywhere in the day, each with every acceptance."""
    wanted = min(MOST_PERIODS, 1 - int(unit_day.volume / MWH_A_PERIOD))
    first = crc32(f"{unit_day.settlement_date} {unit_day.bm_unit}".encode()) % periods
    for place, part in enumerate(split(unit_day.volume, unit_day.cost, wanted * ACCEPTANCES)):
        period = (first + place // ACCEPTANCES) % periods + 1
        yield period, _bid(unit_day.bm_unit, 1 + place % ACCEPTANCES, part, so_flag=True)


def _bid(bm_unit: str, acceptance_id: int, part: Part, *, so_flag: bool) -> StackRow:
    return StackRow(
        sequence_number=0,
        bm_unit=bm_unit,
        acceptance_id=acceptance_id,
        pair_id=-1,
        volume=plain(part.volume),
        original_price=plain(part.price),
        cadl_flag=False,
        so_flag=so_flag,
        stor_flag=False,
        transmission_loss_multiplier=LOSSES,
    )


def _ranked(bids: Iterable[StackRow]) -> tuple[StackRow, ...]:
    """Return the bids numbered by price, the dearest first, as a stack of bids is."""
    by_price = sorted(bids, key=lambda bid: Decimal(bid.original_price or 0), reverse=True)
    return tuple(replace(bid, sequence_number=rank) for rank, bid in enumerate(by_price, start=1))
