"""What was served at an instant, what each date served when, and rows that newer answers no longer have."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any, Final, LiteralString, TypeVar

from psycopg.rows import class_row, dict_row

from reingest.curtailment.words import DEFINITION_NAMES, DefinitionName, Side
from reingest.errors import Bug
from reingest.store.database import Connection, database_errors
from reingest.store.reads import Figures, ShownSpan, SpanKind, miner_models, shown_span
from reingest.store.sql import query

_Row = TypeVar("_Row")
_TOTALS: Final = {"month": "as_of_month_totals", "year": "as_of_year_totals"}
_MINING: Final = {"month": "as_of_month_mining", "year": "as_of_year_mining"}


@dataclass(frozen=True, slots=True)
class ServedThen:
    """The version that a date served at an instant.

    Attributes:
        served_to: None where it is served still.
        known: Whether its figures are; a reset may have taken them away.
        figures_of: The number of the version that the figures stand in: the same, or one of the same content.
    """

    settlement_date: date
    version: int
    provisional: bool
    served_from: datetime
    served_to: datetime | None
    known: bool
    figures_of: int | None


@dataclass(frozen=True, slots=True)
class DayThen:
    """A date's figures at an instant.

    Attributes:
        totals: By definition.
        mining: BTC by definition and model, None where it was not known.
        verification: What Elexon's other datasets had said by then: `verified`, `unverified` or `differs`.
    """

    totals: Mapping[DefinitionName, Figures]
    mining: Mapping[DefinitionName, Mapping[str, Decimal | None]]
    verification: str


@dataclass(frozen=True, slots=True)
class UnitThen:
    """What a BM unit came to at an instant by one definition: MWh, GBP, records, and on how many dates."""

    definition: DefinitionName
    bm_unit: str
    lead_party: str | None
    energy_mwh: Decimal
    payment_gbp: Decimal
    records: int
    days: int


@dataclass(frozen=True, slots=True)
class ServedFigures:
    """What a served version comes to by one definition: MWh, GBP, records."""

    energy_mwh: Decimal
    payment_gbp: Decimal
    records: int


@dataclass(frozen=True, slots=True)
class SpanServed:
    """A span in which a date served a version.

    Attributes:
        final_from: Since when a final run of Elexon had confirmed a provisional version.
        kind: How the version was made, with `restored_from` and `reason`; None where it was taken away.
        totals: By definition; empty where they are not known.
        mining: BTC by definition and model.
    """

    version: int
    served_from: datetime
    served_to: datetime | None
    provisional: bool
    final_from: datetime | None
    known: bool
    figures_of: int | None
    content_hash: str
    kind: str | None
    restored_from: int | None
    reason: str | None
    totals: Mapping[DefinitionName, ServedFigures]
    mining: Mapping[DefinitionName, Mapping[str, Decimal]]


@dataclass(frozen=True, slots=True)
class Tombstone:
    """A row that a served version had and a newer, complete answer for its period and side no longer has.

    Attributes:
        came_with: The version that had it first; `came_at` since when that was served.
        gone_with: The version that no longer has it.
        back_with: The version that has it again; None while it is gone.
    """

    period: int
    side: Side
    bm_unit: str
    acceptance_id: int | None
    pair_id: int | None
    original_price: Decimal | None
    volume: Decimal
    so_flag: bool | None
    came_with: int
    came_at: datetime
    gone_with: int
    gone_at: datetime
    back_with: int | None
    back_at: datetime | None


def database_clock(connection: Connection) -> datetime:
    """Return the database's wall clock, by which it is told when a version was served."""
    with database_errors():
        row = connection.execute(query("database_clock")).fetchone()
    if row is None:
        raise Bug("the database told no time")
    now: datetime = row[0]
    return now


def served_then(connection: Connection, start: date, end: date, reported: datetime) -> list[ServedThen]:
    """Return what the dates from `start` until before `end` served at an instant; without those that served nothing."""
    return _read(connection, ServedThen, "served_then", start=start, end=end, reported=reported)


