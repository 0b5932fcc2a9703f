"""Staged stacks: the answers that stand ready for periods of a date, until the date is published."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Final, Literal, TypeAlias, TypeVar
from uuid import UUID

from psycopg.rows import class_row

from reingest.checkpoints import checkpoint
from reingest.curtailment.stack_facts import Subject
from reingest.curtailment.words import Side
from reingest.store.database import Connection, database_errors
from reingest.store.runs import add_operator_action
from reingest.store.sql import query

_Row = TypeVar("_Row")

StagedOutcome: TypeAlias = Literal["fetched", "confirmed_empty", "not_published"]
"""What the system prices made of an answer when it was staged; one that contradicts them is not staged."""

WAITS_LONG: Final = timedelta(days=7)
"""How long a date may be staged and not published before the doctor asks what is to become of it."""


@dataclass(frozen=True, slots=True)
class StagedStack:
    """One side of one period that is staged; instants are aware UTC.

    Attributes:
        run_id: The run that staged it; `holder` and `host` are its own.
        answered_at: When the source answered; `age` is how long ago that was.
        overtaken: Whether what is served of it came later: this answer would take the date back in time.
    """

    period: int
    side: Side
    outcome: StagedOutcome
    rows: int
    fetch_id: int
    run_id: UUID
    staged_at: datetime
    answered_at: datetime
    age: timedelta
    holder: str
    host: str
    overtaken: bool


@dataclass(frozen=True, slots=True)
class StagedDateRow:
    """A date of which something is staged: how much, since when, and by whom (`person@host`)."""

    settlement_date: date
    periods: int
    stacks: int
    first_staged_at: datetime
    last_staged_at: datetime
    staged_by: list[str]


def stage_answer(connection: Connection, run_id: UUID, fetch_id: int, outcome: StagedOutcome, rows: int) -> None:
    """Stage a stack's answer in place of the one that was staged before, unless that is the newer one."""
    with database_errors():
        connection.execute(
            query("stage_answer"), {"run_id": run_id, "fetch_id": fetch_id, "outcome": outcome, "rows": rows}
        )
    checkpoint("answer_staged")


def staged_stacks(connection: Connection, settlement_date: date) -> list[StagedStack]:
    """Return what is staged of a date, by period and side."""
    return _read(connection, StagedStack, "staged_stacks", settlement_date=settlement_date)


def staged_dates(connection: Connection) -> list[StagedDateRow]:
    """Return every date of which something is staged, the one that waits longest first."""
    return _read(connection, StagedDateRow, "staged_dates")


def old_staged_dates(connection: Connection, older_than: timedelta) -> list[StagedDateRow]:
    """Return the dates that nobody has staged anything of for so long."""
    return _read(connection, StagedDateRow, "old_staged_dates", older_than=older_than)


def drop_staged(
    connection: Connection, settlement_date: date, periods: Sequence[int] | None, reason: str
) -> list[Subject]:
    """Drop what is staged of a date, or of some of its periods, and put that on the record.

    Returns:
        The periods and sides that were staged until now.
    """
    wanted = {"settlement_date": settlement_date, "periods": None if periods is None else list(periods)}
    with database_errors(), connection.transaction():
        dropped = [(row[0], row[1]) for row in connection.execute(query("drop_staged"), wanted)]
        if dropped:
            named = [f"{period} {side}" for period, side in dropped]
            add_operator_action(connection, "drop_staged", reason, settlement_date=settlement_date, periods=named)
        checkpoint("before_drop_staged_commit")
    checkpoint("after_drop_staged")
    return dropped


def _read(connection: Connection, row_class: type[_Row], name: str, **parameters: object) -> list[_Row]:
    with database_errors(), connection.cursor(row_factory=class_row(row_class)) as cursor:
        return cursor.execute(query(name), parameters).fetchall()
