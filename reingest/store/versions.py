"""Versions: the immutable sets of records of a date, written beside the served one before any of them is served."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from itertools import chain
from typing import Any, Literal, TypeVar
from uuid import UUID

from psycopg.rows import class_row

from reingest import __version__
from reingest.checkpoints import checkpoint
from reingest.curtailment.checks import Check
from reingest.curtailment.records import CurtailmentRecord
from reingest.curtailment.totals import Totals
from reingest.curtailment.words import DefinitionName, Side
from reingest.errors import Bug, LeaseLost, NotFound
from reingest.store.candidates import Candidate, MiningState, VersionPeriod, rows_of_candidate
from reingest.store.database import Connection, database_errors
from reingest.store.sql import query

_Row = TypeVar("_Row")

VersionState = Literal["staging", "candidate", "published", "superseded", "held", "abandoned"]


@dataclass(frozen=True, slots=True)
class CurrentVersion:
    """What a date serves now; `id` and what follows it are None where nothing was ever published."""

    generation: int
    provisional_until: datetime | None
    id: int | None
    number: int | None
    content_hash: str | None
    sides: tuple[Side, ...] | None
    register_hash: str | None
    definitions: tuple[str, ...] | None
    mining_inputs_hash: str | None
    mining_state: MiningState | None


NEVER_PUBLISHED = CurrentVersion(0, None, None, None, None, None, None, None, None, None)


@dataclass(frozen=True, slots=True)
class NumberedVersion:
    """A version as `publish D --version N` and `restore D --version N` need to see it."""

    id: int
    settlement_date: date
    number: int
    state: VersionState
    basis_generation: int
    content_hash: str
    sides: tuple[Side, ...]
    provisional_until: datetime | None
    mining_state: MiningState


@dataclass(frozen=True, slots=True)
class Difference:
    """A stored total that is not what its rows come to."""

    level: str
    definition: str
    subject: str | None
    recomputed: str
    stored: str


def current_version(connection: Connection, settlement_date: date) -> CurrentVersion:
    """Return what the date serves now, and its generation."""
    found = _read(connection, CurrentVersion, "current_version", settlement_date=settlement_date)
    return found[0] if found else NEVER_PUBLISHED


def version_by_number(connection: Connection, settlement_date: date, number: int) -> NumberedVersion:
    """Return one version of a date.

    Raises:
        NotFound: the date has no version of that number.
    """
    found = _read(connection, NumberedVersion, "version_by_number", settlement_date=settlement_date, number=number)
    if not found:
        raise NotFound(
            f"{settlement_date} has no version {number}",
            settlement_date=settlement_date,
            next_command="reingest versions {date}",
        )
    return found[0]


def held_twin(connection: Connection, candidate: Candidate) -> tuple[int, int] | None:
    """Return id and number of a held version of the same content, basis and register, if there is one."""
    with database_errors():
        row = connection.execute(
            query("held_twin"),
            {
                "settlement_date": candidate.settlement_date,
                "content_hash": candidate.content_hash,
                "basis_generation": candidate.basis_generation,
                "register_hash": candidate.register.hash,
            },
        ).fetchone()
    return (int(row[0]), int(row[1])) if row else None


def abandon_leftovers(connection: Connection, settlement_date: date) -> int:
    """Abandon what dead runs left open on the date; the caller holds its lease. Return how many there were."""
    with database_errors():
        abandoned = connection.execute(query("abandon_leftovers"), {"settlement_date": settlement_date}).rowcount
    checkpoint("after_leftovers")
    return abandoned


def stage_version(connection: Connection, candidate: Candidate) -> tuple[int, int]:
    """Write the candidate with all its rows, invisible to every view of current versions; return id and number.

    The version's row is committed first, as `staging`, so that a run that dies while copying leaves a trace.

    Raises:
        LeaseLost: another run took the date over meanwhile and abandoned the candidate.
    """
    with database_errors():
        version_id, number = _add_version(connection, candidate)
        checkpoint("after_version_row")
        with connection.transaction():
            for name, rows in rows_of_candidate(candidate):
                _copy(connection, name, version_id, rows)
            checkpoint("before_stage_commit")
            move_version(connection, version_id, "staging", "candidate")
            checkpoint("candidate_moved")
    checkpoint("after_stage_commit")
    return version_id, number


def move_version(connection: Connection, version_id: int, before: VersionState, after: VersionState) -> None:
    """Move a version of the caller's own run from one state to another; the caller holds the date's lease.

    Raises:
        LeaseLost: the version is in another state: whoever took the date over has abandoned it.
    """
    moved = connection.execute(query("move_version"), {"version_id": version_id, "from": [before], "to": after})
    if moved.rowcount != 1:
        raise LeaseLost(f"the version is not {before} any more: another run took the date over and abandoned it")


def hold_version(connection: Connection, version_id: int) -> None:
    """Hold a candidate: kept, not served, until a person publishes it with a reason.

    Raises:
        LeaseLost: another run took the date over and abandoned the candidate.
    """
    with database_errors():
        move_version(connection, version_id, "candidate", "held")
    checkpoint("after_hold")


def abandon_version(connection: Connection, version_id: int) -> None:
    """Abandon a version that was not published; an abandoned one is served by nothing and restored by nobody."""
    with database_errors():
        connection.execute(query("abandon_version"), {"version_id": version_id})
    checkpoint("after_abandon")


def save_checks(connection: Connection, version_id: int, run_id: UUID, checks: Iterable[Check]) -> None:
    """Store what the run's checks of the version said."""
    rows = [(run_id, check.name, check.status, check.expected, check.actual, check.detail) for check in checks]
    with database_errors():
        _copy(connection, "copy_check_results", version_id, rows)


