"""The rows of a date's stacks end to end, and the way back from a row's place among them to its payload."""

import json
from bisect import bisect_right
from collections.abc import Sequence
from itertools import accumulate, chain, repeat

import pyarrow as pa

from reingest.elexon.fields import Column
from reingest.elexon.stack import RawStack


class DateRows:
    """Several stacks of one date as one sequence of rows, still in the wire's text.

    Attributes:
        stacks: The stacks, in the order given.
        count: How many rows they have together.
    """

    def __init__(self, stacks: Sequence[RawStack]) -> None:
        """Put the stacks end to end.

        Raises:
            ValueError: they are of several dates, or one side of one period is there twice.
        """
        if len({stack.settlement_date for stack in stacks}) > 1:
            raise ValueError("the stacks are of several settlement dates")
        if len({(stack.period, stack.side) for stack in stacks}) < len(stacks):
            raise ValueError("one side of one period is there twice")
        self.stacks = stacks
        self._firsts = list(accumulate((stack.rows for stack in stacks), initial=0))
        self.count = self._firsts[-1]

    def texts(self, name: str) -> Column:
        """Return a field's text in every row, by Elexon's name."""
        return pa.array(list(chain.from_iterable(stack.columns[name] for stack in self.stacks)), pa.string())

    def extras(self) -> Column:
        """Return the JSON of each row's unknown fields."""
        return pa.array(list(chain.from_iterable(stack.extras for stack in self.stacks)), pa.string())

    def places(self) -> Column:
        """Return each row's place in its own payload, from 0."""
        return pa.array(list(chain.from_iterable(range(stack.rows) for stack in self.stacks)), pa.int32())

    def each(self, values: Sequence[object], type_: pa.DataType) -> Column:
        """Return a column that has one value for all rows of a stack."""
        pairs = zip(values, self.stacks, strict=True)
        return pa.array(list(chain.from_iterable(repeat(value, stack.rows) for value, stack in pairs)), type_)

    def first_row(self, stack_index: int) -> int:
        """Return the place of a stack's first row."""
        return self._firsts[stack_index]

    def origin(self, row: int) -> tuple[RawStack, int]:
        """Return the stack of a row and the row's place in its payload."""
        index = bisect_right(self._firsts, row) - 1
        return self.stacks[index], row - self._firsts[index]

    def wire_row(self, row: int) -> dict[str, object]:
        """Return a row as it came, by Elexon's names; unknown fields among them, absent ones as null."""
        stack, place = self.origin(row)
        unknown: dict[str, object] = json.loads(stack.extras[place] or "{}")
        return {name: column[place] for name, column in stack.columns.items()} | unknown
