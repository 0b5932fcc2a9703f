"""What a row must be beyond its values being readable: whole, of its period, of its side, and only once there."""

from collections import Counter
from decimal import Decimal
from typing import Final

import pyarrow as pa
import pyarrow.compute as pc

from reingest.calendar import settlement_periods
from reingest.elexon.columns import read_column
from reingest.elexon.date_rows import DateRows
from reingest.elexon.faults import Fault, FaultLog, shown, where
from reingest.elexon.fields import SETTLEMENT_DATE, SETTLEMENT_PERIOD, STACK_FIELDS, Column
from reingest.elexon.numbers import trimmed
from reingest.elexon.stack import RawStack

_SEQUENCE: Final = "sequenceNumber"
_IDENTITY: Final = ("id", "acceptanceId", "bidOfferPairId", _SEQUENCE)


def check_mandatory(rows: DateRows, typed: dict[str, Column], faults: FaultLog) -> None:
    """Note `missing_field` where a field that every row must have is null or absent.

    `settlementDate` and `settlementPeriod` are no columns of the table, since the payload as a whole was checked
    to be of one period, but a row without them does not say that it is.
    """
    columns = {field.wire: typed[field.column] for field in STACK_FIELDS if field.mandatory}
    for name in (SETTLEMENT_DATE, SETTLEMENT_PERIOD):
        # What a payload says here was compared with what was asked. Nearly always each row says it, and says it the
        # same way: then there is nothing to look at row by row.
        if not all(_always_said(stack.columns[name]) for stack in rows.stacks):
            columns[name] = read_column(name, rows.texts(name), trimmed, pa.string(), faults)
    for name, column in columns.items():
        if column.null_count:
            fault = Fault("missing_field", name, f"{name} is missing, and every row must have one")
            faults.add(where(column.is_null()), fault)


def _always_said(texts: list[str | None]) -> bool:
    """Tell whether all rows have one and the same text, and it is not white space."""
    distinct = set(texts)
    return len(distinct) <= 1 and all(trimmed(text) for text in distinct)


def check_start(rows: DateRows, start_time: Column, faults: FaultLog) -> None:
    """Note `wrong_start_time` where startTime is not the period's start by the calendar.

    Raises:
        ValueError: a stack is of a period that the date does not have.
    """
    expected = rows.each([_start_of(stack) for stack in rows.stacks], start_time.type)
    for row in where(pc.not_equal(start_time, expected)):
        message = f"startTime is {start_time[row]}, and the period begins {expected[row]}"
        faults.add([row], Fault("wrong_start_time", "startTime", message))


def _start_of(stack: RawStack) -> object:
    periods = settlement_periods(stack.settlement_date)
    if not 1 <= stack.period <= len(periods):
        raise ValueError(f"{stack.settlement_date} has no period {stack.period}")
    return periods[stack.period - 1].start


def check_signs(rows: DateRows, volume: Column, faults: FaultLog) -> None:
    """Note `wrong_sign` for a bid above zero and an offer below (BSC T3.7.1); zero is fine on both sides."""
    is_offer = rows.each([stack.side == "offer" for stack in rows.stacks], pa.bool_())
    suspects = pc.equal(pc.starts_with(volume, pattern="-"), is_offer)
    for row in where(suspects):
        text = volume[row].as_py()
        if Decimal(text) != 0:
            side = rows.origin(row)[0].side
            faults.add([row], Fault("wrong_sign", "volume", f"volume {shown(text)} has the wrong sign for a {side}"))


def check_identities(rows: DateRows, faults: FaultLog) -> None:
    """Note `duplicate_identity` at each of several rows of one identity; nulls are equal to each other.

    All rows count, also those with another fault: its twin is no more to be trusted than itself.
    """
    for index, stack in enumerate(rows.stacks):
        sequence = [trimmed(text) for text in stack.columns[_SEQUENCE]]
        if len(set(sequence)) < stack.rows:
            _check_stack(stack, rows.first_row(index), faults)


def _check_stack(stack: RawStack, first_row: int, faults: FaultLog) -> None:
    columns = ([trimmed(text) for text in stack.columns[name]] for name in _IDENTITY)
    identities = list(zip(*columns, strict=True))
    times = Counter(identities)
    for place, identity in enumerate(identities):
        if times[identity] > 1:
            named = ", ".join(f"{name} {value}" for name, value in zip(_IDENTITY, identity, strict=True))
            message = f"{times[identity]} rows of this period and side have {named}"
            faults.add([first_row + place], Fault("duplicate_identity", None, message))
