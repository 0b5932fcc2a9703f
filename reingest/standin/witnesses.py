"""The other settlement datasets, each derived from the stacks, so that they always agree with what is served.

The identities are those of API.md §9: DISEBSP's accepted totals are the sums over rows with an acceptance, its
adjustments the sums over numeric ids; BOAV sums volumes by unit, acceptance and pair; EBOCF is volume * price * TLM
by unit and pair. DISPTAV and the summary are there to be archived; nothing can be judged by them.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from decimal import ROUND_HALF_EVEN, Decimal
from typing import Final

from reingest.curtailment.words import Side
from reingest.standin.model import (
    EXACT,
    Number,
    PeriodStack,
    StackRow,
    WireRecord,
    exact_sum,
    instant,
    number_or_null,
    period_fields,
    plain,
)
from reingest.standin.register import Register, unit_type

_PENCE_FRACTION: Final = Decimal("1E-8")
"""Cashflows are printed to 8 decimals: volume * price * TLM has up to 56, Elexon prints a double's 17 digits."""

_PAIRS: Final = tuple(
    (f"{name}{number}", sign * number) for number in range(1, 7) for name, sign in (("negative", -1), ("positive", 1))
)

_PairTotals = dict[int, Decimal]


def system_price(stack: PeriodStack) -> WireRecord:
    """Return DISEBSP's record of a period; prices are the marginal untagged action's, 0 where there is none."""
    price = _marginal_price(stack)
    return {
        **period_fields(stack.period.settlement_date, stack.period),
        "createdDateTime": instant(stack.created_at),
        "systemSellPrice": price,
        "systemBuyPrice": price,
        "bsadDefaulted": False,
        "priceDerivationCode": "N" if _imbalance(stack) <= 0 else "P",
        "reserveScarcityPrice": Number("0"),
        "netImbalanceVolume": Number(plain(_imbalance(stack))),
        "sellPriceAdjustment": Number("0"),
        "buyPriceAdjustment": Number("0"),
        "replacementPrice": None,
        "replacementPriceReferenceVolume": None,
        "totalAcceptedOfferVolume": _volume(stack.offers, _is_accepted),
        "totalAcceptedBidVolume": _volume(stack.bids, _is_accepted),
        "totalAdjustmentSellVolume": _volume(stack.bids, _is_adjustment),
        "totalAdjustmentBuyVolume": _volume(stack.offers, _is_adjustment),
        "totalSystemTaggedAcceptedOfferVolume": _volume(stack.offers, _is_tagged(_is_accepted)),
        "totalSystemTaggedAcceptedBidVolume": _volume(stack.bids, _is_tagged(_is_accepted)),
        "totalSystemTaggedAdjustmentSellVolume": _volume(stack.bids, _is_tagged(_is_adjustment)),
        "totalSystemTaggedAdjustmentBuyVolume": _volume(stack.offers, _is_tagged(_is_adjustment)),
    }


def acceptance_volumes(stack: PeriodStack, side: Side, register: Register) -> list[WireRecord]:
    """Return BOAV's records of a period and side: one for each unit and acceptance, its volumes by pair."""
    totals: dict[tuple[str, int], _PairTotals] = defaultdict(lambda: defaultdict(Decimal))
    for row, unit, pair in _paired(stack.side(side)):
        if row.acceptance_id is not None:
            by_pair = totals[unit, row.acceptance_id]
            by_pair[pair] = EXACT.add(by_pair[pair], Decimal(row.volume))
    return [
        {
            "createdDateTime": instant(stack.created_at),
            **period_fields(stack.period.settlement_date, stack.period),
            **_unit_fields(unit, register),
            "acceptanceId": acceptance,
            "acceptanceDuration": "L",
            "totalVolumeAccepted": _total(by_pair),
            "pairVolumes": _pairs(by_pair),
        }
        for (unit, acceptance), by_pair in totals.items()
    ]


def cashflows(stack: PeriodStack, side: Side, register: Register) -> list[WireRecord]:
    """Return EBOCF's records of a period and side: one for each unit, its GBP by pair.

    A row without a price or a loss multiplier has no cashflow that could be known, so it is left out; a unit that has
    only such rows has no record.
    """
    totals: dict[str, _PairTotals] = defaultdict(lambda: defaultdict(Decimal))
    for row, unit, pair in _paired(stack.side(side)):
        if row.original_price is not None and row.transmission_loss_multiplier is not None:
            value = EXACT.multiply(Decimal(row.volume), Decimal(row.original_price))
            value = EXACT.multiply(value, Decimal(row.transmission_loss_multiplier))
            totals[unit][pair] = EXACT.add(totals[unit][pair], value)
    return [
        {
            **period_fields(stack.period.settlement_date, stack.period),
            "createdDateTime": instant(stack.created_at),
            **_unit_fields(unit, register),
            "bidOfferPairCashflows": _pairs(_rounded(by_pair)),
            "totalCashflow": _total(_rounded(by_pair)),
        }
        for unit, by_pair in totals.items()
    ]


