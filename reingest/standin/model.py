"""What the stand-in publishes: stack rows and the records of its answers, every number as text.

Numbers stay the text they came as, from the CSV or the generator to the wire, so that `-179.759999999999990905`
and `1E-05` leave as they arrived. Where sums are needed they are made exactly, in `Decimal`.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Context, Decimal, Inexact, InvalidOperation
from typing import Final, Protocol, TypeAlias

from reingest.calendar import SettlementPeriod
from reingest.curtailment.words import Side
from reingest.errors import BadUsage

EXACT: Final = Context(prec=200, traps=[Inexact, InvalidOperation])
"""Sums and products of wire numbers fit into 200 digits, or it raises: nothing is ever rounded unseen."""

_JSON_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?")


class Number(str):
    """The text of a number, written to JSON without quotes and never read as a float."""

    __slots__ = ()


WireValue: TypeAlias = "Number | str | bool | int | dict[str, WireValue] | None"
WireRecord: TypeAlias = dict[str, WireValue]
"""One element of an answer's `data`, in the order of the fields on the wire."""


@dataclass(frozen=True, slots=True)
class StackRow:
    """One accepted action of one stack, with ISPSTACK's fields; None is null on the wire.

    Attributes:
        sequence_number: Rank by price in its stack, 1 for the first.
        bm_unit: Elexon's `id`; a numeric one is a balancing adjustment and no unit.
        volume: MWh in the half hour; bids negative, offers positive.
        original_price: GBP per MWh, as submitted.
    """

    sequence_number: int
    bm_unit: str | None
    acceptance_id: int | None
    pair_id: int | None
    volume: str
    original_price: str | None = None
    cadl_flag: bool | None = None
    so_flag: bool | None = None
    stor_flag: bool | None = None
    repriced: bool = False
    reserve_scarcity_price: str | None = None
    dmat_adjusted_volume: str | None = None
    arbitrage_adjusted_volume: str | None = None
    niv_adjusted_volume: str | None = None
    par_adjusted_volume: str | None = None
    final_price: str | None = None
    transmission_loss_multiplier: str | None = None
    tlm_adjusted_volume: str | None = None
    tlm_adjusted_cost: str | None = None

    @property
    def is_adjustment(self) -> bool:
        """Whether the row is a balancing adjustment (DISBSAD), whose id is a number and not a unit."""
        return self.bm_unit is not None and self.bm_unit.isdigit()


@dataclass(frozen=True, slots=True)
class PeriodStack:
    """Both stacks of one settlement period, as one calculation run published them."""

    period: SettlementPeriod
    created_at: datetime
    bids: tuple[StackRow, ...]
    offers: tuple[StackRow, ...]

    def side(self, side: Side) -> tuple[StackRow, ...]:
        """Return the rows of one side, in the order of publication."""
        return self.bids if side == "bid" else self.offers


class StackSource(Protocol):
    """Something that knows the stacks of some settlement periods."""

    def period(self, period: SettlementPeriod) -> PeriodStack | None:
        """Return the period's stacks, or None where the source does not serve its date."""
        ...


def number_or_null(text: str | None) -> Number | None:
    """Return the text as a number of the wire, or null."""
    return None if text is None else Number(text)


def number_text(text: str) -> str:
    """Return the text of a number as JSON can carry it: unchanged where it can, else in `Decimal`'s own form.

    Raises:
        BadUsage: the text is no finite number.
    """
    if _JSON_NUMBER.fullmatch(text):
        return text
    try:
        value = Decimal(text)
    except InvalidOperation:
        raise BadUsage(f"{text!r} is not a number") from None
    if not value.is_finite():
        raise BadUsage(f"{text!r} is not a finite number")
    return str(value)


def plain(value: Decimal) -> str:
    """Return the number without an exponent and without trailing zeros."""
    return format(value.normalize(EXACT), "f") if value else "0"


def exact_sum(texts: Iterable[str]) -> Decimal:
    """Return the exact sum of numbers given as text; 0 for none."""
    total = Decimal(0)
    for text in texts:
        total = EXACT.add(total, Decimal(text))
    return total


def instant(moment: datetime) -> str:
    """Return the instant in the form of the live API, `2026-08-07T13:44:36Z`."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def stack_record(row: StackRow, stack: PeriodStack) -> WireRecord:
    """Return the row as Elexon's ISPSTACK record, in the order of the specification."""
    return {
        **period_fields(stack.period.settlement_date, stack.period),
        "createdDateTime": instant(stack.created_at),
        "sequenceNumber": row.sequence_number,
        "id": row.bm_unit,
        "acceptanceId": row.acceptance_id,
        "bidOfferPairId": row.pair_id,
        "cadlFlag": row.cadl_flag,
        "soFlag": row.so_flag,
        "storProviderFlag": row.stor_flag,
        "repricedIndicator": row.repriced,
        "reserveScarcityPrice": number_or_null(row.reserve_scarcity_price),
        "originalPrice": number_or_null(row.original_price),
        "volume": Number(row.volume),
        "dmatAdjustedVolume": number_or_null(row.dmat_adjusted_volume),
        "arbitrageAdjustedVolume": number_or_null(row.arbitrage_adjusted_volume),
        "nivAdjustedVolume": number_or_null(row.niv_adjusted_volume),
        "parAdjustedVolume": number_or_null(row.par_adjusted_volume),
        "finalPrice": number_or_null(row.final_price),
        "transmissionLossMultiplier": number_or_null(row.transmission_loss_multiplier),
        "tlmAdjustedVolume": number_or_null(row.tlm_adjusted_volume),
        "tlmAdjustedCost": number_or_null(row.tlm_adjusted_cost),
    }


def period_fields(settlement_date: date, period: SettlementPeriod) -> WireRecord:
    """Return the three fields with which every record begins."""
    return {
        "settlementDate": settlement_date.isoformat(),
        "settlementPeriod": period.number,
        "startTime": instant(period.start),
    }
