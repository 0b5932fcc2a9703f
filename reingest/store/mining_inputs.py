"""The mining inputs in the database: difficulty epochs and miner models."""

from collections.abc import Sequence
from dataclasses import asdict

from psycopg.rows import class_row

from reingest.checkpoints import checkpoint
from reingest.curtailment.difficulty import DifficultyEpoch, extend_difficulty
from reingest.curtailment.mining import MinerModel
from reingest.store.database import Connection, database_errors
from reingest.store.sql import query


def save_difficulty(connection: Connection, epochs: Sequence[DifficultyEpoch]) -> int:
    """Add epochs that are not stored, and starts that are known better now; return how many rows that wrote.

    Raises:
        BadUsage: an epoch contradicts a stored one, or leaves a gap after them.
    """
    stored = difficulty_epochs(connection)
    new = [epoch for epoch in extend_difficulty(stored, epochs) if epoch not in set(stored)]
    with database_errors(), connection.transaction(), connection.cursor() as cursor:
        cursor.executemany(query("add_difficulty"), [asdict(epoch) for epoch in new])
        checkpoint("before_difficulty_commit")
    checkpoint("after_difficulty")
    return len(new)


def difficulty_epochs(connection: Connection) -> tuple[DifficultyEpoch, ...]:
    """Return the stored difficulty epochs, oldest first."""
    with database_errors(), connection.cursor(row_factory=class_row(DifficultyEpoch)) as cursor:
        return tuple(cursor.execute(query("difficulty_epochs")).fetchall())


def miner_models(connection: Connection) -> tuple[MinerModel, ...]:
    """Return the miner models, by name."""
    with database_errors(), connection.cursor(row_factory=class_row(MinerModel)) as cursor:
        return tuple(cursor.execute(query("miner_models")).fetchall())
