"""Ranges in the database: their dates, frozen before the first one runs, who has which, and how each ended."""

import os
import socket
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any, Literal
from uuid import UUID

from psycopg.rows import class_row
from psycopg.types.json import Jsonb

from reingest import __version__
from reingest.checkpoints import checkpoint
from reingest.errors import Bug, NotFound, ReingestError
from reingest.store.database import Connection, database_errors
from reingest.store.runs import RunOutcome, this_person
from reingest.store.sql import query

RangeKind = Literal["range", "reconcile"]
RangeState = Literal["running", "interrupted", "done"]
DateState = Literal["pending", "running", "done"]


@dataclass(frozen=True, slots=True)
class NewRange:
    """What is asked of each date of a range; limits are in MWh and GBP."""

    id: UUID
    kind: RangeKind
    side: str
    source: str
    plan: bool
    energy_limit_mwh: Decimal | None
    payment_limit_gbp: Decimal | None
    jobs: int
    reason: str | None
    flow_run_id: UUID | None


@dataclass(frozen=True, slots=True)
class StoredRange(NewRange):
    """A range as it stands in the database; instants are aware UTC.

    Attributes:
        token: The advisory lock that everyone who works on it shares.
        state: What the last one who worked on it wrote down.
        error: Why it was interrupted, where a fault did it.
        alive: Whether a process works on it now.
    """

    holder: str
    host: str
    pid: int
    token: int
    started_at: datetime
    ended_at: datetime | None
    state: RangeState
    error: dict[str, Any] | None
    alive: bool


@dataclass(frozen=True, slots=True)
class ListedRange:
    """A range in a list: which dates, how many of them ended, and how many of those with an exit code."""

    id: UUID
    kind: RangeKind
    source: str
    plan: bool
    jobs: int
    reason: str | None
    holder: str
    host: str
    pid: int
    started_at: datetime
    ended_at: datetime | None
    state: RangeState
    alive: bool
    first: date
    last: date
    dates: int
    ended: int
    failed: int

    @property
    def shown_state(self) -> RangeState:
        """The state, in which a range that nobody works on any more does not run."""
        return state_now(self.state, alive=self.alive)


@dataclass(frozen=True, slots=True)
class RangeDate:
    """One date of a range. `changes` are those of its figures, as JSON with exact numbers as text."""

    position: int
    settlement_date: date
    state: DateState
    outcome: RunOutcome | None
    exit_code: int | None
    decision: Literal["publish", "hold", "unchanged"] | None
    run_id: UUID | None
    version: int | None
    error: dict[str, Any] | None
    changes: list[dict[str, Any]]
    requests: int
    seconds: float | None


@dataclass(frozen=True, slots=True)
class Claim:
    """A date that a process has.

    Attributes:
        locked_before: Whether it was found locked once.
        deaths: How many processes ended while they ran it, though the one that had claimed it lived on.
        had_since: Since when somebody had it before, who gave it back or is dead; None where nobody had.
    """

    position: int
    settlement_date: date
    locked_before: bool
    deaths: int
    had_since: datetime | None


@dataclass(frozen=True, slots=True)
class MadeVersion:
    """A version that a run published; `changes` as `RangeDate` has them."""

    version: int
    run_id: UUID
    changes: list[dict[str, Any]]


@dataclass(frozen=True, slots=True)
class DatesLeft:
    """How many dates of a range nobody has, and how many somebody has."""

    pending: int
    running: int


@dataclass(frozen=True, slots=True)
class ChoosableDate:
    """A date, with what a person may choose it by; a date may be several of these."""

    settlement_date: date
    missing: bool
    failed: bool
    held: bool
    provisional: bool
    stale: bool
    unverified: bool


@dataclass(frozen=True, slots=True)
class CostOfDates:
    """What dates that were asked in the same way cost: medians, and bytes on average; all zero where there is none."""

    dates: int
    requests: float
    seconds: float
    rows: float
    archive_bytes: float


@dataclass(frozen=True, slots=True)
class DatabaseSizes:
    """Bytes of the whole database, and of one version on average; None where there is none."""

    bytes: int
    bytes_a_version: float | None


