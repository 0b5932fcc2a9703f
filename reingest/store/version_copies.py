"""Copies of versions: an older version's rows under a new number, made by the database itself."""

from typing import Final
from uuid import UUID

from reingest.checkpoints import checkpoint
from reingest.errors import Bug
from reingest.store.database import Connection, database_errors
from reingest.store.sql import query
from reingest.store.versions import NumberedVersion, move_version

_COPIES: Final = (
    "restore_periods",
    "restore_records",
    "restore_rejects",
    "restore_daily_summaries",
    "restore_daily_unit_summaries",
    "restore_other_units",
    "restore_daily_mining",
    "restore_mining_rates",
    "restore_witnesses",
    "restore_verdicts",
    "restore_differences",
)


def copy_version(
    connection: Connection, source: NumberedVersion, *, basis_generation: int, run_id: UUID, reason: str
) -> tuple[int, int]:
    """Write a candidate of kind `restore` with every row of another version of the date; return its id and number.

    As where a run stages a version, its own row is committed first, so that a copy that dies leaves a trace.

    Raises:
        LeaseLost: another run took the date over meanwhile and abandoned the candidate.
    """
    with database_errors():
        row = connection.execute(
            query("add_restored_version"),
            {
                "settlement_date": source.settlement_date,
                "source_id": source.id,
                "basis_generation": basis_generation,
                "run_id": run_id,
                "reason": reason,
            },
        ).fetchone()
        if row is None:
            raise Bug(
                f"version {source.number} is gone, or its date has no row", settlement_date=source.settlement_date
            )
        version_id, number = int(row[0]), int(row[1])
        checkpoint("after_restored_version_row")
        with connection.transaction():
            for name in _COPIES:
                connection.execute(query(name), {"version_id": version_id, "source_id": source.id, "run_id": run_id})
            checkpoint("before_restored_rows_commit")
            move_version(connection, version_id, "staging", "candidate")
        checkpoint("after_restored_rows_commit")
    return version_id, number
