"""Purges: what was never served, and old log lines; the database's own functions refuse to delete anything else."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Literal, TypeVar

from psycopg.rows import class_row

from reingest.errors import Bug
from reingest.store.database import Connection, database_errors
from reingest.store.sql import query

PurgeableState = Literal["abandoned", "held"]
_Row = TypeVar("_Row")


@dataclass(frozen=True, slots=True)
class PurgeableVersion:
    """A version that was never served, and may go."""

    id: int
    settlement_date: date
    number: int
    state: PurgeableState


@dataclass(frozen=True, slots=True)
class Size:
    """How much of a table: rows, and the bytes of their values without what Postgres adds."""

    name: str
    rows: int
    bytes: int


def purgeable_versions(
    connection: Connection,
    states: Sequence[PurgeableState],
    *,
    keep: int,
    pending: bool,
    settlement_date: date | None = None,
) -> list[PurgeableVersion]:
    """Return the versions in these states that may go, by date and number.

    Args:
        connection: any.
        states: which of the two.
        keep: how many of the newest to leave, of each date.
        pending: held versions too that are the newest of their date, and so wait for a person's decision.
        settlement_date: only this date.
    """
    return _read(
        connection,
        PurgeableVersion,
        "purgeable_versions",
        states=list(states),
        keep=keep,
        pending=pending,
        settlement_date=settlement_date,
    )


def sizes_of_versions(connection: Connection, ids: Sequence[int]) -> list[Size]:
    """Return how much of each table belongs to these versions."""
    return _read(connection, Size, "sizes_of_versions", ids=list(ids))


def purge_versions(connection: Connection, ids: Sequence[int]) -> int:
    """Delete versions with all their rows, inside the caller's transaction; return how many there were.

    Raises:
        psycopg.errors.CheckViolation: one of them is neither abandoned nor held.
    """
    return _number(connection, "purge_versions", ids=list(ids))


def size_of_events(connection: Connection, older_than: datetime) -> Size:
    """Return how many log lines of ended runs are older than an instant."""
    (size,) = _read(connection, Size, "old_events", older_than=older_than)
    return size


def purge_events(connection: Connection, older_than: datetime) -> int:
    """Delete log lines of ended runs, inside the caller's transaction; return how many there were.

    Raises:
        psycopg.errors.CheckViolation: the instant is less than a day ago.
    """
    return _number(connection, "purge_events", older_than=older_than)


def _number(connection: Connection, name: str, **parameters: object) -> int:
    row = connection.execute(query(name), parameters).fetchone()
    if row is None:
        raise Bug(f"{name} returned nothing")
    return int(row[0])


def _read(connection: Connection, row_class: type[_Row], name: str, **parameters: object) -> list[_Row]:
    with database_errors(), connection.cursor(row_factory=class_row(row_class)) as cursor:
        return cursor.execute(query(name), parameters).fetchall()
