"""Exact decimal arithmetic: a result that would have to be rounded is an error, never a rounded number."""

from collections.abc import Iterable
from contextlib import AbstractContextManager
from decimal import ROUND_HALF_EVEN, Context, Decimal, DivisionByZero, Inexact, InvalidOperation, Overflow, localcontext
from typing import Final

from reingest.errors import BadUsage

# A stack's numbers have at most some 40 digits; 100 hold any product of two and any sum over a year.
EXACT: Final = Context(prec=100, rounding=ROUND_HALF_EVEN, traps=[Inexact, InvalidOperation, DivisionByZero, Overflow])
# A cashflow is a product of three, and three of the longest numbers that a reader takes have 144 digits.
EXACT_CASHFLOW: Final = Context(
    prec=160, rounding=ROUND_HALF_EVEN, traps=[Inexact, InvalidOperation, DivisionByZero, Overflow]
)
ZERO: Final = Decimal(0)


def exact_decimal(text: str) -> Decimal:
    """Read a decimal number, every digit of it.

    Raises:
        BadUsage: not a finite decimal number.
    """
    try:
        value = Decimal(text.strip())
    except InvalidOperation as error:
        raise BadUsage(f"{text!r} is not a number; write digits and a point, such as 62399.044") from error
    if not value.is_finite():
        raise BadUsage(f"{text!r} is not a finite number")
    return value


def exactly(context: Context = EXACT) -> AbstractContextManager[Context]:
    """Compute under 100 digits for the block; a result inside it that does not fit them raises `decimal.Inexact`."""
    return localcontext(context)


def exact_sum(values: Iterable[Decimal]) -> Decimal:
    """Return the sum with every digit; zero when there are no values.

    Raises:
        decimal.Inexact: the sum does not fit 100 digits.
    """
    with exactly():
        return sum(values, ZERO)


def plain(value: Decimal) -> str:
    """Return the number as text in its one canonical form: no exponent, no trailing zeros, no negative zero.

    Raises:
        decimal.Inexact: the number does not fit 160 digits.
    """
    return f"{EXACT_CASHFLOW.normalize(value):f}" if value else "0"
