"""What the doctor reads: runs without an end, the days and versions of a date, its payloads, its manifest lines."""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, TypeVar
from uuid import UUID

from psycopg.rows import class_row, dict_row

from reingest.curtailment.words import PeriodOutcome, Side
from reingest.store.candidates import MiningState, VersionKind
from reingest.store.database import Connection, database_errors
from reingest.store.sql import query
from reingest.store.versions import VersionState

_Row = TypeVar("_Row")


@dataclass(frozen=True, slots=True)
class UnfinishedRun:
    """A run without an end; `old` where it began longer ago than any run may take."""

    id: UUID
    kind: str
    settlement_date: date | None
    holder: str
    host: str
    pid: int
    started_at: datetime
    old: bool


@dataclass(frozen=True, slots=True)
class OpenVersion:
    """A version that is `staging` or `candidate`."""

    id: int
    number: int
    settlement_date: date
    state: VersionState
    run_id: UUID


@dataclass(frozen=True, slots=True)
class Day:
    """The row of a date: its generation, and the id of the version that it serves."""

    generation: int
    current_version_id: int | None
    provisional_until: datetime | None
    confirmed_at: datetime | None
    last_number: int
    withdrawn_seal: str | None


@dataclass(frozen=True, slots=True)
class ExaminedSeal:
    """A version's seal and the one that it names as the previous, as stored, and its seal as made again from them."""

    version_id: int
    seal: str | None
    previous_seal: str | None
    made_again: str


@dataclass(frozen=True, slots=True)
class ExaminedVersion:
    """A version with the outbox's account of its publish, where there is one."""

    id: int
    number: int
    state: VersionState
    kind: VersionKind
    basis_generation: int
    run_id: UUID
    sides: list[Side]
    register_id: int
    register_hash: str
    mining_state: MiningState
    content_hash: str
    rows: int
    rejects: int
    records: int
    provisional_until: datetime | None
    created_at: datetime
    served_from: datetime | None
    served_to: datetime | None
    outbox_generation: int | None
    last_generation: int | None
    outbox_at: datetime | None

    @property
    def generation(self) -> int:
        """The generation that its publish made, or would make."""
        return self.basis_generation + 1 if self.outbox_generation is None else self.outbox_generation

    @property
    def generation_at_last(self) -> int:
        """The generation under which it is or was served at last: a later one, where a backup gave it back."""
        return self.generation if self.last_generation is None else self.last_generation


@dataclass(frozen=True, slots=True)
class ExaminedPeriod:
    """What became of one side of a period, whether its fetch is its own, and how many rejects are stored for it."""

    period: int
    side: Side
    outcome: PeriodOutcome
    rows: int
    accepted: int
    rejects: int
    wind_rows: int
    fetch_id: int | None
    own_fetch: bool
    stored_rejects: int


@dataclass(frozen=True, slots=True)
class StrayedRecords:
    """Records of a period and side that point at an answer which is not their period's."""

    period: int
    side: Side
    records: int


@dataclass(frozen=True, slots=True)
class ExaminedPayload:
    """A payload that fetches of a date gave: bytes plain and compressed; sizes are None where it is not registered."""

    sha256: str
    size: int | None
    stored_size: int | None
    served: bool
    dataset: str
    period: int | None
    side: Side | None


@dataclass(frozen=True, slots=True)
class ImpossibleTime:
    """An instant that cannot be, in words."""

    subject: str
    settlement_date: date | None
    version: int | None
    found: str
    expected: str


@dataclass(frozen=True, slots=True)
class ServedVersion:
    """What a date serves, as stored and as counted; `totals` has the definitions where the two differ.

    Attributes:
        generation: The date's.
        published_generation: The one that the version's publish made.
        periods: How many periods and sides it has.
        sides: How many sides it was made from.
    """

    number: int
    state: VersionState
    settlement_date: date
    generation: int
    published_generation: int
    records: int
    counted_records: int
    periods: int
    sides: int
    totals: list[dict[str, str]]


def served_version(connection: Connection, settlement_date: date) -> ServedVersion | None:
    """Return what a date serves, counted in one pass over its rows; None where it serves nothing."""
    found = _read(connection, ServedVersion, "precheck", settlement_date=settlement_date)
    return found[0] if found else None


