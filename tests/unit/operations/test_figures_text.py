from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reingest.calendar import parse_period_range
from reingest.operations.figures_text import (
    bitcoin,
    counted,
    energy,
    money,
    period_ranges,
    signed_energy,
    signed_money,
)
from tests.support.curtailment import REAL_DATE


@pytest.mark.parametrize(
    ("value", "shown", "signed"),
    [
        ("1234567.885", "£1,234,567.88", "+£1,234,567.88"),
        ("-1234.5", "-£1,234.50", "-£1,234.50"),
        ("0", "£0.00", "+£0.00"),
        ("-0.004", "£0.00", "+£0.00"),
    ],
)
def test_money(value: str, shown: str, signed: str) -> None:
    """Money has two places, half to even, its sign before the pound, and no negative zero."""
    assert (money(Decimal(value)), signed_money(Decimal(value))) == (shown, signed)


def test_energy_and_bitcoin() -> None:
    """Energy has three places and bitcoin eight, however many digits the number has."""
    assert energy(Decimal("24089.2418283333333452002")) == "24,089.242"
    assert signed_energy(Decimal("-0.0004")) == "+0.000"
    assert signed_energy(Decimal("-12.5")) == "-12.500"
    assert bitcoin(Decimal("0.123456785")) == "0.12345678"


def test_counted() -> None:
    """One thing has no plural, any other number has."""
    assert [counted(number, "period") for number in (0, 1, 1000)] == ["0 periods", "1 period", "1,000 periods"]


@given(st.sets(st.integers(1, 48), min_size=1))
def test_period_ranges_are_what_a_person_may_write(periods: set[int]) -> None:
    """The text of some periods, given as a period list, names the same periods."""
    assert parse_period_range(period_ranges(periods), REAL_DATE) == tuple(sorted(periods))
