"""Runs: who asked for what, when, and how it ended."""

import getpass
import os
import socket
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Literal
from uuid import UUID

from psycopg.types.json import Jsonb

from reingest import __version__
from reingest.checkpoints import checkpoint
from reingest.curtailment.words import Side
from reingest.errors import Bug, ReingestError
from reingest.ids import new_id
from reingest.store.database import Connection, database_errors
from reingest.store.sql import query

RunKind = Literal["reingest", "plan", "apply", "publish", "restore", "units", "stage"]
RunSource = Literal["live", "archive", "staged"]
"""Where a run takes its stacks from: Elexon, the archive, or what people staged."""
RunOutcome = Literal[
    "published",
    "unchanged",
    "planned",
    "staged",
    "held",
    "refused",
    "locked",
    "source_failed",
    "partial",
    "conflict",
    "lease_lost",
    "database_unreachable",
    "bug",
]
EXIT_CODES: dict[RunOutcome, int] = {
    "published": 0,
    "unchanged": 0,
    "planned": 0,
    "staged": 0,
    "held": 1,
    "refused": 2,
    "locked": 3,
    "source_failed": 4,
    "partial": 4,
    "conflict": 5,
    "lease_lost": 5,
    "database_unreachable": 69,
    "bug": 70,
}


def this_person() -> str:
    """Return the name of the account that runs this process."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # an account without a name, as in some containers
        return f"uid {os.getuid()}"


@dataclass(frozen=True, slots=True)
class Holder:
    """Who holds a run or a lease: run id, person, host and process."""

    run_id: UUID
    holder: str = field(default_factory=this_person)
    host: str = field(default_factory=socket.gethostname)
    pid: int = field(default_factory=os.getpid)

    def as_row(self) -> dict[str, Any]:
        """Return the holder as query parameters."""
        return {"run_id": self.run_id, "holder": self.holder, "host": self.host, "pid": self.pid}


@dataclass(slots=True)
class Run:
    """One act, from its beginning to its stored end.

    Attributes:
        requests: Requests answered so far.
        retries: Attempts beyond the first, over all requests.
        version_id: The version that it made or confirmed, if any.
    """

    kind: RunKind
    settlement_date: date | None = None
    periods: tuple[int, ...] | None = None
    sides: tuple[Side, ...] = ("bid", "offer")
    source: RunSource = "live"
    reason: str | None = None
    flow_run_id: UUID | None = None
    id: UUID = field(default_factory=new_id)
    requests: int = 0
    retries: int = 0
    version_id: int | None = None

    @property
    def holder(self) -> Holder:
        """Who holds this run."""
        return Holder(self.id)


def begin_run(connection: Connection, run: Run) -> None:
    """Store that the run began."""
    row = run.holder.as_row()
    with database_errors():
        connection.execute(
            query("begin_run"),
            row
            | {
                "id": run.id,
                "kind": run.kind,
                "settlement_date": run.settlement_date,
                "periods": list(run.periods) if run.periods else None,
                "sides": list(run.sides),
                "source": run.source,
                "reason": run.reason,
                "code_version": __version__,
                "flow_run_id": run.flow_run_id,
            },
        )
    checkpoint("after_begin_run")


def end_run(
    connection: Connection,
    run: Run,
    outcome: RunOutcome,
    error: ReingestError | None = None,
    *,
    may_have_ended: bool = False,
) -> bool:
    """Store how the run ended: its outcome, exit code, error and counts.

    Args:
        connection: where to store it.
        run: what ended.
        outcome: how.
        error: why, where it failed.
        may_have_ended: whether an earlier try may have been stored, though the connection broke before it said so.

    Returns:
        Whether it was this call that ended the run; a run keeps its first end.

    Raises:
        Bug: the run had ended before, and nothing could have ended it.
    """
    with database_errors():
        ended = connection.execute(
            query("end_run"),
            {
                "id": run.id,
                "outcome": outcome,
                "exit_code": EXIT_CODES[outcome],
                "error": Jsonb(error.as_dict()) if error else None,
                "version_id": run.version_id,
                "requests": run.requests,
                "retries": run.retries,
            },
        ).rowcount
    checkpoint("after_end_run")
    if ended != 1 and not may_have_ended:
        raise Bug(f"run {run.id} had ended before")
    return ended == 1


def add_run_events(connection: Connection, run: Run, events: Sequence[tuple[str, str, Mapping[str, Any]]]) -> None:
    """Append lines to the run's log in the database: stage, event, detail."""
    stages, names, details = zip(*events, strict=True) if events else ((), (), ())
    row = {"stages": [*stages], "events": [*names], "details": [Jsonb(detail) for detail in details]}
    with database_errors():
        connection.execute(query("add_run_events"), {"run_id": run.id, **row})
    checkpoint("after_run_events")


def add_operator_action(
    connection: Connection,
    action: str,
    reason: str,
    *,
    settlement_date: date | None = None,
    version_id: int | None = None,
    **detail: object,
) -> int:
    """Record what a person decided, and why; return the record's id."""
    with database_errors():
        added = connection.execute(
            query("add_operator_action"),
            {
                "who": this_person(),
                "host": socket.gethostname(),
                "action": action,
                "settlement_date": settlement_date,
                "version_id": version_id,
                "reason": reason,
                "detail": Jsonb(detail),
            },
        ).fetchone()
    checkpoint("after_operator_action")
    if added is None:
        raise Bug("an insert returned no operator action")
    return int(added[0])
