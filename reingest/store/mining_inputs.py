"""The mining inputs in the database: difficulty epochs and miner models."""

from collections.abc import Sequence
from dataclasses import asdict
from datetime import date, datetime
from decimal import Decimal
from fractions import Fraction
from itertools import pairwise
from typing import Any

from psycopg.rows import class_row

from reingest.calendar import SettlementPeriod, settlement_periods
from reingest.checkpoints import checkpoint
from reingest.curtailment.difficulty import DifficultyEpoch, extend_difficulty
from reingest.curtailment.mining import MinerModel, MiningRate, MiningSegment, rate_of
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


class DifficultyTable:
    """The difficulty epochs, read once by whoever needs them often, and anew whenever any of them is another."""

    def __init__(self) -> None:
        """Know none yet."""
        self._hash: str | None = None
        self._epochs: tuple[DifficultyEpoch, ...] = ()

    def epochs(self, connection: Connection) -> tuple[DifficultyEpoch, ...]:
        """Return the stored difficulty epochs as they are now, oldest first."""
        with database_errors():
            rows = connection.execute(query("difficulty_unless_known"), {"known": self._hash}).fetchall()
        if rows:
            self._hash = rows[0][0]
            self._epochs = tuple(DifficultyEpoch(*row[1:]) for row in rows)
        return self._epochs


def miner_models(connection: Connection) -> tuple[MinerModel, ...]:
    """Return the miner models, by name."""
    with database_errors(), connection.cursor(row_factory=class_row(MinerModel)) as cursor:
        return tuple(cursor.execute(query("miner_models")).fetchall())


def rates_of_version(connection: Connection, version_id: int, settlement_date: date) -> tuple[MiningRate, ...]:
    """Return the mining rates of a version, made anew and exactly from the difficulties and rewards stored with it."""
    calendar = {period.number: period for period in settlement_periods(settlement_date)}
    with database_errors():
        rows = connection.execute(query("rates_of_version"), {"version_id": version_id}).fetchall()
    return tuple(
        rate_of(period, MinerModel(*model), _segments(calendar[period], difficulty, reward, stored))
        for period, difficulty, reward, stored, *model in rows
    )


def _segments(
    period: SettlementPeriod, difficulty: Decimal, reward: Decimal, stored: Sequence[dict[str, Any]] | None
) -> tuple[MiningSegment, ...]:
    """Return the parts of a period; where nothing changed inside it, none are stored."""
    if stored is None:
        return (MiningSegment(period.start, period.end, Fraction(1), difficulty, reward),)
    starts = [datetime.fromisoformat(one["start"]) for one in stored]
    return tuple(
        MiningSegment(start, end, Fraction(one["share"]), Decimal(one["difficulty"]), Decimal(one["reward"]))
        for one, (start, end) in zip(stored, pairwise([*starts, period.end]), strict=True)
    )
