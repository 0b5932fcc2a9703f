"""What is served, for people: a date with all that proves it, and months and years over the dates served."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any, Literal, LiteralString

from psycopg.rows import dict_row

from reingest.calendar import period_count
from reingest.curtailment.outcomes import combine_outcomes
from reingest.curtailment.witness_rules import Verification
from reingest.curtailment.words import DEFINITION_NAMES, DefinitionName, PeriodOutcome
from reingest.errors import NotFound
from reingest.store.database import Connection
from reingest.store.sql import query
from reingest.store.witnesses import StoredVerdict, verdicts_of, verification_of

Row = dict[str, Any]
SpanKind = Literal["month", "year"]


@dataclass(frozen=True, slots=True)
class Figures:
    """What a set of records comes to by one definition: MWh, GBP, and counts.

    Attributes:
        indicative_cashflow_gbp: As the payment, times the transmission loss multiplier; None where it is not known.
    """

    energy_mwh: Decimal
    payment_gbp: Decimal
    records: int
    bm_units: int
    periods: int
    indicative_cashflow_gbp: Decimal | None


NO_FIGURES = Figures(Decimal(0), Decimal(0), 0, 0, 0, Decimal(0))


@dataclass(frozen=True, slots=True)
class ShownCheck:
    """What one check said of the version; `fail` holds it."""

    name: str
    status: Literal["fail", "warn", "pass"]
    expected: str | None
    actual: str | None
    detail: str


@dataclass(frozen=True, slots=True)
class ShownDay:
    """One settlement date: the version served or, where none ever was, the newest one held.

    Attributes:
        state: `published`, or `held`: then nothing is served.
        held_version: Number of a held version that could be published now.
        verification: What Elexon's other datasets say of it, by the verdict that counts.
        witnesses: That verdict, rule by rule; empty where none was heard.
        accepted_gaps: How many of its periods are not published and accepted as gaps of the source by a person.
        totals: By definition; a definition whose sides were not fetched is left out.
        mining: BTC by definition and miner model, each None where `mining_state` is `unavailable`.
        periods: How many the calendar has, and how many had each outcome.
        per_period: Figures by settlement period and definition, zeros included.
    """

    settlement_date: date
    version: int
    state: Literal["published", "held"]
    held_version: int | None
    generation: int
    provisional: bool
    provisional_until: datetime | None
    verification: Verification
    witnesses: tuple[StoredVerdict, ...]
    accepted_gaps: int
    served_from: datetime | None
    created_at: datetime
    reason: str | None
    sides: tuple[str, ...]
    definitions: tuple[str, ...]
    register_hash: str
    mining_inputs_hash: str
    code_version: str
    content_hash: str
    rows: int
    rejects: int
    records: int
    totals: Mapping[DefinitionName, Figures]
    mining_state: Literal["available", "unavailable"]
    mining: Mapping[DefinitionName, Mapping[str, Decimal | None]]
    periods: Mapping[str, int]
    checks: tuple[ShownCheck, ...]
    per_period: Mapping[int, Mapping[DefinitionName, Figures]]


@dataclass(frozen=True, slots=True)
class SpanFigures:
    """A month's or year's totals by one definition, over its served dates: MWh, GBP, counts.

    Attributes:
        indicative_cashflow_gbp: None, not known, where that of one of the dates is not.
        days_verified: How many of the dates Elexon's other datasets confirm.
    """

    energy_mwh: Decimal
    payment_gbp: Decimal
    records: int
    bm_units: int
    days_published: int
    days_provisional: int
    days_estimated: int
    indicative_cashflow_gbp: Decimal | None
    days_verified: int


@dataclass(frozen=True, slots=True)
class ShownSpan:
    """A month or a year: totals and BTC over its served dates, to be read beside how many those are.

    Attributes:
        days_estimated: Per definition, in `totals`: the dates whose BTC is known.
    """

    span: str
    days_expected: int
    days_published: int
    days_provisional: int
    days_verified: int
    totals: Mapping[DefinitionName, SpanFigures]
    mining: Mapping[DefinitionName, Mapping[str, Decimal]]


def show_day(connection: Connection, settlement_date: date) -> ShownDay:
    """Return the date's version in full.

    Raises:
        NotFound: no version of the date was ever published or held.
    """
    found = _rows(connection, "shown_version", settlement_date=settlement_date)
    if not found:
        raise NotFound(
            f"{settlement_date} was never published",
            settlement_date=settlement_date,
            next_command="reingest date {date}",
        )
    row = found[0]
    version_id, number = row.pop("id"), row.pop("number")
    pending = _rows(connection, "pending_version", settlement_date=settlement_date)
    totals = _totals(connection, version_id)
    return ShownDay(
        **row | {"sides": tuple(row["sides"]), "definitions": tuple(row["definitions"])},
        settlement_date=settlement_date,
        version=number,
        held_version=pending[0]["number"] if pending else None,
        provisional=row["provisional_until"] is not None,
        totals=totals,
        mining=_mining(connection, version_id, totals),
        periods=_period_counts(connection, version_id, settlement_date),
        verification=verification_of(connection, version_id),
        witnesses=tuple(verdicts_of(connection, version_id)),
        checks=checks_of(connection, version_id),
        per_period=_per_period(connection, version_id, settlement_date, totals),
    )


def checks_of(connection: Connection, version_id: int) -> tuple[ShownCheck, ...]:
    """Return what the newest run that checked a version said of it, the failures first."""
    return tuple(ShownCheck(**check) for check in _rows(connection, "checks_of_version", version_id=version_id))


def show_spans(connection: Connection, kind: SpanKind, start: date, end: date) -> list[ShownSpan]:
    """Return the months or years between two dates in which anything is served, oldest first.

    Args:
        connection: an autocommitting connection.
        kind: which of the two.
        start: the first day of the first.
        end: the day after the last; not included.
    """
    spans: dict[date, list[Row]] = {}
    for row in _rows(connection, f"{kind}s_of_totals", start=start, end=end):
        spans.setdefault(row["span"], []).append(row)
    mining: dict[date, list[Row]] = {}
    for row in _rows(connection, f"{kind}s_of_mining", start=start, end=end):
        mining.setdefault(row["span"], []).append(row)
    return [shown_span(kind, first, totals, mining.get(first, [])) for first, totals in spans.items()]


def dates_without_mining(connection: Connection) -> list[date]:
    """Return the dates that are served without BTC, because difficulty was not known when they were made."""
    return [row["settlement_date"] for row in _rows(connection, "dates_without_mining")]


def miner_models(connection: Connection) -> list[str]:
    """Return the names of the miner models, in order."""
    return [row["name"] for row in _rows(connection, "miner_model_names")]


def shown_span(kind: SpanKind, first: date, totals: list[Row], mining: list[Row]) -> ShownSpan:
    """Return a month or year from its rows of totals, of which there is at least one, and of mining."""
    by_name = {row["definition"]: row for row in totals}
    estimated = {row["definition"]: row["days_estimated"] for row in mining}
    btc: dict[DefinitionName, dict[str, Decimal]] = {}
    for row in sorted(mining, key=lambda row: str(row["miner_model"])):
        btc.setdefault(row["definition"], {})[row["miner_model"]] = row["btc"]
    return ShownSpan(
        span=first.isoformat()[: {"month": 7, "year": 4}[kind]],
        days_expected=totals[0]["days_expected"],
        days_published=max(row["days_published"] for row in totals),
        days_provisional=max(row["days_provisional"] for row in totals),
        days_verified=max(row["days_verified"] for row in totals),
        totals={
            name: SpanFigures(
                days_estimated=estimated.get(name, 0),
                **{field: by_name[name][field] for field in SpanFigures.__slots__ if field != "days_estimated"},
            )
            for name in DEFINITION_NAMES
            if name in by_name
        },
        mining={name: btc[name] for name in DEFINITION_NAMES if name in btc},
    )


def _totals(connection: Connection, version_id: int) -> dict[DefinitionName, Figures]:
    rows = {row.pop("definition"): row for row in _rows(connection, "totals_of_version", version_id=version_id)}
    return {name: Figures(**rows[name]) for name in DEFINITION_NAMES if name in rows}


def _mining(
    connection: Connection, version_id: int, definitions: Mapping[DefinitionName, object]
) -> dict[DefinitionName, dict[str, Decimal | None]]:
    models = miner_models(connection)
    btc = {
        (row["definition"], row["miner_model"]): row["btc"]
        for row in _rows(connection, "mining_of_version", version_id=version_id)
    }
    return {name: {model: btc.get((name, model)) for model in models} for name in definitions}


def _period_counts(connection: Connection, version_id: int, settlement_date: date) -> dict[str, int]:
    """Count periods by outcome; one that the version does not have was not asked."""
    sides: dict[int, list[PeriodOutcome]] = {number: [] for number in range(1, period_count(settlement_date) + 1)}
    for row in _rows(connection, "side_outcomes_of_version", version_id=version_id):
        sides.setdefault(row["period"], []).append(row["outcome"])
    counts = Counter(combine_outcomes(outcomes) for outcomes in sides.values())
    outcomes: tuple[PeriodOutcome, ...] = ("fetched", "confirmed_empty", "not_published", "failed", "not_asked")
    return {"expected": period_count(settlement_date)} | {outcome: counts[outcome] for outcome in outcomes}


def _per_period(
    connection: Connection, version_id: int, settlement_date: date, definitions: Mapping[DefinitionName, object]
) -> dict[int, dict[DefinitionName, Figures]]:
    curtailed = {
        (row.pop("period"), row.pop("definition")): Figures(**row, periods=1)
        for row in _rows(connection, "period_totals_of_version", version_id=version_id)
    }
    return {
        number: {name: curtailed.get((number, name), NO_FIGURES) for name in definitions}
        for number in range(1, period_count(settlement_date) + 1)
    }


def _rows(connection: Connection, name: str, **parameters: object) -> list[Row]:
    block: LiteralString = query(name)
    with connection.cursor(row_factory=dict_row) as cursor:
        return cursor.execute(block, parameters).fetchall()