def indicative_volumes(stack: PeriodStack, side: Side, register: Register) -> list[WireRecord]:
    """Return DISPTAV's records: by unit, every row as `Tagged` and the untagged ones again as `Original`."""
    totals: dict[tuple[str, str], _PairTotals] = defaultdict(lambda: defaultdict(Decimal))
    for row, unit, pair in _paired(stack.side(side)):
        for kind in ("Tagged",) if row.so_flag else ("Original", "Tagged"):
            totals[unit, kind][pair] = EXACT.add(totals[unit, kind][pair], Decimal(row.volume))
    return [
        {
            "createdDateTime": instant(stack.created_at),
            **period_fields(stack.period.settlement_date, stack.period),
            **_unit_fields(unit, register),
            "dataType": kind,
            "totalVolumeAccepted": _total(by_pair),
            "pairVolumes": _pairs(by_pair),
        }
        for (unit, kind), by_pair in totals.items()
    ]


def summary(stack: PeriodStack) -> WireRecord:
    """Return the settlement summary of a period, which stands alone and not in a list."""
    price = _marginal_price(stack)
    volume = Number(plain(_imbalance(stack)))
    cost = Number(plain(EXACT.multiply(Decimal(price), Decimal(volume))))
    return {
        "createdDateTime": instant(stack.created_at),
        **period_fields(stack.period.settlement_date, stack.period),
        "adjuster": Number("0"),
        "priceDerivationCode": "N" if _imbalance(stack) <= 0 else "P",
        "systemSellPrice": price,
        "systemBuyPrice": price,
        "mainPrice": {"cost": cost, "volume": volume, "value": price},
        "marketPrice": {"cost": None, "volume": None, "value": None},
    }


def _is_accepted(row: StackRow) -> bool:
    return row.acceptance_id is not None


def _is_adjustment(row: StackRow) -> bool:
    return row.is_adjustment


def _is_tagged(chosen: Callable[[StackRow], bool]) -> Callable[[StackRow], bool]:
    return lambda row: chosen(row) and bool(row.so_flag)


def _volume(rows: Iterable[StackRow], chosen: Callable[[StackRow], bool]) -> Number:
    return Number(plain(exact_sum(row.volume for row in rows if chosen(row))))


def _imbalance(stack: PeriodStack) -> Decimal:
    return exact_sum(row.volume for row in (*stack.bids, *stack.offers))


def _marginal_price(stack: PeriodStack) -> Number:
    rows = stack.offers if _imbalance(stack) > 0 else stack.bids
    prices = [row.original_price for row in rows if row.original_price is not None and not row.so_flag]
    return number_or_null(prices[-1] if prices else "0") or Number("0")


def _paired(rows: Iterable[StackRow]) -> Iterator[tuple[StackRow, str, int]]:
    for row in rows:
        if row.bm_unit is not None and row.pair_id is not None and not row.is_adjustment:
            yield row, row.bm_unit, row.pair_id


def _unit_fields(unit: str, register: Register) -> WireRecord:
    return {
        "bmUnit": unit,
        "bmUnitType": register.text(unit, "bmUnitType") or unit_type(unit),
        "leadPartyName": register.text(unit, "leadPartyName"),
        "nationalGridBmUnit": register.text(unit, "nationalGridBmUnit"),
    }


def _pairs(totals: _PairTotals) -> WireRecord:
    return {name: Number(plain(totals[pair])) if pair in totals else None for name, pair in _PAIRS}


def _total(totals: _PairTotals) -> Number:
    return Number(plain(exact_sum(map(str, totals.values()))))


def _rounded(totals: _PairTotals) -> _PairTotals:
    return {pair: value.quantize(_PENCE_FRACTION, ROUND_HALF_EVEN, _WIDE) for pair, value in totals.items()}


_WIDE: Final = EXACT.copy()
_WIDE.traps = dict.fromkeys(_WIDE.traps, False)
