"""What the rows of a whole-day witness have in common: a period, an instant of calculation, amounts by pair.

One row at fault rejects the answer: a witness is trusted whole or not at all. Figures go from the wire's text to
`Decimal`; a day has some 14,000 rows a side, so each distinct text is read once.
"""

import re
from collections.abc import Callable, Mapping
from datetime import date, datetime
from decimal import Decimal
from typing import Final, Generic, TypeVar

from reingest.calendar import settlement_periods
from reingest.elexon.faults import shown
from reingest.elexon.fields import SETTLEMENT_DATE, SETTLEMENT_PERIOD
from reingest.elexon.numbers import PLAIN_NUMBER, Unfit, decimal_or_none, trimmed
from reingest.elexon.payload import read_rows
from reingest.elexon.rejects import rejected
from reingest.elexon.values import time
from reingest.elexon.wire_rows import Group, Text

_Value = TypeVar("_Value")

START: Final = "startTime"
CREATED: Final = "createdDateTime"
UNIT: Final = "bmUnit"

PAIRS: Final[Mapping[str, int]] = {
    f"{word}{number}": sign * number for word, sign in (("negative", -1), ("positive", 1)) for number in range(1, 7)
}
"""The fields of pair volumes and pair cashflows, each with its bid-offer pair."""

_PLAIN: Final = re.compile(PLAIN_NUMBER)


class Texts(dict[Text, _Value], Generic[_Value]):
    """What the texts of one field say, each read once."""

    def __init__(self, name: str, read: Callable[[Text], _Value]) -> None:
        """Read texts of that field so; a text that is unfit rejects the answer."""
        self._name = name
        self._read = read

    def __missing__(self, text: Text) -> _Value:
        """Read a text that is new.

        Raises:
            PayloadRejected: `bad_row`.
        """
        try:
            value = self[text] = self._read(text)
        except Unfit as unfit:
            raise rejected("bad_row", f"{self._name} {shown(text)} {unfit.why}") from unfit
        return value


class WitnessRows:
    """The rows of one whole-day answer: each with its period, when it was calculated, and its amounts by pair.

    Attributes:
        columns: The texts of the fields asked for.
        periods: The settlement period of each row.
        created: When Elexon calculated each row; None where it does not say.
        amounts: What each row says of each pair; a pair of which it says nothing is left out.
    """

    def __init__(self, body: bytes, dataset: str, fields: tuple[str, ...], pairs: str, settlement_date: date) -> None:
        """Read an answer of one settlement date, in JSON or XML.

        Raises:
            PayloadRejected: a structural fault, `wrong_date`, `wrong_period`, or `bad_row` for what cannot be read.
        """
        names = (SETTLEMENT_DATE, SETTLEMENT_PERIOD, START, CREATED, *fields)
        wired = read_rows(body, names, dataset, group=pairs, keep_unknown=False)
        self.columns = wired.columns
        self.periods = _periods(wired.columns, settlement_date)
        created: Texts[datetime | None] = Texts(CREATED, time)
        self.created = [created[text] for text in wired.columns[CREATED]]
        numbers: Texts[Decimal | None] = Texts(pairs, _number)
        self.amounts = [_amounts(group, numbers) for group in wired.groups]


def _periods(columns: Mapping[str, list[Text]], settlement_date: date) -> list[int]:
    """Return each row's period; date, number and start have to say the same, and rows of a period share them."""
    known: dict[tuple[Text, Text, Text], int] = {}
    numbers: list[int] = []
    for place in zip(columns[SETTLEMENT_DATE], columns[SETTLEMENT_PERIOD], columns[START], strict=True):
        number = known.get(place)
        if number is None:
            number = known[place] = _period(*place, settlement_date)
        numbers.append(number)
    return numbers


def _period(day: Text, number: Text, start: Text, settlement_date: date) -> int:
    if trimmed(day) != settlement_date.isoformat():
        raise rejected("wrong_date", f"a row is of {shown(day)}, not of {settlement_date}")
    periods = {str(period.number): period for period in settlement_periods(settlement_date)}
    period = periods.get(trimmed(number) or "")
    if period is None:
        raise rejected("wrong_period", f"a row is of period {shown(number)}")
    if Texts(START, time)[start] != period.start:
        raise rejected("bad_row", f"period {period.number} begins {shown(start)}, not {period.start.isoformat()}")
    return period.number


def _number(text: Text) -> Decimal | None:
    return Decimal(text) if text is not None and _PLAIN.match(text) else decimal_or_none(text)


def _amounts(group: Group, numbers: Texts[Decimal | None]) -> dict[int, Decimal]:
    amounts: dict[int, Decimal] = {}
    for name, text in group.items():
        pair = PAIRS.get(name) or PAIRS.get(name.lower())
        if pair is None:
            raise rejected("unknown_shape", f"there is no bid-offer pair {shown(name)}")
        number = numbers[text]
        if number is not None:
            amounts[pair] = number
    return amounts
