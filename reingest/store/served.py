"""What is served over spans of dates, for reports that set it beside what a run would make of it."""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Literal

from psycopg.rows import class_row

from reingest.curtailment.words import DefinitionName
from reingest.store.database import Connection, database_errors
from reingest.store.sql import query

Span = Literal["day", "month", "year"]
Spans = Mapping[Span, tuple[date, date]]
"""The first day of each span, and the first day after it."""


@dataclass(frozen=True, slots=True)
class ServedTotal:
    """The served dates of a span by one definition: MWh, GBP, records, and how many dates."""

    span: Span
    definition: DefinitionName
    energy_mwh: Decimal
    payment_gbp: Decimal
    records: int
    days: int


def served_totals(connection: Connection, spans: Spans) -> list[ServedTotal]:
    """Return what is served in each span, by definition; nothing of a span where no date is."""
    with database_errors(), connection.cursor(row_factory=class_row(ServedTotal)) as cursor:
        return cursor.execute(query("served_totals"), _bounds(spans)).fetchall()


def served_mining(connection: Connection, spans: Spans) -> dict[tuple[Span, DefinitionName], dict[str, Decimal]]:
    """Return the BTC served, by span and definition, then by miner model."""
    mining: dict[tuple[Span, DefinitionName], dict[str, Decimal]] = defaultdict(dict)
    with database_errors():
        for span, definition, model, btc in connection.execute(query("served_mining"), _bounds(spans)):
            mining[span, definition][model] = btc
    return mining


def _bounds(spans: Spans) -> dict[str, list[Span] | list[date]]:
    starts, ends = zip(*spans.values(), strict=True)
    return {"names": [*spans], "starts": [*starts], "ends": [*ends]}
