"""Decimal texts: which are numbers, and which stay inside what every later step can hold.

A value has fewer than 17 digits before the point and at most 32 after it. Then the sum of ten thousand products
of two fits in 100 digits, under which such sums are made exactly; and the smallest residue that doubles leave
(17 digits times 10^-16) is inside.
"""

import re
from decimal import Decimal
from typing import Final

from reingest.elexon.rejects import RowCode
from reingest.elexon.wire_rows import NULLS

WHOLE_DIGITS: Final = 16
DECIMALS: Final = 32
XML_SPACE: Final = " \t\r\n"

PLAIN_NUMBER: Final = rf"^-?[0-9]{{1,{WHOLE_DIGITS}}}(\.[0-9]{{1,{DECIMALS}}})?$"
"""Nearly every value. What does not match is looked at one by one."""

PLAIN_INTEGER: Final = r"^(0|-?[1-9][0-9]{0,8})$"
"""Nearly every integer: it fits 32 bits and more, and is written as integers are."""

# ASCII digits only: Python's Decimal would also take Arabic-Indic digits, underscores and "Infinity".
_NUMBER: Final = re.compile(r"[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][+-]?(?P<exponent>[0-9]+))?")
_LONGEST: Final = 128
_EXPONENT_DIGITS: Final = 3


class Unfit(Exception):
    """A value that its column cannot take, with the reject code that says why."""

    def __init__(self, code: RowCode, why: str) -> None:
        """Keep the code beside the reason, which completes "volume 'x' …"."""
        self.code = code
        self.why = why
        super().__init__(why)


def trimmed(text: str | None) -> str | None:
    """Return the text without white space at its ends, None where nothing is left.

    XML may be indented, and white space is no part of a number, flag or time.
    """
    stripped = text.strip(XML_SPACE) if text is not None else ""
    return None if stripped in NULLS else stripped


def decimal_text(text: str | None) -> str | None:
    """Return the text of a number as it came, without white space around it.

    Raises:
        Unfit: `bad_number` or `out_of_range`. Absurd exponents are refused before anything expands them.
    """
    number = trimmed(text)
    if number is None:
        return None
    match = _NUMBER.fullmatch(number)
    if match is None:
        raise Unfit("bad_number", "is not a number")
    if len(number) > _LONGEST or len(match["exponent"] or "") > _EXPONENT_DIGITS:
        raise Unfit("out_of_range", "is beyond any real amount")
    value = Decimal(number)
    if value.adjusted() >= WHOLE_DIGITS:
        raise Unfit("out_of_range", f"is 10^{WHOLE_DIGITS} or more")
    if -int(value.as_tuple().exponent) > DECIMALS:
        raise Unfit("out_of_range", f"has more than {DECIMALS} decimals")
    return number


def decimal_or_none(text: str | None) -> Decimal | None:
    """Return the exact value of a text that `decimal_text` accepts.

    Raises:
        Unfit: as `decimal_text`.
    """
    number = decimal_text(text)
    return None if number is None else Decimal(number)
