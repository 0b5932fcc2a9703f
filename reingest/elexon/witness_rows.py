"""What the rows of a whole-day witness have in common: a period, an instant of calculation, amounts by pair.

One row at fault rejects the answer: a witness is trusted whole or not at all. Figures go from the wire's text to
`Decimal`; a day has some 14,000 rows a side, so each distinct text is read once.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import date
from decimal import Decimal
from itertools import repeat
from typing import Final, Generic, TypeVar

from reingest.calendar import settlement_periods
from reingest.curtailment.statements import Statement
from reingest.elexon.faults import shown
from reingest.elexon.fields import SETTLEMENT_DATE, SETTLEMENT_PERIOD
from reingest.elexon.numbers import PLAIN_NUMBER, Unfit, decimal_or_none, trimmed
from reingest.elexon.payload import read_rows
from reingest.elexon.rejects import rejected
from reingest.elexon.values import integer, time, unit_id
from reingest.elexon.wire_rows import Group, Text

_Value = TypeVar("_Value")

_START: Final = "startTime"
_CREATED: Final = "createdDateTime"
_UNIT: Final = "bmUnit"

_PAIRS: Final[Mapping[str, int]] = {
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


def read_statements(
    body: bytes, dataset: str, pairs: str, settlement_date: date, *, acceptance: str | None = None
) -> tuple[Statement, ...]:
    """Read an answer of one settlement date, in JSON or XML.

    Args:
        body: The answer, decompressed.
        dataset: What it must be of.
        pairs: The field that holds the amounts by pair.
        settlement_date: What every row must be of.
        acceptance: The field that names the acceptance, where the dataset has one.

    Raises:
        PayloadRejected: a structural fault, `wrong_date`, `wrong_period`, or `bad_row` for what cannot be read.
    """
    names = [SETTLEMENT_DATE, SETTLEMENT_PERIOD, _START, _CREATED, _UNIT, *([acceptance] if acceptance else [])]
    wired = read_rows(body, names, dataset, group=pairs, keep_unknown=False)
    columns = wired.columns
    return tuple(
        map(
            Statement,
            _periods(columns, settlement_date),
            _each(_UNIT, unit_id, columns),
            _acceptances(acceptance, columns) if acceptance else repeat(None),
            _each(_CREATED, time, columns),
            _amounts(wired.groups, Texts(pairs, _number)),
        )
    )


def _each(name: str, read: Callable[[Text], _Value], columns: Mapping[str, list[Text]]) -> Iterator[_Value]:
    return map(Texts(name, read).__getitem__, columns[name])


def _acceptances(name: str, columns: Mapping[str, list[Text]]) -> Iterator[int]:
    for acceptance in _each(name, integer(64), columns):
        if acceptance is None:
            raise rejected("bad_row", f"a row has no {name}")
        yield acceptance


def _periods(columns: Mapping[str, list[Text]], settlement_date: date) -> list[int]:
    """Return each row's period; date, number and start have to say the same, and rows of a period share them."""
    known: dict[tuple[Text, Text, Text], int] = {}
    numbers: list[int] = []
    for place in zip(columns[SETTLEMENT_DATE], columns[SETTLEMENT_PERIOD], columns[_START], strict=True):
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
    if Texts(_START, time)[start] != period.start:
        raise rejected("bad_row", f"period {period.number} begins {shown(start)}, not {period.start.isoformat()}")
    return period.number


def _number(text: Text) -> Decimal | None:
    return Decimal(text) if text is not None and _PLAIN.match(text) else decimal_or_none(text)


def _amounts(groups: Iterable[Group], numbers: Texts[Decimal | None]) -> Iterator[dict[int, Decimal]]:
    for group in groups:
        amounts: dict[int, Decimal] = {}
        for name, text in group.items():
            pair, number = _pair(name), numbers[text]
            if pair in amounts:
                raise rejected("duplicate_field", f"a row states pair {pair} more than once")
            if number is not None:
                amounts[pair] = number
        yield amounts


def _pair(name: str) -> int:
    pair = _PAIRS.get(name) or _PAIRS.get(name.lower())
    if pair is None:
        raise rejected("unknown_shape", f"there is no bid-offer pair {shown(name)}")
    return pair