def recomputed_differences(connection: Connection, version_id: int) -> list[Difference]:
    """Count a version's totals again, in SQL from its stored rows, and return every one that differs."""
    return _read(connection, Difference, "recomputed_differences", version_id=version_id)


def records_of(connection: Connection, version_id: int) -> list[CurtailmentRecord]:
    """Return a version's records, in the order of their identity."""
    width = len(CurtailmentRecord._fields)
    with database_errors():
        rows = connection.execute(query("records_of_version"), {"version_id": version_id})
        return [CurtailmentRecord(*row[:width]) for row in rows]


def periods_of(connection: Connection, version_id: int) -> list[VersionPeriod]:
    """Return what became of each period and side of a version."""
    return _read(connection, VersionPeriod, "periods_of_version", version_id=version_id)


def totals_of_version(connection: Connection, version_id: int) -> dict[DefinitionName, Totals]:
    """Return a version's stored totals by definition."""
    with database_errors():
        rows = connection.execute(query("daily_totals_of_version"), {"version_id": version_id}).fetchall()
    return {row[0]: Totals(*row[1:]) for row in rows}


def lead_parties_of_version(connection: Connection, version_id: int) -> dict[str, str | None]:
    """Return the lead party that a version has of each unit with records."""
    with database_errors():
        return dict(connection.execute(query("lead_parties_of_version"), {"version_id": version_id}).fetchall())


def mining_of_version(connection: Connection, version_id: int) -> dict[tuple[DefinitionName, str], Decimal]:
    """Return a version's stored BTC by definition and miner model; empty where mining is unavailable."""
    with database_errors():
        rows = connection.execute(query("mining_of_version"), {"version_id": version_id}).fetchall()
    return {(row[0], row[1]): row[2] for row in rows}


def _add_version(connection: Connection, candidate: Candidate) -> tuple[int, int]:
    row = connection.execute(
        query("add_version"),
        {
            "settlement_date": candidate.settlement_date,
            "kind": candidate.kind,
            "sides": list(candidate.sides),
            "basis_generation": candidate.basis_generation,
            "run_id": candidate.run_id,
            "register_id": candidate.register.id,
            "register_hash": candidate.register.hash,
            "register_recorded_at": candidate.register.recorded_at,
            "other_units": None if candidate.other_units is None else len(candidate.other_units),
            "definitions": list(candidate.definitions),
            "mining_inputs_hash": candidate.mining_inputs_hash,
            "mining_state": candidate.mining_state,
            "code_version": __version__,
            "system_prices_fetch_id": candidate.system_prices_fetch_id,
            "rows": sum(period.rows for period in candidate.periods),
            "rejects": len(candidate.rejects),
            "records": len(candidate.records),
            "provisional_until": candidate.provisional_until,
            "content_hash": candidate.content_hash,
            "reason": candidate.reason,
        },
    ).fetchone()
    if row is None:
        raise Bug("an insert returned no version")
    return int(row[0]), int(row[1])


def _copy(connection: Connection, name: str, version_id: int, rows: Iterable[Sequence[Any]]) -> None:
    lines = iter(rows)
    first = next(lines, None)
    if first is not None:  # most dates have no rejects, and a statement without rows takes as long as one with some
        with connection.cursor() as cursor, cursor.copy(query(name)) as copy:
            for row in chain([first], lines):
                copy.write_row((version_id, *row))
    checkpoint(f"after_{name}")


def _read(connection: Connection, row_class: type[_Row], name: str, **parameters: object) -> list[_Row]:
    with database_errors(), connection.cursor(row_factory=class_row(row_class)) as cursor:
        return cursor.execute(query(name), parameters).fetchall()
