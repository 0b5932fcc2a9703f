"""Recorded days: CSV files of stack rows, served as they stand.

The columns are those of `REQUIRED`; any other ISPSTACK number or flag may follow (`OPTIONAL`), and is null where the
file has no such column. An empty id, acceptance, pair, flag or price is null. A file may hold several dates. A period
without rows of a date that the file holds is a published, empty period.
"""

import csv
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any, Final, TextIO

from reingest.calendar import SettlementPeriod, period_count, settlement_periods
from reingest.curtailment.words import SIDES, Side
from reingest.errors import BadUsage
from reingest.standin.model import PeriodStack, StackRow, number_text

FINAL_RUN: Final = timedelta(hours=24, minutes=14)
"""From a period's end to the createdDateTime of its re-run, which is the final one: API.md §3, 95 of 96 recorded."""

REQUIRED: Final = (
    "settlementDate",
    "settlementPeriod",
    "side",
    "sequenceNumber",
    "id",
    "acceptanceId",
    "bidOfferPairId",
    "soFlag",
    "originalPrice",
    "volume",
)
_FLAGS: Final = {"cadlFlag": "cadl_flag", "soFlag": "so_flag", "storProviderFlag": "stor_flag"}
_NUMBERS: Final = {
    "reserveScarcityPrice": "reserve_scarcity_price",
    "originalPrice": "original_price",
    "dmatAdjustedVolume": "dmat_adjusted_volume",
    "arbitrageAdjustedVolume": "arbitrage_adjusted_volume",
    "nivAdjustedVolume": "niv_adjusted_volume",
    "parAdjustedVolume": "par_adjusted_volume",
    "finalPrice": "final_price",
    "transmissionLossMultiplier": "transmission_loss_multiplier",
    "tlmAdjustedVolume": "tlm_adjusted_volume",
    "tlmAdjustedCost": "tlm_adjusted_cost",
}
OPTIONAL: Final = tuple(name for name in (*_FLAGS, "repricedIndicator", *_NUMBERS) if name not in REQUIRED)

_BOOLEANS: Final = {"true": True, "t": True, "false": False, "f": False}

_Rows = dict[tuple[int, Side], list[StackRow]]


class RecordedDays:
    """The stacks of the dates that some CSV files hold."""

    def __init__(self, files: Iterable[Path], *, created_after: timedelta = FINAL_RUN) -> None:
        """Read the files; `created_after` is the time from a period's end to its createdDateTime.

        Raises:
            BadUsage: a file that cannot be read or lacks a column, or a value that cannot be used, with its line.
        """
        self.created_after = created_after
        self._days: dict[date, _Rows] = {}
        for path in files:
            self._add(path)

    @property
    def dates(self) -> tuple[date, ...]:
        """The settlement dates that are served, ascending."""
        return tuple(sorted(self._days))

    @property
    def bm_units(self) -> tuple[str, ...]:
        """The units with rows, ascending; adjustments are not units."""
        rows = (row for day in self._days.values() for stack in day.values() for row in stack)
        return tuple(sorted({row.bm_unit for row in rows if row.bm_unit and not row.is_adjustment}))

    def period(self, period: SettlementPeriod) -> PeriodStack | None:
        """Return the period's stacks, or None where no file holds its date."""
        day = self._days.get(period.settlement_date)
        if day is None:
            return None
        bids, offers = (tuple(day.get((period.number, side), ())) for side in SIDES)
        return PeriodStack(period, period.end + self.created_after, bids, offers)

    def _add(self, path: Path) -> None:
        new: dict[date, _Rows] = defaultdict(lambda: defaultdict(list))
        for settlement_date, number, side, row in _read(path):
            new[settlement_date][number, side].append(row)
        twice = sorted(set(new) & set(self._days))
        if twice:
            raise BadUsage(f"{path} holds {twice[0]}, which an earlier file holds too", settlement_date=twice[0])
        self._days |= new


def write_rows(target: TextIO, stacks: Iterable[PeriodStack]) -> int:
    """Write stacks as a CSV file that `RecordedDays` reads back to equal rows, and return how many rows it has."""
    writer = csv.writer(target, lineterminator="\n")
    writer.writerow((*REQUIRED, *OPTIONAL))
    count = 0
    for stack in stacks:
        for side in SIDES:
            for row in stack.side(side):
                writer.writerow(_cells(stack, side, row))
                count += 1
    return count


