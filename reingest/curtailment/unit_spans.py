"""What is true of a BM unit on which settlement dates: spans that do not overlap, and how they are rewritten. Pure.

A span's end is exclusive. `EVER` stands for a span without a beginning, `FOR_EVER` for one without an end.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from itertools import pairwise
from typing import Any, Final

EVER: Final = date.min
FOR_EVER: Final = date.max


@dataclass(frozen=True, slots=True)
class UnitFacts:
    """The facts of a BM unit whose changes are tracked; capacities in MW, what Elexon leaves null is None."""

    name: str | None = None
    fuel_type: str | None = None
    lead_party_name: str | None = None
    lead_party_id: str | None = None
    generation_capacity: Decimal | None = None
    demand_capacity: Decimal | None = None
    gsp_group_id: str | None = None
    gsp_group_name: str | None = None


@dataclass(frozen=True, slots=True)
class UnitSpan:
    """Facts that are true of a unit from `valid_from` until before `valid_to`."""

    valid_from: date
    valid_to: date
    facts: UnitFacts


Spans = tuple[UnitSpan, ...]
"""Ordered, without overlap; where two meet their facts differ."""


def ordered(spans: Iterable[UnitSpan]) -> Spans:
    """Return spans that do not overlap in order, those that meet and say the same as one."""
    found: list[UnitSpan] = []
    for span in sorted(spans, key=lambda one: one.valid_from):
        if found and found[-1].valid_to == span.valid_from and found[-1].facts == span.facts:
            found[-1] = replace(found[-1], valid_to=span.valid_to)
        else:
            found.append(span)
    return tuple(found)


def changed(spans: Spans, start: date, end: date, changes: Mapping[str, Any]) -> Spans:
    """Return the spans with some facts other within a time; where nothing was true of the unit, nothing is then."""
    pieces: list[UnitSpan] = []
    for span in spans:
        first, last = max(span.valid_from, start), min(span.valid_to, end)
        if first >= last:
            pieces.append(span)
            continue
        pieces += [*_outside(span, first, last), UnitSpan(first, last, replace(span.facts, **changes))]
    return ordered(pieces)


def corrected(spans: Spans, start: date, end: date, changes: Mapping[str, Any]) -> Spans:
    """Return the spans with some facts other within a time, in which the unit is known from now on.

    Where it was not known, its other facts are those of the span after the gap, else of the one before it.
    """
    return changed(filled(changed(spans, start, end, changes), start, end), start, end, changes)


def without(spans: Spans, start: date, end: date) -> Spans:
    """Return the spans with nothing true of the unit within a time."""
    pieces: list[UnitSpan] = []
    for span in spans:
        first, last = max(span.valid_from, start), min(span.valid_to, end)
        pieces += [span] if first >= last else _outside(span, first, last)
    return ordered(pieces)


def filled(spans: Spans, start: date, end: date, facts: UnitFacts | None = None) -> Spans:
    """Return the spans without a gap within a time.

    Args:
        spans: the unit's; at least one, where no facts are given.
        start: the first date of the time.
        end: the date after its last.
        facts: what is true in the gaps; None for that of the span after the gap, else of the one before it.
    """
    edges = sorted({start, end, *(edge for span in spans for edge in (span.valid_from, span.valid_to))})
    gaps = [
        UnitSpan(first, last, facts or _nearest(spans, first))
        for first, last in pairwise(edges)
        if start <= first and last <= end and on_date(spans, first) is None
    ]
    return ordered([*spans, *gaps])


def on_date(spans: Iterable[UnitSpan], settlement_date: date) -> UnitFacts | None:
    """Return what is true of the unit on a date; None where it is not known to exist."""
    return next((span.facts for span in spans if span.valid_from <= settlement_date < span.valid_to), None)


def _outside(span: UnitSpan, first: date, last: date) -> Iterable[UnitSpan]:
    if span.valid_from < first:
        yield replace(span, valid_to=first)
    if last < span.valid_to:
        yield replace(span, valid_from=last)


def _nearest(spans: Sequence[UnitSpan], gap: date) -> UnitFacts:
    later = [span for span in spans if span.valid_from > gap]
    return later[0].facts if later else spans[-1].facts
