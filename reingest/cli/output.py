"""What read commands print: a table for people, exact JSON or CSV for machines, all from the same rows.

Tables round: energy to 3 places, money to 2, with thousands separators. JSON and CSV never do: decimals are text
without exponent or trailing zeros. In a pipe a table is as wide as it needs to be, never folded or cut.
"""

import csv
import json
import os
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields, is_dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Final, Literal
from uuid import UUID

import typer

from reingest.curtailment.exact import plain
from reingest.errors import BadUsage

Kind = Literal["text", "count", "energy", "money", "btc", "rate"]
_PLACES: Final[dict[Kind, int]] = {"count": 0, "energy": 3, "money": 2, "btc": 8, "rate": 2}
# Wider than any table here: the terminal may wrap a line, but nothing is cut out of it.
_WIDE: Final = 10_000


@dataclass(frozen=True, slots=True)
class Column:
    """One column: the key of its value in a row, its heading in tables, and how its values are shown there."""

    key: str
    heading: str
    kind: Kind = "text"


@dataclass(frozen=True, slots=True)
class Output:
    """How a read command was asked to print."""

    json: bool
    csv: bool

    @classmethod
    def chosen(cls, *, as_json: bool, as_csv: bool) -> "Output":
        """Return the output that the flags ask for.

        Raises:
            BadUsage: both flags at once.
        """
        if as_json and as_csv:
            raise BadUsage("--json and --csv are two forms of one output; choose one")
        return cls(as_json, as_csv)

    def write(
        self,
        document: object,
        columns: Sequence[Column],
        rows: Iterable[Mapping[str, object]],
        *,
        before: Sequence[str] = (),
        after: Sequence[str] = (),
    ) -> None:
        """Print the document as JSON, or its rows as CSV or as a table.

        Args:
            document: everything, for JSON.
            columns: the rows' columns, in order.
            rows: values by column key; one that is missing is null.
            before: lines above the table; machines do not get them.
            after: lines below the table, likewise.
        """
        if self.json:
            typer.echo(as_json(document))
        elif self.csv:
            write_csv([column.key for column in columns], rows)
        else:
            typer.echo("\n".join([*before, *table_lines(columns, rows), *after]))


def write_text(path: Path, text: str) -> None:
    """Write a text file, whole at once.

    Raises:
        BadUsage: it cannot be written there.
    """
    from reingest.operations.whole_files import write_whole

    try:
        write_whole(path, text)
    except OSError as error:
        raise BadUsage(f"{path} cannot be written: {error.strerror or error}") from error


def as_json(document: object) -> str:
    """Return the document as indented JSON with exact decimals as strings."""
    return json.dumps(_plain_json(document), indent=2, ensure_ascii=False)


def write_csv(keys: Sequence[str], rows: Iterable[Mapping[str, object]]) -> None:
    """Print a header and the rows as CSV on stdout, nulls empty."""
    writer = csv.writer(sys.stdout, lineterminator="\n")
    writer.writerow(keys)
    writer.writerows([_csv_text(row.get(key)) for key in keys] for row in rows)


def table_lines(columns: Sequence[Column], rows: Iterable[Mapping[str, object]]) -> list[str]:
    """Return an aligned table, one line a row, numbers to the right; nothing where there are no rows."""
    from rich.console import Console
    from rich.table import Table

    table = Table(box=None, pad_edge=False, header_style="bold", padding=(0, 2, 0, 0))
    for column in columns:
        table.add_column(column.heading, justify="left" if column.kind == "text" else "right", no_wrap=True)
    for row in rows:
        table.add_row(*(_cell(column, row.get(column.key)) for column in columns))
    if not table.row_count:
        return []
    console = Console(width=_WIDE, highlight=False, markup=False, emoji=False, force_terminal=colours_wanted())
    with console.capture() as capture:
        console.print(table)
    return [line.rstrip() for line in capture.get().splitlines()]


def colours_wanted() -> bool:
    """Tell whether stdout is a terminal whose owner did not ask for no colours."""
    return sys.stdout.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"


def shown(value: Decimal, kind: Kind) -> str:
    """Return a number for people: rounded half to even, with thousands separators and no negative zero."""
    return f"{value:z,.{_PLACES[kind]}f}"


def instant(value: datetime | None) -> str | None:
    """Return an instant for people: UTC, to the second."""
    return None if value is None else f"{value:%Y-%m-%d %H:%M:%SZ}"


def _cell(column: Column, value: object) -> str:
    if value is None:
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int | Decimal) and column.kind != "text":
        return shown(Decimal(value), column.kind)
    if isinstance(value, datetime):
        return instant(value) or "-"
    if isinstance(value, list | tuple):
        return ",".join(map(str, value))
    return str(value)


def _plain_json(value: object) -> object:
    """Return the value in JSON's own types: decimals and instants as text, keys as text, records as objects."""
    if value is None or isinstance(value, str | bool | int):
        return value
    if is_dataclass(value) and not isinstance(value, type):
        return {field.name: _plain_json(getattr(value, field.name)) for field in fields(value)}
    if isinstance(value, Mapping):
        return {str(key): _plain_json(one) for key, one in value.items()}
    if isinstance(value, Iterable):
        return [_plain_json(one) for one in value]
    return _text(value)


def _csv_text(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Mapping):
        return json.dumps(_plain_json(value), ensure_ascii=False)
    if isinstance(value, list | tuple):
        return " ".join(map(str, value))
    return _text(value)


def _text(value: object) -> str:
    if isinstance(value, Decimal):
        return plain(value)
    if isinstance(value, datetime):
        return value.isoformat().replace("+00:00", "Z")
    if isinstance(value, timedelta):
        return f"{value.total_seconds():g}"
    if isinstance(value, str | int | date | UUID | Path):
        return str(value)
    raise TypeError(f"{type(value).__name__} has no plain form")
