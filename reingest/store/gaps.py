"""Gaps of the source: periods of which a person said that Elexon will never publish them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from psycopg.rows import class_row

from reingest.checkpoints import checkpoint
from reingest.curtailment.stack_facts import Subject
from reingest.curtailment.words import PeriodOutcome, Side
from reingest.store.database import Connection, database_errors
from reingest.store.runs import add_operator_action
from reingest.store.sql import query


@dataclass(frozen=True, slots=True)
class ListedGap:
    """An accepted gap in force.

    Attributes:
        served: What became of it in the version served; None where nothing is served of it.
    """

    settlement_date: date
    period: int
    side: Side
    reason: str
    accepted_at: datetime
    served: PeriodOutcome | None


def accepted_gaps(connection: Connection, settlement_date: date) -> frozenset[Subject]:
    """Return the periods and sides of a date that a person accepted as gaps of the source."""
    with database_errors():
        rows = connection.execute(query("gaps_in_force"), {"settlement_date": settlement_date})
        return frozenset((row[0], row[1]) for row in rows)


def accept_gaps(
    connection: Connection, settlement_date: date, periods: Sequence[int], sides: Sequence[Side], reason: str
) -> list[Subject]:
    """Put a person's decision in force and on the record, from the date's next run on.

    Returns:
        The periods and sides that were no accepted gaps before.
    """
    return _decide(connection, "accept_gaps", settlement_date, periods, sides, reason)


def retire_gaps(
    connection: Connection, settlement_date: date, periods: Sequence[int], sides: Sequence[Side], reason: str
) -> list[Subject]:
    """Take such a decision out of force, and put that on the record; no row is deleted.

    Returns:
        The periods and sides that were accepted gaps until now.
    """
    return _decide(connection, "retire_gaps", settlement_date, periods, sides, reason)


def listed_gaps(connection: Connection, start: date | None = None, end: date | None = None) -> list[ListedGap]:
    """Return the gaps in force, of all dates or from `start` until before `end`."""
    with database_errors(), connection.cursor(row_factory=class_row(ListedGap)) as cursor:
        return cursor.execute(query("listed_gaps"), {"start": start, "end": end}).fetchall()


def _decide(
    connection: Connection,
    action: str,
    settlement_date: date,
    periods: Sequence[int],
    sides: Sequence[Side],
    reason: str,
) -> list[Subject]:
    wanted = {"settlement_date": settlement_date, "periods": list(periods), "sides": list(sides), "reason": reason}
    with database_errors(), connection.transaction():
        changed = sorted((row[0], row[1]) for row in connection.execute(query(action), wanted))
        if changed:
            named = [f"{period} {side}" for period, side in changed]
            add_operator_action(connection, action, reason, settlement_date=settlement_date, periods=named)
        checkpoint("before_gaps_commit")
    checkpoint("after_gaps")
    return changed
