"""What the doctor's mendings write. None of it changes a figure; `point_at_version` changes which version is served."""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

from psycopg.rows import class_row
from psycopg.types.json import Jsonb

from reingest.errors import Bug
from reingest.store.database import Connection, database_errors
from reingest.store.leases import HeldLease
from reingest.store.sql import query


@dataclass(frozen=True, slots=True)
class CameTo:
    """What the database shows of a run that died before it could say how it ended."""

    published: bool
    confirmed: bool
    held: bool
    version_id: int | None
    requests: int
    retries: int


def release_dead_lease(connection: Connection, lease: HeldLease) -> bool:
    """Release a lease as it was seen; return False where somebody took it over, or it beats again."""
    seen = {"key": lease.key, "token": lease.token, "heartbeat_at": lease.heartbeat_at}
    return _execute(connection, "release_dead_lease", **seen) == 1


def what_a_run_came_to(connection: Connection, run_id: UUID) -> CameTo:
    """Return what a run did that the database shows."""
    with database_errors(), connection.cursor(row_factory=class_row(CameTo)) as cursor:
        found = cursor.execute(query("what_a_run_came_to"), {"run_id": run_id}).fetchone()
    if found is None:
        raise Bug(f"run {run_id} has no row")
    return found


def set_generation(connection: Connection, settlement_date: date, generation: int, seen: int) -> bool:
    """Set a date's generation where it still is what was seen; return whether it was. The caller holds its lease."""
    subject = {"settlement_date": settlement_date, "generation": generation, "seen": seen}
    return _execute(connection, "set_generation", **subject) == 1


def set_last_number(connection: Connection, settlement_date: date, number: int) -> None:
    """Set the counter of a date's version numbers, never back; the caller holds its lease."""
    _execute(connection, "set_last_number", settlement_date=settlement_date, number=number)


def point_at_version(connection: Connection, version_id: int, generation: int) -> None:
    """Let a date serve its published version; the caller holds its lease."""
    _execute(connection, "point_at_version", version_id=version_id, generation=generation)


def mend_served_span(
    connection: Connection, version_id: int, served_from: datetime | None, served_to: datetime | None
) -> None:
    """Set when a version was served to what the other rows of its publishes tell; the caller holds the date's lease."""
    span = {"version_id": version_id, "served_from": served_from, "served_to": served_to}
    _execute(connection, "mend_served_span", **span)


def register_payload(connection: Connection, sha256: str, size: int, stored_size: int) -> None:
    """Write the row of an archived payload; sizes are bytes, plain and compressed."""
    _execute(connection, "register_payload", sha256=sha256, size=size, stored_size=stored_size)


def tell_again(connection: Connection, publish: dict[str, Any], body: dict[str, Any]) -> None:
    """Write the outbox's message of a publish anew.

    Args:
        connection: an autocommitting connection; the caller holds the date's lease.
        publish: settlement_date, generation, version_id, `retired` (the id of the version replaced) and `now`.
        body: the message.
    """
    _execute(connection, "add_outbox", **publish, body=Jsonb(body))


def _execute(connection: Connection, name: str, **parameters: object) -> int:
    with database_errors():
        return connection.execute(query(name), parameters).rowcount
