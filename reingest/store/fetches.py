"""Fetches: one row an answered request, pointing at the payload that the archive keeps."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Literal
from uuid import UUID

from psycopg.rows import class_row

from reingest.checkpoints import checkpoint
from reingest.curtailment.words import Side
from reingest.store.database import Connection, database_errors
from reingest.store.sql import query


@dataclass(frozen=True, slots=True)
class NewFetch:
    """One answered request, before it has an id. `size` and `stored_size` are bytes, plain and compressed."""

    dataset: str
    settlement_date: date | None
    period: int | None
    side: Side | None
    wire: Literal["xml", "json", "csv"]
    url: str
    status: int
    content_type: str
    sha256: str
    size: int
    stored_size: int
    requested_at: datetime
    answered_at: datetime
    attempts: int


@dataclass(frozen=True, slots=True)
class Fetch:
    """One stored fetch."""

    id: int
    dataset: str
    settlement_date: date | None
    period: int | None
    side: Side | None
    wire: Literal["xml", "json", "csv"]
    url: str
    status: int
    content_type: str
    payload_sha256: str
    requested_at: datetime
    answered_at: datetime
    attempts: int


_PAYLOAD_FIELDS = ("sha256", "size", "stored_size")
_FETCH_FIELDS = (
    "dataset", "settlement_date", "period", "side", "wire", "url", "status", "content_type", "sha256",
    "requested_at", "answered_at", "attempts",
)  # fmt: skip


def add_fetches(connection: Connection, run_id: UUID, fetches: Sequence[NewFetch]) -> list[int]:
    """Store answered requests with their payloads, in one transaction; return their ids in the same order."""
    with database_errors(), connection.transaction():
        connection.execute(query("add_payloads"), _columns(_one_a_payload(fetches), _PAYLOAD_FIELDS))
        checkpoint("payload_rows_added")
        rows = connection.execute(query("add_fetches"), {"run_id": run_id} | _columns(fetches, _FETCH_FIELDS))
        ids = sorted(int(row[0]) for row in rows)
        checkpoint("before_fetch_rows_commit")
    return ids


def fetches_of_version(connection: Connection, version_id: int) -> list[Fetch]:
    """Return the fetches that a version was built from, its system prices among them."""
    return _read(connection, "fetches_of_version", version_id=version_id)


def newest_fetches(connection: Connection, settlement_date: date) -> list[Fetch]:
    """Return the newest good answer of each period and side of a date, and of its system prices."""
    return _read(connection, "newest_fetches", settlement_date=settlement_date)


def fetched_from(connection: Connection) -> tuple[bool, bool]:
    """Tell whether any answer came from this machine, as the stand-in's do, and whether any came from elsewhere."""
    with database_errors():
        row = connection.execute(query("fetched_from")).fetchone()
    return (bool(row[0]), bool(row[1])) if row else (False, False)


def _read(connection: Connection, name: str, **parameters: object) -> list[Fetch]:
    with database_errors(), connection.cursor(row_factory=class_row(Fetch)) as cursor:
        return cursor.execute(query(name), parameters).fetchall()


def _one_a_payload(fetches: Sequence[NewFetch]) -> list[NewFetch]:
    """Return one fetch a payload, in the order of hashes: two runs that store the same ones cannot deadlock."""
    return sorted({fetch.sha256: fetch for fetch in fetches}.values(), key=lambda fetch: fetch.sha256)


def _columns(fetches: Sequence[NewFetch], fields: Sequence[str]) -> dict[str, list[Any]]:
    return {field: [getattr(fetch, field) for fetch in fetches] for field in fields}
