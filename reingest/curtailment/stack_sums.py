"""What a date's stacks come to by BM unit, acceptance and pair: their side of what witnesses are compared with."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Any, Final, TypeAlias

import pyarrow as pa
import pyarrow.compute as pc

from reingest.calendar import settlement_periods
from reingest.curtailment.exact import EXACT_CASHFLOW, ZERO, exactly
from reingest.curtailment.outcomes import FIRST_RUN_ENDS
from reingest.curtailment.stack_facts import Subject
from reingest.curtailment.words import Side

UnitSubject: TypeAlias = tuple[int, Side, str | None]
"""A period, a side and a BM unit; None for all units of the stack together."""

Key: TypeAlias = tuple[int, Side, str | None, int | None, int | None]
"""What an amount is of: period, side, BM unit, acceptance and pair; None for all of them together."""


@dataclass(frozen=True, slots=True)
class StackSums:
    """Sums over a date's accepted rows that have a unit and an acceptance, of every unit.

    Attributes:
        volumes: MWh by period, side, unit, acceptance and pair, signed.
        cashflows: Volume times originalPrice times TLM in GBP by period, side, unit and pair; acceptance is None.
        unpriced: Units of which a row has no price or no TLM: their cashflow is unknown.
        first_run_units: Units of which a row is of the first run, or does not say of which it is.
        first_run_stacks: Stacks that hold any such row, of whatever unit or none.
    """

    volumes: Mapping[Key, Decimal]
    cashflows: Mapping[Key, Decimal]
    unpriced: frozenset[UnitSubject]
    first_run_units: frozenset[UnitSubject]
    first_run_stacks: frozenset[Subject]


NO_SUMS: Final = StackSums({}, {}, frozenset(), frozenset(), frozenset())


def stack_sums(rows: pa.Table, settlement_date: date, *, final_after: timedelta = FIRST_RUN_ENDS) -> StackSums:
    """Return what the rows of a date's stacks come to.

    Args:
        rows: Accepted stack rows; at least period, side, bm_unit, acceptance_id, pair_id, volume, original_price,
            transmission_loss_multiplier and created_at, as in `STACK_SCHEMA`.
        settlement_date: The calendar says when its periods begin.
        final_after: From a period's start: what was calculated earlier is of the first run.

    Raises:
        decimal.Inexact: a product or a sum does not fit 160 digits.
    """
    late = _first_run(rows, settlement_date, final_after)
    named = rows.filter(pc.and_(pc.is_valid(rows["bm_unit"]), pc.is_valid(rows["acceptance_id"])))
    subjects = list(zip(*_lists(named, "period", "side", "bm_unit"), strict=True))
    (texts,) = _lists(named, "volume")
    volumes = list(map(Decimal, texts))
    pairs = named["pair_id"].to_pylist()
    with exactly(EXACT_CASHFLOW):
        cashflows, unpriced = _cashflows(named, subjects, pairs, volumes)
        return StackSums(
            volumes=_volumes(named, subjects, pairs, volumes),
            cashflows=cashflows,
            unpriced=unpriced,
            first_run_units=frozenset(zip(*_lists(late, "period", "side", "bm_unit"), strict=True)),
            first_run_stacks=frozenset(zip(*_lists(late, "period", "side"), strict=True)),
        )


def _first_run(rows: pa.Table, settlement_date: date, final_after: timedelta) -> pa.Table:
    """Return the rows that were calculated before their period's final run, or that do not say when."""
    finals = pa.array([period.start + final_after for period in settlement_periods(settlement_date)])
    places = pc.subtract(rows["period"].cast(pa.int32()), 1)
    is_final = pc.greater_equal(rows["created_at"], finals.cast(rows["created_at"].type).take(places))
    # A filter drops what is null, and what does not say when it was calculated is not final: so both are asked for.
    return rows.filter(pc.or_kleene(pc.invert(is_final), pc.is_null(is_final)))


def _volumes(
    rows: pa.Table, subjects: list[UnitSubject], pairs: list[int | None], volumes: list[Decimal]
) -> dict[Key, Decimal]:
    sums: dict[Key, Decimal] = {}
    for subject, acceptance, pair, volume in zip(
        subjects, rows["acceptance_id"].to_pylist(), pairs, volumes, strict=True
    ):
        key = (*subject, acceptance, pair)
        sums[key] = sums.get(key, ZERO) + volume
    return sums


def _cashflows(
    rows: pa.Table, subjects: list[UnitSubject], pairs: list[int | None], volumes: list[Decimal]
) -> tuple[dict[Key, Decimal], frozenset[UnitSubject]]:
    sums: dict[Key, Decimal] = {}
    unpriced: set[UnitSubject] = set()
    figures = _lists(rows, "original_price", "transmission_loss_multiplier")
    for subject, pair, volume, price, multiplier in zip(subjects, pairs, volumes, *figures, strict=True):
        if price is None or multiplier is None:
            unpriced.add(subject)
            continue
        key = (*subject, None, pair)
        sums[key] = sums.get(key, ZERO) + volume * Decimal(price) * Decimal(multiplier)
    return sums, frozenset(unpriced)


def _lists(rows: pa.Table, *names: str) -> list[list[Any]]:
    return [rows[name].to_pylist() for name in names]
