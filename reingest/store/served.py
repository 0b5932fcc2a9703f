"""What is served over a span of dates, for reports that set it beside what a run would make of it."""

from collections import defaultdict
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from psycopg.rows import class_row

from reingest.curtailment.words import DefinitionName
from reingest.store.database import Connection, database_errors
from reingest.store.sql import query


@dataclass(frozen=True, slots=True)
class ServedTotal:
    """The served dates of a span by one definition: MWh, GBP, records, and how many dates."""

    definition: DefinitionName
    energy_mwh: Decimal
    payment_gbp: Decimal
    records: int
    days: int


def served_totals(connection: Connection, start: date, end: date) -> list[ServedTotal]:
    """Return what is served from `start` until before `end`, by definition; nothing where no date is."""
    with database_errors(), connection.cursor(row_factory=class_row(ServedTotal)) as cursor:
        return cursor.execute(query("served_totals"), {"start": start, "end": end}).fetchall()


def served_mining(connection: Connection, start: date, end: date) -> dict[DefinitionName, dict[str, Decimal]]:
    """Return the BTC served from `start` until before `end`, by definition and miner model."""
    mining: dict[DefinitionName, dict[str, Decimal]] = defaultdict(dict)
    with database_errors():
        for definition, model, btc in connection.execute(query("served_mining"), {"start": start, "end": end}):
            mining[definition][model] = btc
    return mining