def state_now(state: RangeState, *, alive: bool) -> RangeState:
    """Return the state of a range: one that says it runs, and that nobody works on, was broken off."""
    return "interrupted" if state == "running" and not alive else state


def insert_range(connection: Connection, new: NewRange, dates: Sequence[date]) -> None:
    """Store a range with its dates, in the order in which they are to be run."""
    row = {name: getattr(new, name) for name in NewRange.__dataclass_fields__}
    who = {"holder": this_person(), "host": socket.gethostname(), "pid": os.getpid(), "code_version": __version__}
    with database_errors(), connection.transaction():
        connection.execute(query("insert_range"), row | who)
        connection.execute(query("insert_range_dates"), {"id": new.id, "dates": list(dates)})
        checkpoint("before_range_commit")
    checkpoint("after_range_frozen")


def range_by_id(connection: Connection, range_id: UUID) -> StoredRange:
    """Return a range.

    Raises:
        NotFound: there is no such range.
    """
    with database_errors(), connection.cursor(row_factory=class_row(StoredRange)) as cursor:
        found = cursor.execute(query("range_by_id"), {"id": range_id}).fetchone()
    if found is None:
        raise NotFound(f"there is no range {range_id}", next_command="reingest range list")
    return found


def newest_open_range(connection: Connection) -> UUID:
    """Return the newest range of a person that is not done.

    Raises:
        NotFound: every range is done.
    """
    with database_errors():
        row = connection.execute(query("newest_open_range")).fetchone()
    if row is None:
        raise NotFound("no range is left to be resumed", next_command="reingest range list")
    found: UUID = row[0]
    return found


def list_ranges(connection: Connection, *, limit: int) -> list[ListedRange]:
    """Return ranges, newest first."""
    with database_errors(), connection.cursor(row_factory=class_row(ListedRange)) as cursor:
        return cursor.execute(query("list_ranges"), {"limit": limit}).fetchall()


def dates_of_range(connection: Connection, range_id: UUID) -> list[RangeDate]:
    """Return the dates of a range, in their order."""
    with database_errors(), connection.cursor(row_factory=class_row(RangeDate)) as cursor:
        return cursor.execute(query("dates_of_range"), {"id": range_id}).fetchall()


def share_range(connection: Connection, found: StoredRange) -> int:
    """Show that this process works on the range, and draw a token of its own, for as long as the connection lives."""
    with database_errors():
        connection.execute(query("share_range"), {"token": found.token})
        row = connection.execute(query("next_lease_token")).fetchone()
        if row is None:
            raise Bug("a sequence gave no value")
        connection.execute(query("hold_token"), {"token": row[0]})
    checkpoint("range_shared")
    return int(row[0])


def reopen_range(connection: Connection, range_id: UUID) -> None:
    """Have an interrupted range run again."""
    with database_errors():
        connection.execute(query("reopen_range"), {"id": range_id})
    checkpoint("after_range_reopened")


def claim_range_date(connection: Connection, range_id: UUID, token: int) -> Claim | None:
    """Take the next date that nobody has; None where there is none now."""
    claimer = {"range_id": range_id, "token": token, "host": socket.gethostname(), "pid": os.getpid()}
    with database_errors(), connection.cursor(row_factory=class_row(Claim)) as cursor:
        claim = cursor.execute(query("claim_range_date"), claimer).fetchone()
    checkpoint("after_range_claim")
    return claim


def made_since(connection: Connection, settlement_date: date, since: datetime) -> MadeVersion | None:
    """Return the version that is served, where a run that began since an instant published it."""
    asked = {"settlement_date": settlement_date, "since": since}
    with database_errors(), connection.cursor(row_factory=class_row(MadeVersion)) as cursor:
        return cursor.execute(query("made_since"), asked).fetchone()


def end_range_date(connection: Connection, range_id: UUID, position: int, token: int, end: Mapping[str, Any]) -> bool:
    """Store how a date ended; tell whether it was still this process's to end."""
    row = {**end, "error": Jsonb(end["error"]) if end["error"] else None, "changes": Jsonb(end["changes"])}
    subject = {"range_id": range_id, "position": position, "token": token}
    with database_errors():
        ended = connection.execute(query("end_range_date"), row | subject).rowcount == 1
    checkpoint("after_range_date_end")
    return ended


