"""Expected totals: what a person or another system says a date comes to, stored to be checked against."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import date
from decimal import Decimal

from psycopg.rows import class_row

from reingest.curtailment.words import DefinitionName
from reingest.store.database import Connection, database_errors
from reingest.store.sql import query

ENERGY_TOLERANCE_MWH = Decimal("0.001")
PAYMENT_TOLERANCE_GBP = Decimal("0.01")


@dataclass(frozen=True, slots=True)
class ExpectedTotal:
    """An expectation: energy in MWh, payment in GBP, either may be None; `origin` says where it comes from."""

    settlement_date: date
    definition: DefinitionName
    energy_mwh: Decimal | None
    payment_gbp: Decimal | None
    energy_tolerance_mwh: Decimal = ENERGY_TOLERANCE_MWH
    payment_tolerance_gbp: Decimal = PAYMENT_TOLERANCE_GBP
    origin: str = "command line"


def expected_totals(connection: Connection, settlement_date: date) -> list[ExpectedTotal]:
    """Return the expectations in force for a date, by definition."""
    with database_errors(), connection.cursor(row_factory=class_row(ExpectedTotal)) as cursor:
        return cursor.execute(query("expected_in_force"), {"settlement_date": settlement_date}).fetchall()


def set_expected_totals(connection: Connection, expected: Sequence[ExpectedTotal]) -> None:
    """Put expectations in force, all or none; the ones they replace are retired, not deleted."""
    with database_errors(), connection.transaction():
        for total in expected:
            connection.execute(query("retire_expected"), asdict(total))
            connection.execute(query("add_expected"), asdict(total))