def first_served(connection: Connection, start: date, end: date) -> datetime | None:
    """Return when anything of the dates was first served; None where nothing ever was."""
    with database_errors():
        row = connection.execute(query("first_served"), {"start": start, "end": end}).fetchone()
    return row[0] if row else None


def as_of_day(connection: Connection, settlement_date: date, reported: datetime) -> DayThen:
    """Return the figures that a date served at an instant; none where it served nothing that is known."""
    rows = {
        row.pop("definition"): row
        for row in _rows(connection, "as_of_day_totals", start=settlement_date, reported=reported)
    }
    btc = {
        (row["definition"], row["miner_model"]): row["btc"]
        for row in _rows(connection, "as_of_day_mining", start=settlement_date, reported=reported)
    }
    totals = {name: Figures(**rows[name]) for name in DEFINITION_NAMES if name in rows}
    models = miner_models(connection)
    mining = {name: {model: btc.get((name, model)) for model in models} for name in totals}
    said = _rows(connection, "as_of_day_verification", start=settlement_date, reported=reported)
    return DayThen(totals, mining, said[0]["verification"] if said else "unverified")


def as_of_span(connection: Connection, kind: SpanKind, first: date, reported: datetime) -> ShownSpan | None:
    """Return the figures that a month or year had at an instant; None where it had none.

    Args:
        connection: in a snapshot.
        kind: which of the two.
        first: its first day.
        reported: the instant, aware.
    """
    totals = _rows(connection, _TOTALS[kind], start=first, reported=reported)
    if not totals:
        return None
    return shown_span(kind, first, totals, _rows(connection, _MINING[kind], start=first, reported=reported))


def as_of_units(connection: Connection, start: date, end: date, reported: datetime) -> list[UnitThen]:
    """Return what each BM unit came to at an instant over a span of dates, the most energy first."""
    units = _read(connection, UnitThen, "as_of_units", start=start, end=end, reported=reported)
    return sorted(units, key=lambda one: (DEFINITION_NAMES.index(one.definition), -one.energy_mwh, one.bm_unit))


def spans_served(connection: Connection, settlement_date: date) -> list[SpanServed]:
    """Return what a date served when, oldest first; empty where it never served anything."""
    totals: dict[datetime, dict[DefinitionName, ServedFigures]] = {}
    for row in _rows(connection, "totals_of_spans", settlement_date=settlement_date):
        figures = ServedFigures(row["energy_mwh"], row["payment_gbp"], row["records"])
        totals.setdefault(row["served_from"], {})[row["definition"]] = figures
    mining: dict[datetime, dict[DefinitionName, dict[str, Decimal]]] = {}
    for row in _rows(connection, "mining_of_spans", settlement_date=settlement_date):
        mining.setdefault(row["served_from"], {}).setdefault(row["definition"], {})[row["miner_model"]] = row["btc"]
    return [
        SpanServed(**row, totals=totals.get(row["served_from"], {}), mining=mining.get(row["served_from"], {}))
        for row in _rows(connection, "spans_served", settlement_date=settlement_date)
    ]


def tombstones(connection: Connection, settlement_date: date) -> list[Tombstone]:
    """Return the rows of a date that newer answers no longer had, by period, side and unit."""
    return _read(connection, Tombstone, "tombstones_of_date", settlement_date=settlement_date)


def _read(connection: Connection, row_class: type[_Row], name: str, **parameters: object) -> list[_Row]:
    with database_errors(), connection.cursor(row_factory=class_row(row_class)) as cursor:
        return cursor.execute(query(name), parameters).fetchall()


def _rows(connection: Connection, name: str, **parameters: object) -> list[dict[str, Any]]:
    block: LiteralString = query(name)
    with database_errors(), connection.cursor(row_factory=dict_row) as cursor:
        return cursor.execute(block, parameters).fetchall()
