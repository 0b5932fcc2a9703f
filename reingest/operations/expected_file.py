"""Expected totals from a file: every line is sound, or none is taken."""

import csv
from collections.abc import Iterator, Mapping
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import Final

from reingest.curtailment.checks import ENERGY_TOLERANCE_MWH, PAYMENT_TOLERANCE_GBP
from reingest.curtailment.words import DEFINITION_NAMES, DefinitionName
from reingest.errors import BadUsage
from reingest.store.expected import StoredExpectedTotal

REQUIRED_COLUMNS: Final = ("settlement_date", "definition", "energy_mwh", "payment_gbp")
OPTIONAL_COLUMNS: Final = ("energy_tolerance_mwh", "payment_tolerance_gbp")


def read_expected(text: str, *, origin: str) -> list[StoredExpectedTotal]:
    """Read expected totals.

    Args:
        text: CSV with `REQUIRED_COLUMNS` and, if you like, `OPTIONAL_COLUMNS`, in any order.
        origin: where they come from, for the record.

    Raises:
        BadUsage: a missing or unknown column, a value that cannot be used, a date and definition that come twice, or
            no line at all; it names the line.
    """
    totals: dict[tuple[date, str], StoredExpectedTotal] = {}
    for line, row in _rows(text):
        try:
            total = _total(row, origin)
        except (BadUsage, ValueError) as error:
            raise BadUsage(f"line {line}: {error}") from error
        key = (total.settlement_date, total.definition)
        if key in totals:
            raise BadUsage(f"line {line}: {key[0]} {key[1]} stands in the file twice")
        totals[key] = total
    if not totals:
        raise BadUsage("the file has no line below its header")
    return list(totals.values())


def require_sense(total: StoredExpectedTotal) -> StoredExpectedTotal:
    """Return the expected total, which says something that can be checked.

    Raises:
        BadUsage: nothing to check, or a negative tolerance.
    """
    if total.energy_mwh is None and total.payment_gbp is None:
        raise BadUsage("neither energy nor payment is given, so there is nothing to check")
    if total.energy_tolerance_mwh < 0 or total.payment_tolerance_gbp < 0:
        raise BadUsage("a tolerance is zero or more")
    return total


def definition_named(name: str) -> DefinitionName:
    """Return the definition of that name.

    Raises:
        BadUsage: there is none.
    """
    for known in DEFINITION_NAMES:
        if known == name:
            return known
    raise BadUsage(f"{name!r} is no definition; they are {', '.join(DEFINITION_NAMES)}")


def _rows(text: str) -> Iterator[tuple[int, dict[str, str]]]:
    """Yield each line's number in the file and its values."""
    reader = csv.DictReader(text.splitlines(), strict=True)
    columns = set(reader.fieldnames or ())
    missing = [name for name in REQUIRED_COLUMNS if name not in columns]
    unknown = sorted(columns - {*REQUIRED_COLUMNS, *OPTIONAL_COLUMNS})
    if missing:
        raise BadUsage(f"line 1: the column {missing[0]} is missing; the columns are {','.join(REQUIRED_COLUMNS)}")
    if unknown:
        raise BadUsage(f"line 1: there is no column {unknown[0]!r}")
    try:
        for row in reader:
            if None in row or None in row.values():
                raise BadUsage(f"line {reader.line_num}: it has another number of values than the header")
            yield reader.line_num, row
    except csv.Error as error:
        raise BadUsage(f"line {reader.reader.line_num}: {error}") from error  # the outer count lags here


def _total(row: Mapping[str, str], origin: str) -> StoredExpectedTotal:
    numbers = {name: _number(name, row.get(name, "")) for name in (*REQUIRED_COLUMNS[2:], *OPTIONAL_COLUMNS)}
    return require_sense(
        StoredExpectedTotal(
            settlement_date=_date(row["settlement_date"].strip()),
            definition=definition_named(row["definition"].strip()),
            energy_mwh=numbers["energy_mwh"],
            payment_gbp=numbers["payment_gbp"],
            energy_tolerance_mwh=_or_default(numbers["energy_tolerance_mwh"], ENERGY_TOLERANCE_MWH),
            payment_tolerance_gbp=_or_default(numbers["payment_tolerance_gbp"], PAYMENT_TOLERANCE_GBP),
            origin=origin,
        )
    )


def _date(text: str) -> date:
    value = date.fromisoformat(text)
    if value.isoformat() != text:  # other forms of ISO 8601, such as week dates, are more likely slips
        raise BadUsage(f"{text!r} is not a date such as 2022-01-31")
    return value


def _number(name: str, text: str) -> Decimal | None:
    if not text.strip():
        return None
    try:
        value = Decimal(text.strip())
    except InvalidOperation as error:
        raise BadUsage(f"{name} {text!r} is not a number") from error
    if not value.is_finite():
        raise BadUsage(f"{name} {text!r} is not a finite number")
    return value


def _or_default(value: Decimal | None, default: Decimal) -> Decimal:
    return default if value is None else value
