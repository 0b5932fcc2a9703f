"""Expected totals: what a person or another system says a date comes to, stored to be checked against."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import date

from psycopg.rows import class_row

from reingest.checkpoints import checkpoint
from reingest.curtailment.checks import ExpectedTotal
from reingest.curtailment.words import DefinitionName
from reingest.store.database import Connection, database_errors
from reingest.store.sql import query


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredExpectedTotal(ExpectedTotal):
    """An expected total of one date; `origin` says where it comes from."""

    settlement_date: date
    origin: str


def expected_totals(connection: Connection, settlement_date: date) -> list[StoredExpectedTotal]:
    """Return the expectations in force for a date, by definition."""
    with database_errors(), connection.cursor(row_factory=class_row(StoredExpectedTotal)) as cursor:
        return cursor.execute(query("expected_in_force"), {"settlement_date": settlement_date}).fetchall()


def set_expected_totals(connection: Connection, expected: Sequence[StoredExpectedTotal]) -> None:
    """Put expectations in force, all or none; the ones they replace are retired, not deleted."""
    with database_errors(), connection.transaction():
        for total in expected:
            connection.execute(query("retire_expected"), asdict(total))
            checkpoint("expected_retired")
            connection.execute(query("add_expected"), asdict(total))
        checkpoint("before_expected_commit")
    checkpoint("after_expected")


def retire_expected_totals(
    connection: Connection, settlement_date: date, definition: DefinitionName | None = None
) -> list[str]:
    """Take a date's expectations out of force, all or one; return the definitions that had one. No row is deleted."""
    with database_errors():
        retired = connection.execute(
            query("retire_expected_of_date"), {"settlement_date": settlement_date, "definition": definition}
        ).fetchall()
    checkpoint("after_expected_retired")
    return [row[0] for row in retired]
