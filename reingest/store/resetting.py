"""What resets take away; each act runs in the caller's transaction, as the owner of the tables."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, TypeVar

from psycopg.rows import class_row

from reingest.curtailment.words import Side
from reingest.errors import Bug
from reingest.store.database import Connection, database_errors
from reingest.store.purging import Size
from reingest.store.sql import query
from reingest.store.versions import VersionState

_Row = TypeVar("_Row")


@dataclass(frozen=True, slots=True)
class DateSpan:
    """Dates from the first to the last, both included; None is open, so that a span without either is every date."""

    first: date | None = None
    last: date | None = None

    @property
    def as_parameters(self) -> dict[str, date | None]:
        """The span as query parameters."""
        return {"first": self.first, "last": self.last}

    def __str__(self) -> str:
        """Return it for people."""
        if self.first is None and self.last is None:
            return "every date"
        if self.first == self.last:
            return str(self.first)
        return f"{self.first or 'the first date'} to {self.last or 'the last date'}"


@dataclass(frozen=True, slots=True)
class SpannedVersion:
    """A version of a span of dates."""

    id: int
    settlement_date: date
    number: int
    state: VersionState
    sides: tuple[Side, ...]


def database_now(connection: Connection) -> datetime:
    """Return the database's wall clock."""
    row = connection.execute("select clock_timestamp()").fetchone()
    if row is None:
        raise Bug("the database told no time")
    now: datetime = row[0]
    return now


def versions_in_span(connection: Connection, span: DateSpan) -> list[SpannedVersion]:
    """Return every version of these dates, by date and number."""
    return _read(connection, SpannedVersion, "versions_in_span", **span.as_parameters)


def state_taken(connection: Connection, span: DateSpan) -> list[Size]:
    """Return what a reset of state concerns: versions that are open or held, answers to take over, what is staged."""
    return _read(connection, Size, "state_taken", **span.as_parameters)


def abandon_versions_in_span(connection: Connection, span: DateSpan) -> int:
    """Abandon the versions of these dates that are open or held; return how many there were."""
    return connection.execute(query("abandon_versions_in_span"), span.as_parameters).rowcount


def unstage_span(connection: Connection, span: DateSpan) -> int:
    """Forget what is staged of these dates; return how many stacks there were."""
    return connection.execute(query("unstage_span"), span.as_parameters).rowcount


def operations_taken(connection: Connection, before: datetime, *, run_logs: bool) -> list[Size]:
    """Return what a reset of operations takes of each table."""
    return _read(connection, Size, "operations_taken", before=before, run_logs=run_logs)


def delete_operations(connection: Connection, before: datetime, *, run_logs: bool) -> dict[str, int]:
    """Delete the log lines of ended runs, runs that nothing refers to, and facts that every sink has had.

    Returns:
        How many rows went, by table.
    """
    gone = dict.fromkeys(("run_event", "run"), 0)
    if run_logs:
        gone["run_event"] = connection.execute(query("owner_delete_events"), {"before": before}).rowcount
        gone["run"] = connection.execute(query("owner_delete_runs"), {"before": before}).rowcount
    facts = connection.execute(query("owner_delete_facts"), {"before": before}).fetchone()
    if facts is None:
        raise Bug("a count returned nothing")
    return gone | {"outbox_delivery": int(facts[0]), "outbox": int(facts[1])}


def withdraw_dates(connection: Connection, span: DateSpan, reason: str) -> int:
    """Have these dates serve nothing, and tell consumers; return how many served something until now."""
    row = connection.execute(query("withdraw_dates"), span.as_parameters | {"reason": reason}).fetchone()
    return int(row[0]) if row else 0


def remove_versions(connection: Connection, ids: Sequence[int]) -> None:
    """Delete versions with all their rows, whatever their state."""
    connection.execute(query("owner_remove_versions"), {"ids": list(ids)})


def _read(connection: Connection, row_class: type[_Row], name: str, **parameters: Any) -> list[_Row]:  # noqa: ANN401
    with database_errors(), connection.cursor(row_factory=class_row(row_class)) as cursor:
        return cursor.execute(query(name), parameters).fetchall()
