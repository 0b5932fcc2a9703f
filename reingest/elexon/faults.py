"""What is wrong with rows while a table is made: the first fault of each row decides its reject."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

import pyarrow as pa
import pyarrow.compute as pc

from reingest.elexon.rejects import RowCode

_SHOWN: Final = 60


@dataclass(frozen=True, slots=True)
class Fault:
    """Why one row is rejected.

    Attributes:
        code: The stable reject code.
        field: Elexon's name of the field at fault, None where the fault is of the whole row.
        message: One sentence with the value at fault.
    """

    code: RowCode
    field: str | None
    message: str


class FaultLog:
    """The first fault of each row of a table, by the row's place."""

    def __init__(self) -> None:
        """Begin with every row faultless."""
        self.by_row: dict[int, Fault] = {}

    def add(self, rows: Iterable[int], fault: Fault) -> None:
        """Note the fault at each of those rows that has none yet."""
        for row in rows:
            self.by_row.setdefault(row, fault)

    def accepted(self, count: int) -> pa.BooleanArray:
        """Return a mask of the faultless ones among `count` rows."""
        return pa.array([row not in self.by_row for row in range(count)], pa.bool_())


def where(mask: pa.BooleanArray) -> list[int]:
    """Return the places at which the mask is true; null counts as false."""
    return [place for place in pc.indices_nonzero(mask).to_pylist() if place is not None]


def shown(text: str | None) -> str:
    """Return a value as a message shows it: quoted, and cut where it is long."""
    return repr(text if text is None or len(text) <= _SHOWN else f"{text[:_SHOWN]}…")
