"""The stacks of one date as one typed table, and the rows that cannot be in it.

Every row of every stack ends either in the table or among the rejects, never in both and never in neither.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import pyarrow as pa

from reingest.curtailment.words import Side
from reingest.elexon.columns import read_column, read_decimals
from reingest.elexon.date_rows import DateRows
from reingest.elexon.faults import Fault, FaultLog
from reingest.elexon.fields import STACK_FIELDS, STACK_SCHEMA, Column, StackField
from reingest.elexon.numbers import trimmed
from reingest.elexon.row_checks import check_identities, check_mandatory, check_signs, check_start
from reingest.elexon.stack import RawStack
from reingest.elexon.values import READERS
from reingest.elexon.wire_rows import to_json

__all__ = ["STACK_SCHEMA", "Reject", "StackTable", "stack_table"]


@dataclass(frozen=True, slots=True)
class Reject:
    """One row of a payload that is not in the table, and why.

    Attributes:
        period: The settlement period of its payload.
        side: The side of its payload.
        row: Its place in the payload, from 0.
        code: A row code of `reingest.elexon.rejects`.
        column: Elexon's name of the field at fault, None where the fault is of the whole row.
        message: One sentence with the value at fault.
        bm_unit: The BM unit that it concerns, without white space around it; None where it names none.
        raw: JSON of the row as it came on the wire, by Elexon's names; unknown fields among them.
    """

    period: int
    side: Side
    row: int
    code: str
    column: str | None
    message: str
    bm_unit: str | None
    raw: str


@dataclass(frozen=True, slots=True)
class StackTable:
    """The rows of some stacks of one date.

    Attributes:
        rows: Accepted rows in the order of the stacks and of their payloads; schema `STACK_SCHEMA`.
        rejects: The others, in the same order.
    """

    rows: pa.Table
    rejects: tuple[Reject, ...]


def stack_table(stacks: Sequence[RawStack]) -> StackTable:
    """Return the rows of some stacks of one settlement date, typed and validated.

    Raises:
        ValueError: the stacks are of several dates, one side of a period is there twice, or a period is not one
            of the date's: faults of the caller, not of the data.
    """
    rows = DateRows(stacks)
    faults = FaultLog()
    typed = _typed(rows, faults)
    check_mandatory(rows, typed, faults)
    check_start(rows, typed["start_time"], faults)
    check_signs(rows, typed["volume"], faults)
    check_identities(rows, faults)
    table = _table(rows, typed)
    if not faults.by_row:
        return StackTable(table, ())
    rejects = tuple(_reject(rows, row, faults.by_row[row]) for row in sorted(faults.by_row))
    return StackTable(table.filter(faults.accepted(rows.count)), rejects)


def _typed(rows: DateRows, faults: FaultLog) -> dict[str, Column]:
    """Every field's column by our name; null where the text is unfit, which is then noted."""
    texts = {field.wire: rows.texts(field.wire) for field in STACK_FIELDS}
    decimals = read_decimals({field.wire: texts[field.wire] for field in STACK_FIELDS if _is_decimal(field)}, faults)
    return {
        field.column: decimals[field.wire]
        if _is_decimal(field)
        else read_column(field.wire, texts[field.wire], READERS[field.type], field.type, faults)
        for field in STACK_FIELDS
    }


def _is_decimal(field: StackField) -> bool:
    return field.kind == "decimal"


def _table(rows: DateRows, typed: dict[str, Column]) -> pa.Table:
    stacks = rows.stacks
    columns = typed | {
        "period": rows.each([stack.period for stack in stacks], pa.int16()),
        "side": rows.each([stack.side for stack in stacks], pa.string()),
        "row": rows.places(),
        "extra": rows.extras(),
    }
    return pa.Table.from_arrays([columns[name] for name in STACK_SCHEMA.names], schema=STACK_SCHEMA)


def _reject(rows: DateRows, row: int, fault: Fault) -> Reject:
    stack, place = rows.origin(row)
    return Reject(
        period=stack.period,
        side=stack.side,
        row=place,
        code=fault.code,
        column=fault.field,
        message=fault.message,
        bm_unit=trimmed(stack.columns["id"][place]),
        raw=to_json(rows.wire_row(row)),
    )
