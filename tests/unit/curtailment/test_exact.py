from decimal import Decimal, Inexact, localcontext
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reingest.curtailment.exact import exact_sum, exactly, plain

numbers = st.decimals(allow_nan=False, allow_infinity=False, min_value=Decimal("-1E30"), max_value=Decimal("1E30"))


@given(st.lists(st.decimals(min_value=-(10**9), max_value=10**9, places=25)))
def test_sums_keep_every_digit(values: list[Decimal]) -> None:
    """A sum equals the sum of the same numbers as fractions, however many digits it takes."""
    assert Fraction(exact_sum(values)) == sum(map(Fraction, values))


def test_a_result_that_would_be_rounded_is_an_error() -> None:
    """A number that does not fit 100 digits stops the computation."""
    with pytest.raises(Inexact):
        exact_sum([Decimal("1E+100"), Decimal("1E-1")])
    with exactly(), pytest.raises(Inexact):
        Decimal(1) / 3


def test_the_callers_precision_does_not_matter() -> None:
    """A caller that computes with few digits does not lose any of these."""
    with localcontext() as context:
        context.prec = 3
        assert exact_sum([Decimal(123456789), Decimal("0.987654321")]) == Decimal("123456789.987654321")


@pytest.mark.parametrize(
    ("number", "text"),
    [
        ("0", "0"),
        ("-0", "0"),
        ("0E-18", "0"),
        ("-0.000", "0"),
        ("1.500", "1.5"),
        ("1200", "1200"),
        ("1.2E+3", "1200"),
        ("-1E-7", "-0.0000001"),
        ("-179.759999999999990905", "-179.759999999999990905"),
        ("0.99265519999999995981", "0.99265519999999995981"),
    ],
)
def test_the_canonical_text(number: str, text: str) -> None:
    """A number has one text: no exponent, no trailing zeros, no negative zero, every digit."""
    assert plain(Decimal(number)) == text


@given(numbers, numbers)
def test_equal_numbers_have_equal_text(first: Decimal, second: Decimal) -> None:
    """Two numbers have the same text exactly where they are equal, and the text reads back as the number."""
    try:
        texts = plain(first), plain(second)
    except Inexact:
        return
    assert (texts[0] == texts[1]) == (first == second)
    assert Decimal(texts[0]) == first
    assert "E" not in texts[0]
