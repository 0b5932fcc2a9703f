"""One stack as it came: the rows of one side of one settlement period, every value still the wire's text."""

from dataclasses import dataclass
from datetime import date

from reingest.curtailment.words import Side
from reingest.elexon.fields import SETTLEMENT_DATE, SETTLEMENT_PERIOD, WIRE_NAMES
from reingest.elexon.numbers import trimmed
from reingest.elexon.payload import read_rows
from reingest.elexon.rejects import StructuralCode, concerning, rejected
from reingest.elexon.requests import Wire


@dataclass(frozen=True, slots=True)
class RawStack:
    """The rows of one ISPSTACK answer.

    Attributes:
        settlement_date: The date asked, which every row confirms.
        period: The settlement period asked, which every row confirms.
        side: The side asked; rows do not repeat it.
        asked: The format asked for.
        wire: The format that came; another than `asked` is worth saying.
        rows: How many rows; 0 is a valid answer, whose meaning DISEBSP decides.
        columns: Text of each row exactly as on the wire, by Elexon's name; None for null or absent.
        extras: For each row the JSON of fields never seen before, None where it has none.
        unknown_fields: Their names.
    """

    settlement_date: date
    period: int
    side: Side
    asked: Wire
    wire: Wire
    rows: int
    columns: dict[str, list[str | None]]
    extras: list[str | None]
    unknown_fields: frozenset[str]


def read_stack(body: bytes, *, asked: Wire, settlement_date: date, period: int, side: Side) -> RawStack:
    """Read one ISPSTACK answer, in any of the shapes that `wire_xml` and `wire_json` know.

    Raises:
        PayloadRejected: a structural fault; its `reject_code` says which (`reingest.elexon.rejects`).
    """
    with concerning(settlement_date, period):
        wired = read_rows(body, WIRE_NAMES, "ISPSTACK")
        _require(wired.columns[SETTLEMENT_DATE], settlement_date.isoformat(), "wrong_date")
        _require(wired.columns[SETTLEMENT_PERIOD], str(period), "wrong_period")
    return RawStack(
        settlement_date=settlement_date,
        period=period,
        side=side,
        asked=asked,
        wire=wired.wire,
        rows=wired.rows,
        columns=wired.columns,
        extras=wired.extras,
        unknown_fields=wired.unknown_fields,
    )


def _require(column: list[str | None], expected: str, code: StructuralCode) -> None:
    """Refuse any other value; an absent one is a fault of its row alone, found with the others."""
    others = {text for value in set(column) if (text := trimmed(value)) not in {None, expected}}
    if others:
        raise rejected(code, f"asked for {expected}, and rows have {', '.join(sorted(map(repr, others)))[:80]}")
