"""What a version was made from: its run, and every answer with what became of its rows."""

from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from psycopg.rows import class_row

from reingest.curtailment.words import PeriodOutcome, Side
from reingest.errors import NotFound
from reingest.store.candidates import VersionKind
from reingest.store.database import Connection, database_errors
from reingest.store.sql import query
from reingest.store.versions import VersionState


@dataclass(frozen=True, slots=True)
class AuditedVersion:
    """A version with the run that made it: who, where, when, why, and how that ended."""

    id: int
    number: int
    state: VersionState
    kind: VersionKind
    sides: list[Side]
    reason: str | None
    code_version: str
    content_hash: str
    register_hash: str
    created_at: datetime
    served_from: datetime | None
    served_to: datetime | None
    rows: int
    rejects: int
    records: int
    run_id: UUID
    run_kind: str
    source: str
    holder: str
    host: str
    pid: int
    flow_run_id: UUID | None
    started_at: datetime
    finished_at: datetime | None
    outcome: str | None
    run_reason: str | None


@dataclass(frozen=True, slots=True)
class AuditedAnswer:
    """One answer that a version was built from; period, side and counts are None for what has no stack.

    Attributes:
        fetched_by: The run that asked; another than the version's where the payload was read again.
        size: Bytes of the payload; `stored_size` compressed.
    """

    period: int | None
    side: Side | None
    dataset: str
    outcome: PeriodOutcome | None
    rows: int | None
    accepted: int | None
    rejects: int | None
    wind_rows: int | None
    records: int | None
    fetch_id: int | None
    fetched_by: UUID | None
    url: str | None
    answered_at: datetime | None
    sha256: str | None
    size: int | None
    stored_size: int | None


def audited_version(connection: Connection, settlement_date: date, number: int) -> AuditedVersion:
    """Return a version with its run.

    Raises:
        NotFound: the date has no version of that number.
    """
    subject = {"settlement_date": settlement_date, "number": number}
    with database_errors(), connection.cursor(row_factory=class_row(AuditedVersion)) as cursor:
        found = cursor.execute(query("audited_version"), subject).fetchone()
    if found is None:
        raise NotFound(
            f"{settlement_date} has no version {number}",
            settlement_date=settlement_date,
            next_command="reingest versions {date}",
        )
    return found


def audited_answers(connection: Connection, version_id: int) -> list[AuditedAnswer]:
    """Return every answer that a version was built from, by period and side; the system prices and register last."""
    with database_errors(), connection.cursor(row_factory=class_row(AuditedAnswer)) as cursor:
        return cursor.execute(query("audited_answers"), {"version_id": version_id}).fetchall()
