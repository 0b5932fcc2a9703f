"""What is true of a BM unit when, rewritten."""

from datetime import date, timedelta
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from reingest.curtailment.unit_spans import (
    EVER,
    FOR_EVER,
    Spans,
    UnitFacts,
    UnitSpan,
    changed,
    corrected,
    filled,
    on_date,
    ordered,
    without,
)

BEGIN = date(2024, 1, 1)
DAYS = [EVER, *(BEGIN + timedelta(days=offset) for offset in range(6)), FOR_EVER]
LOOKED_AT = [EVER, *(BEGIN + timedelta(days=offset) for offset in range(-1, 7)), date(2100, 1, 1)]
FUELS = st.sampled_from([None, "WIND", "CCGT"])


@st.composite
def some_spans(draw: st.DrawFn) -> Spans:
    """Return the spans of a unit: each stretch between two days is known with a fuel type, or is not known."""
    return ordered(
        UnitSpan(first, last, UnitFacts(fuel_type=draw(FUELS))) for first, last in pairwise(DAYS) if draw(st.booleans())
    )


@st.composite
def a_time(draw: st.DrawFn) -> tuple[date, date]:
    """Return the first date of a time and the date after its last."""
    first, last = sorted(draw(st.lists(st.sampled_from(DAYS), min_size=2, max_size=2, unique=True)))
    return first, last


@given(some_spans(), a_time(), FUELS)
def test_a_fact_changes_within_a_time_only(spans: Spans, time: tuple[date, date], fuel: str | None) -> None:
    """Inside the time every known date says the new fact, outside of it nothing moves."""
    start, end = time
    new = changed(spans, start, end, {"fuel_type": fuel})
    assert new == ordered(new)
    for day in LOOKED_AT:
        old = on_date(spans, day)
        expected = UnitFacts(fuel_type=fuel) if old and start <= day < end else old
        assert on_date(new, day) == expected


@given(some_spans(), a_time())
def test_a_unit_is_gone_within_a_time_only(spans: Spans, time: tuple[date, date]) -> None:
    """Inside the time nothing is true of the unit, outside of it nothing moves."""
    start, end = time
    new = without(spans, start, end)
    for day in LOOKED_AT:
        assert on_date(new, day) == (None if start <= day < end else on_date(spans, day))


@given(some_spans().filter(bool), a_time(), FUELS)
def test_a_corrected_unit_is_known_throughout(spans: Spans, time: tuple[date, date], fuel: str | None) -> None:
    """A correction holds on every date of its time, also where the unit was not known before."""
    start, end = time
    new = corrected(spans, start, end, {"fuel_type": fuel})
    for day in LOOKED_AT:
        found = on_date(new, day)
        if start <= day < end:
            assert found is not None
            assert found.fuel_type == fuel
        else:
            assert found == on_date(spans, day)
    assert corrected(new, start, end, {"fuel_type": fuel}) == new


def test_a_gap_is_filled_with_what_comes_after_it() -> None:
    """Before it was known a unit was what it was first known as; after it was gone, what it was last."""
    known = (UnitSpan(DAYS[2], DAYS[3], UnitFacts("A")), UnitSpan(DAYS[4], DAYS[5], UnitFacts("B")))
    assert filled(known, EVER, FOR_EVER) == (
        UnitSpan(EVER, DAYS[3], UnitFacts("A")),
        UnitSpan(DAYS[3], FOR_EVER, UnitFacts("B")),
    )
    assert filled((), DAYS[2], FOR_EVER, UnitFacts("C")) == (UnitSpan(DAYS[2], FOR_EVER, UnitFacts("C")),)
