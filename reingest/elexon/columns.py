"""Columns of wire text to typed Arrow columns, each distinct text read once.

A date has 14,000 rows of 23 fields, and most texts repeat. So each column is taken apart into its distinct texts,
these are read, and the result is put together again; volumes and prices, which repeat less, are first screened
all at once by one regular expression.
"""

from collections.abc import Callable, Mapping

import pyarrow as pa
import pyarrow.compute as pc

from reingest.elexon.faults import Fault, FaultLog, shown, where
from reingest.elexon.fields import Column
from reingest.elexon.numbers import PLAIN_INTEGER, PLAIN_NUMBER, Unfit, decimal_text


def read_column(
    name: str, column: Column, read: Callable[[str | None], object], type_: pa.DataType, faults: FaultLog
) -> Column:
    """Return the column's values; where `read` finds a text unfit, null and a fault of the row."""
    if pa.types.is_integer(type_) and pc.all(pc.match_substring_regex(column, PLAIN_INTEGER)).as_py():
        return column.cast(type_)
    encoded = column.dictionary_encode()
    values: list[object] = []
    for index, text in enumerate(encoded.dictionary.to_pylist()):
        try:
            values.append(read(text))
        except Unfit as unfit:
            values.append(None)
            message = f"{name} {shown(text)} {unfit.why}"
            faults.add(
                where(pc.equal(encoded.indices, pa.scalar(index, encoded.indices.type))),
                Fault(unfit.code, name, message),
            )
    distinct: Column = pa.array(values, type_)
    return distinct.take(encoded.indices)


def read_decimals(columns: Mapping[str, Column], faults: FaultLog) -> dict[str, Column]:
    """Return columns of decimal texts, each checked to be a number in range; others become null with a fault."""
    distinct = pa.chunked_array(list(columns.values()), pa.string()).unique()
    plain = pc.match_substring_regex(distinct, PLAIN_NUMBER)
    odd = [text for text in distinct.filter(pc.invert(plain)).to_pylist() if not _is_good(text)]
    if not odd:
        return dict(columns)
    unusual = pa.array(odd, pa.string())
    return {
        name: read_column(name, column, decimal_text, pa.string(), faults)
        if pc.any(pc.is_in(column, unusual)).as_py()
        else column
        for name, column in columns.items()
    }


def _is_good(text: str | None) -> bool:
    """Say whether an unusual text (an exponent, a sign) is a number that can stay as it is."""
    try:
        return decimal_text(text) == text
    except Unfit:
        return False