def give_back_range_date(
    connection: Connection, range_id: UUID, claim: Claim, token: int, *, locked: bool = False, died: bool = False
) -> None:
    """Leave a date to whoever asks next."""
    row = {
        "range_id": range_id,
        "position": claim.position,
        "token": token,
        "locked_before": claim.locked_before or locked,
        "deaths": claim.deaths + died,
    }
    with database_errors():
        connection.execute(query("give_back_range_date"), row)
    checkpoint("after_range_date_back")


def run_range_dates_again(connection: Connection, range_id: UUID, positions: Collection[int]) -> None:
    """Have dates that ended be run once more."""
    with database_errors():
        connection.execute(query("run_range_dates_again"), {"range_id": range_id, "positions": list(positions)})
    checkpoint("after_range_dates_again")


def free_dead_claims(connection: Connection, range_id: UUID) -> int:
    """Take back the dates of processes that are dead; return how many there were."""
    with database_errors():
        freed = connection.execute(query("free_dead_claims"), {"range_id": range_id}).rowcount
    checkpoint("after_dead_claims")
    return freed


def adopt_claims(connection: Connection, range_id: UUID, old_token: int, token: int, in_hand: Collection[int]) -> None:
    """Keep what this process works on under its new token, and leave what it does not know to have."""
    row = {"range_id": range_id, "old_token": old_token, "token": token, "in_hand": list(in_hand)}
    with database_errors():
        connection.execute(query("adopt_claims"), row)
    checkpoint("after_claims_adopted")


def range_dates_left(connection: Connection, range_id: UUID) -> DatesLeft:
    """Return how many dates of the range have not ended."""
    with database_errors(), connection.cursor(row_factory=class_row(DatesLeft)) as cursor:
        left = cursor.execute(query("range_dates_left"), {"range_id": range_id}).fetchone()
    if left is None:
        raise Bug("a count returned nothing")
    return left


def finish_range(connection: Connection, range_id: UUID) -> bool:
    """In the caller's transaction: end a range whose every date has ended; tell whether it was this call that did."""
    with database_errors():
        connection.execute(query("lock_range"), {"id": range_id})
        return connection.execute(query("finish_range"), {"id": range_id}).fetchone() is not None


def leave_range(connection: Connection, found: StoredRange, error: ReingestError | None) -> None:
    """Work on a range no more; where nobody else does either, and it is not done, it is interrupted."""
    why = Jsonb(error.as_dict()) if error else None
    with database_errors():
        connection.execute(query("leave_range"), {"token": found.token})
        connection.execute(query("interrupt_range"), {"id": found.id, "error": why})
    checkpoint("after_range_left")


def dates_to_choose_from(connection: Connection, start: date, end: date) -> list[ChoosableDate]:
    """Return every date from `start` until before `end`, with what it may be chosen by."""
    with database_errors(), connection.cursor(row_factory=class_row(ChoosableDate)) as cursor:
        return cursor.execute(query("dates_to_choose_from"), {"start": start, "end": end}).fetchall()


def cost_of_similar_dates(connection: Connection, source: str, sides: Sequence[str], *, most: int) -> CostOfDates:
    """Return what the last dates that were asked in the same way cost."""
    asked = {"source": source, "sides": list(sides), "most": most}
    with database_errors(), connection.cursor(row_factory=class_row(CostOfDates)) as cursor:
        found = cursor.execute(query("cost_of_similar_dates"), asked).fetchone()
    if found is None:
        raise Bug("a count returned nothing")
    return found


def database_sizes(connection: Connection) -> DatabaseSizes:
    """Return how large the database is."""
    with database_errors(), connection.cursor(row_factory=class_row(DatabaseSizes)) as cursor:
        found = cursor.execute(query("database_sizes")).fetchone()
    if found is None:
        raise Bug("a size returned nothing")
    return found