def days_between(first: date, last: date) -> Iterator[SettlementPeriod]:
    """Yield every settlement period of the dates from `first` to `last`, both included."""
    for offset in range((last - first).days + 1):
        yield from settlement_periods(first + timedelta(days=offset))


def row_from_cells(cells: Mapping[str, str]) -> StackRow:
    """Return the stack row that a line of the file describes.

    Raises:
        BadUsage: a value that cannot be used; it names the column.
    """
    flags = {field: _flag(cells, column) for column, field in _FLAGS.items()}
    numbers = {field: _number(cells, column) if cells.get(column) else None for column, field in _NUMBERS.items()}
    row = StackRow(
        sequence_number=_integer(cells, "sequenceNumber"),
        bm_unit=cells.get("id") or None,
        acceptance_id=_integer_or_null(cells, "acceptanceId"),
        pair_id=_integer_or_null(cells, "bidOfferPairId"),
        volume=_number(cells, "volume"),
        repriced=_flag(cells, "repricedIndicator") or False,
    )
    changes: dict[str, Any] = flags | numbers
    return replace(row, **changes)


def _cells(stack: PeriodStack, side: Side, row: StackRow) -> list[object]:
    fixed = [stack.period.settlement_date, stack.period.number, side, row.sequence_number]
    named = {
        "id": row.bm_unit,
        "acceptanceId": row.acceptance_id,
        "bidOfferPairId": row.pair_id,
        "volume": row.volume,
        "repricedIndicator": row.repriced,
        **{column: getattr(row, field) for column, field in (_FLAGS | _NUMBERS).items()},
    }
    return [*fixed, *(_text(named[column]) for column in (*REQUIRED, *OPTIONAL)[len(fixed) :])]


def _text(value: object) -> object:
    return str(value).lower() if isinstance(value, bool) else value


def _read(path: Path) -> Iterator[tuple[date, int, Side, StackRow]]:
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            lines = csv.DictReader(file)
            _check_columns(path, lines.fieldnames or [])
            for cells in lines:
                yield _placed_row(path, lines.line_num, cells)
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise BadUsage(f"{path} cannot be read as a CSV file: {error}") from error


def _check_columns(path: Path, columns: Iterable[str]) -> None:
    missing = sorted(set(REQUIRED) - set(columns))
    unknown = sorted(set(columns) - set(REQUIRED) - set(OPTIONAL))
    if missing:
        raise BadUsage(f"{path} lacks the columns {', '.join(missing)}")
    if unknown:
        raise BadUsage(f"{path} has the unknown columns {', '.join(unknown)}; known are {', '.join(OPTIONAL)}")


def _placed_row(path: Path, line: int, cells: dict[str, str]) -> tuple[date, int, Side, StackRow]:
    if None in cells or None in cells.values():
        raise BadUsage(f"{path}, line {line}: more or fewer values than columns")
    try:
        settlement_date = _date(cells["settlementDate"])
        return settlement_date, _period(cells, settlement_date), _side(cells["side"]), row_from_cells(cells)
    except BadUsage as error:
        raise BadUsage(f"{path}, line {line}: {error}") from error


def _date(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise BadUsage(f"settlementDate {text!r} is not a date such as 2022-01-01") from None


def _period(cells: Mapping[str, str], settlement_date: date) -> int:
    number = _integer(cells, "settlementPeriod")
    if not 1 <= number <= period_count(settlement_date):
        raise BadUsage(f"{settlement_date} has no settlement period {number}")
    return number


def _side(text: str) -> Side:
    for side in SIDES:
        if text == side:
            return side
    raise BadUsage(f"side {text!r} is neither bid nor offer")


def _integer(cells: Mapping[str, str], column: str) -> int:
    text = cells.get(column, "")
    try:
        return int(text)
    except ValueError:
        raise BadUsage(f"{column} {text!r} is not a whole number") from None


def _integer_or_null(cells: Mapping[str, str], column: str) -> int | None:
    return _integer(cells, column) if cells.get(column) else None


def _number(cells: Mapping[str, str], column: str) -> str:
    try:
        return number_text(cells.get(column, ""))
    except BadUsage as error:
        raise BadUsage(f"{column} {error}") from error


def _flag(cells: Mapping[str, str], column: str) -> bool | None:
    text = cells.get(column, "")
    if not text:
        return None
    if text.lower() not in _BOOLEANS:
        raise BadUsage(f"{column} {text!r} is neither true nor false")
    return _BOOLEANS[text.lower()]
