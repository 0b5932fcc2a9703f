"""Fetches: one row an answered request, pointing at the payload that the archive keeps."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, Final, Literal
from uuid import UUID

from psycopg.rows import class_row

from reingest.checkpoints import checkpoint
from reingest.curtailment.words import Side
from reingest.store.database import Connection, database_errors
from reingest.store.runs import Run, RunOutcome
from reingest.store.sql import query

FetchOutcome = Literal["fetched", "empty", "refused", "unreadable"]
"""What was read of an answer: rows, none, an error status, nothing that can be used."""


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


@dataclass(frozen=True, slots=True)
class ResumableFetch(Fetch):
    """A stack's answer that a run which broke off left behind.

    Attributes:
        outcome: `fetched`, or `answered` where the run had no time to read it.
        run_id: The run that asked.
        age: How long ago that run began.
    """

    outcome: Literal["answered", "fetched"]
    run_id: UUID
    age: timedelta


@dataclass(frozen=True, slots=True)
class AnsweredRequests:
    """How the newest run of a date that asked anything was answered: requests, how many were retried, how often."""

    run_id: UUID
    requests: int
    retried: int
    most_attempts: int


BROKEN_OFF: Final[tuple[RunOutcome, ...]] = (
    "partial",
    "source_failed",
    "lease_lost",
    "conflict",
    "database_unreachable",
)
"""Outcomes of a run whose answers the next run may take; one that was killed has no outcome at all."""

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


def stored_fetches(connection: Connection, run_id: UUID, fetches: Sequence[NewFetch]) -> list[int]:
    """Return the ids of fetches of a run that were stored already, in their order; empty where they were not.

    After a connection lost at the commit it is not known whether they were. All were, or none.
    """
    with database_errors():
        rows = connection.execute(query("stored_fetches"), {"run_id": run_id} | _columns(fetches, _FETCH_FIELDS))
        return [int(row[0]) for row in rows]


def judge_fetches(connection: Connection, outcomes: Mapping[int, FetchOutcome]) -> None:
    """Store what was read of answers, by the id of their fetch; one that was judged before keeps its outcome."""
    if not outcomes:
        return
    with database_errors():
        connection.execute(query("judge_fetches"), {"ids": list(outcomes), "outcomes": list(outcomes.values())})
    checkpoint("after_judgement")


def forget_fetches(connection: Connection, dates: Sequence[date] | None) -> int:
    """Let no later run take the answers of these dates instead of asking again; of all dates for None.

    Returns:
        How many answers were forgotten now.
    """
    with database_errors():
        wanted = {"dates": None if dates is None else list(dates)}
        forgotten = connection.execute(query("forget_fetches"), wanted).rowcount
    checkpoint("fetches_forgotten")
    return forgotten


def resumable_fetches(
    connection: Connection, run: Run, *, base_url: str, no_older_than: timedelta
) -> list[ResumableFetch]:
    """Return the stacks that earlier runs of the run's kind and date got from the same source, and did not come to use.

    A caller that publishes holds the date's lease, so whatever run has no outcome is dead, or overtaken. One that
    stages has none: what it takes may be of a run under way, whose answers are as good.
    """
    with database_errors(), connection.cursor(row_factory=class_row(ResumableFetch)) as cursor:
        return cursor.execute(
            query("resumable_fetches"),
            {
                "settlement_date": run.settlement_date,
                "run_id": run.id,
                "kind": run.kind,
                "source": run.source,
                "sides": list(run.sides),
                "base_url": base_url,
                "no_older_than": no_older_than,
                "broken_off": list(BROKEN_OFF),
            },
        ).fetchall()


def fetches_of_version(connection: Connection, version_id: int) -> list[Fetch]:
    """Return the fetches that a version was built from, its system prices among them."""
    return _read(connection, "fetches_of_version", version_id=version_id)


def fetches_by_id(connection: Connection, ids: Sequence[int]) -> list[Fetch]:
    """Return the fetches of these ids that there are, in the order of what they asked."""
    return _read(connection, "fetches_by_id", ids=list(ids))


def newest_fetches(connection: Connection, settlement_date: date, beside: int | None) -> list[Fetch]:
    """Return the newest good answers of a date to all that a version, if one is named, has no fetch of."""
    return _read(connection, "newest_fetches", settlement_date=settlement_date, beside=beside)


def newest_requests(connection: Connection, settlement_date: date) -> AnsweredRequests | None:
    """Return how the newest run of a date that asked the source anything was answered; None where none did."""
    with database_errors(), connection.cursor(row_factory=class_row(AnsweredRequests)) as cursor:
        return cursor.execute(query("newest_requests"), {"settlement_date": settlement_date}).fetchone()


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
