"""What a range came to: its parts, kept without loss, and its exit code."""

import json
from datetime import date
from typing import Literal
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from reingest.errors import Interrupted
from reingest.operations.ranges.report import Change, DateEnd, EndError, RangeReport
from reingest.operations.ranges.report_text import range_lines
from reingest.spans import listed_dates
from reingest.store.runs import EXIT_CODES

RANGE = UUID(int=1)
decimals = st.none() | st.decimals(allow_nan=False, allow_infinity=False, places=18)
changes = st.builds(
    Change, st.sampled_from(["energy_mwh", "btc:S9"]), st.sampled_from(["so_flagged", "net"]), decimals, decimals
)
errors = st.builds(EndError, st.text(), st.text(), st.text())
ends = st.builds(
    DateEnd,
    st.dates(),
    st.sampled_from(sorted(EXIT_CODES)),
    st.integers(0, 130),
    st.none() | st.uuids(),
    st.none() | st.integers(1, 99),
    st.none() | errors,
    st.lists(changes).map(tuple),
    st.integers(0, 1000),
    st.integers(0, 10**6).map(lambda milliseconds: milliseconds / 1000),
    st.sampled_from([None, "publish", "hold", "unchanged"]),
)


@given(ends)
def test_an_end_survives_json(end: DateEnd) -> None:
    """However a date ended, its JSON tells every figure of it, exact."""
    assert DateEnd.from_dict(json.loads(json.dumps(end.as_dict()))) == end


@given(st.lists(ends), st.booleans())
def test_the_gravest_date_gives_the_exit_code(some: list[DateEnd], interrupted: bool) -> None:
    """A range ends with the largest exit code of its dates, or with that of what interrupted it."""
    error = Interrupted() if interrupted else None
    state: Literal["done", "interrupted"] = "interrupted" if interrupted else "done"
    report = RangeReport(RANGE, "range", state, plan=False, ends=tuple(some), error=error)
    codes = [0, *(end.exit_code for end in some if end.exit_code is not None), *([130] if interrupted else [])]
    assert report.exit_code == max(codes)
    assert sum(report.counts.values()) == len(some)


def test_every_date_that_is_not_well_is_named() -> None:
    """The lines name each date that leaves something to do with its code and next command, and no other."""
    published = DateEnd(date(2024, 1, 1), "published", 0)
    held = DateEnd(date(2024, 1, 2), "held", 1, None, 2, EndError("held", "it is off", "reingest publish D"))
    pending = DateEnd(date(2024, 1, 3))
    report = RangeReport(RANGE, "range", "interrupted", plan=False, ends=(published, held, pending))
    text = "\n".join(range_lines(report))
    assert "2024-01-02  held  held: it is off\n              Next: reingest publish D" in text
    assert "2024-01-01" not in text
    assert text.endswith(f"1 of 3 dates are left; they are run by\n  Next: reingest range resume {RANGE}")


@given(st.lists(st.dates(date(2020, 1, 1), date(2030, 1, 1)), max_size=5))
def test_a_list_of_dates_is_those_dates(days: list[date]) -> None:
    """Dates between commas are read as they are written, a month as all of its days."""
    assert listed_dates(",".join(map(str, days))) == frozenset(days)
    assert listed_dates("2024-02") == listed_dates("2024-02-01..2024-02-29") == listed_dates("2024-02..2024-02-29")