def unfinished_runs(connection: Connection) -> list[UnfinishedRun]:
    """Return the runs without an end, oldest first."""
    return _read(connection, UnfinishedRun, "doctor_unfinished_runs")


def open_versions(connection: Connection) -> list[OpenVersion]:
    """Return the versions that are `staging` or `candidate`."""
    return _read(connection, OpenVersion, "doctor_open_versions")


def examined_dates(connection: Connection, start: date, end: date) -> list[date]:
    """Return the dates from `start` until before `end` of which there is anything."""
    with database_errors():
        return [row[0] for row in connection.execute(query("doctor_dates"), {"start": start, "end": end})]


def day_of(connection: Connection, settlement_date: date) -> Day | None:
    """Return the row of a date."""
    found = _read(connection, Day, "doctor_day", settlement_date=settlement_date)
    return found[0] if found else None


def versions_of(connection: Connection, settlement_date: date) -> list[ExaminedVersion]:
    """Return all versions of a date, by number."""
    return _read(connection, ExaminedVersion, "doctor_versions", settlement_date=settlement_date)


def seals_of(connection: Connection, settlement_date: date) -> dict[int, ExaminedSeal]:
    """Return the seals of the versions that are or were served, by the version's id."""
    found = _read(connection, ExaminedSeal, "doctor_seals", settlement_date=settlement_date)
    return {sealed.version_id: sealed for sealed in found}


def examined_periods(connection: Connection, version_id: int) -> list[ExaminedPeriod]:
    """Return what became of each period and side of a version."""
    return _read(connection, ExaminedPeriod, "doctor_periods", version_id=version_id)


def strayed_records(connection: Connection, version_id: int) -> list[StrayedRecords]:
    """Return the records of a version that stand in another answer than their period's."""
    return _read(connection, StrayedRecords, "doctor_strayed_records", version_id=version_id)


def newest_fetch(connection: Connection) -> int:
    """Return the id of the newest fetch, 0 where there is none."""
    return int(_value(connection, "doctor_newest_fetch"))


def payloads_of(connection: Connection, settlement_date: date | None, ceiling: int) -> list[ExaminedPayload]:
    """Return the payloads of a date's fetches, or of those without a date, up to the fetch `ceiling`."""
    return _read(connection, ExaminedPayload, "doctor_payloads", settlement_date=settlement_date, ceiling=ceiling)


def unregistered(connection: Connection, sha256s: list[str]) -> list[str]:
    """Return those hashes that no fetch and no payload row knows."""
    with database_errors():
        return [row[0] for row in connection.execute(query("doctor_unregistered"), {"sha256s": sha256s})]


def months_of_fetches(connection: Connection, ceiling: int) -> list[date | None]:
    """Return the first days of the settlement months that have fetches; None for those without a date."""
    with database_errors():
        return [row[0] for row in connection.execute(query("doctor_months"), {"ceiling": ceiling})]


def fetches_of_month(connection: Connection, month: date | None) -> list[dict[str, Any]]:
    """Return the fetch rows of a settlement month as the fields of manifest entries, in the order of their ids."""
    with database_errors(), connection.cursor(row_factory=dict_row) as cursor:
        return cursor.execute(query("doctor_fetches_of_month"), {"start": month}).fetchall()


def impossible_times(connection: Connection) -> list[ImpossibleTime]:
    """Return the instants that cannot be."""
    return _read(connection, ImpossibleTime, "doctor_impossible_times")


def explained_keys(connection: Connection) -> frozenset[str]:
    """Return the keys of the findings that a person explained."""
    with database_errors():
        return frozenset(row[0] for row in connection.execute(query("doctor_explained")))


def database_moment(connection: Connection) -> datetime:
    """Return the present instant by the database's clock."""
    moment: datetime = _value(connection, "doctor_moment")
    return moment


def _value(connection: Connection, name: str) -> Any:  # noqa: ANN401  (whatever the block's one column is)
    with database_errors():
        row = connection.execute(query(name)).fetchone()
    return row[0] if row else None


def _read(connection: Connection, row_class: type[_Row], name: str, **parameters: object) -> list[_Row]:
    with database_errors(), connection.cursor(row_factory=class_row(row_class)) as cursor:
        return cursor.execute(query(name), parameters).fetchall()
