"""The runs of settlement, II to DF, and which of them dates are asked again after."""

from collections.abc import Sequence
from dataclasses import dataclass

from psycopg.rows import class_row

from reingest.checkpoints import checkpoint
from reingest.errors import NotFound
from reingest.store.database import Connection, database_errors
from reingest.store.runs import add_operator_action
from reingest.store.sql import query


@dataclass(frozen=True, slots=True)
class SettlementRun:
    """A run of settlement, after which a date may be restated.

    Attributes:
        name: II, SF, R1, R2, R3, RF or DF.
        working_days: How many working days after the settlement date it is; None where it is counted in months.
        months: How many months after it; None where it is counted in working days.
        enabled: Whether dates are asked again after it.
    """

    name: str
    working_days: int | None
    months: int | None
    enabled: bool


def settlement_runs(connection: Connection) -> list[SettlementRun]:
    """Return the runs of settlement, the first after a date first."""
    with database_errors(), connection.cursor(row_factory=class_row(SettlementRun)) as cursor:
        return cursor.execute(query("settlement_runs")).fetchall()


def enable_settlement_runs(connection: Connection, names: Sequence[str], reason: str, *, enabled: bool) -> list[str]:
    """Have dates asked again after these settlement runs, or no more, and put that on the record.

    Returns:
        The runs of which that was not so before.

    Raises:
        NotFound: there is no such run; then nothing is changed.
    """
    unknown = sorted(set(names) - {run.name for run in settlement_runs(connection)})
    if unknown:
        raise NotFound(f"no settlement run is called {', '.join(unknown)}", next_command="reingest reconcile runs")
    with database_errors(), connection.transaction():
        rows = connection.execute(query("enable_settlement_runs"), {"names": list(names), "enabled": enabled})
        changed = sorted(row[0] for row in rows)
        if changed:
            action = "enable_settlement_runs" if enabled else "disable_settlement_runs"
            add_operator_action(connection, action, reason, names=changed)
        checkpoint("before_settlement_runs_commit")
    checkpoint("after_settlement_runs")
    return changed
