"""What became of each period of each date of a span, and of each month: read in one query, whatever the span."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, timedelta
from functools import lru_cache
from typing import Literal, cast

from psycopg.rows import class_row

from reingest.calendar import period_count
from reingest.curtailment.outcomes import combine_outcomes
from reingest.curtailment.witness_rules import Verification
from reingest.curtailment.words import PeriodOutcome
from reingest.store.database import Connection
from reingest.store.sql import query

DateState = Literal["published", "held", "none"]


@dataclass(frozen=True, slots=True)
class DateStatus:
    """One date.

    Attributes:
        state: `published`; `held`: nothing is served, but a version could be; `none`.
        version: Number of the version served.
        held_version: Number of a held version that could be published now.
        stale: Whether the register as it is now would give other figures.
        verification: What Elexon's other datasets say of that version; None where neither is.
        periods: Outcome by settlement period, of the version served or else of the held one; empty where neither is.
    """

    settlement_date: date
    state: DateState
    version: int | None
    held_version: int | None
    provisional: bool
    verification: Verification | None
    periods: Mapping[int, PeriodOutcome]
    stale: bool = False


@dataclass(frozen=True, slots=True)
class MonthStatus:
    """One month that has versions: how many of its dates are served, provisional, have a held version, or are stale."""

    month: date
    published: int
    provisional: int
    held: int
    stale: int

    @property
    def expected(self) -> int:
        """How many dates the month has."""
        following = (self.month + timedelta(days=31)).replace(day=1)
        return (following - self.month).days


def status_of_dates(connection: Connection, start: date, end: date) -> list[DateStatus]:
    """Return every date from `start` until before `end`, published or not, in order."""
    rows = connection.execute(query("status_of_dates"), {"start": start, "end": end}).fetchall()
    return [
        replace(_status(*row[:3], provisional=row[3], cells=row[4], verification=row[6]), stale=row[5]) for row in rows
    ]


def status_of_months(connection: Connection) -> list[MonthStatus]:
    """Return every month that has a published or held version, oldest first."""
    with connection.cursor(row_factory=class_row(MonthStatus)) as cursor:
        return cursor.execute(query("status_of_months")).fetchall()


def _status(
    settlement_date: date,
    version: int | None,
    held_version: int | None,
    *,
    provisional: bool,
    cells: str | None,
    verification: Verification | None,
) -> DateStatus:
    state: DateState = "none"
    if version is not None:
        state = "published"
    elif held_version is not None:
        state = "held"
    periods = _periods(settlement_date, cells)
    return DateStatus(settlement_date, state, version, held_version, provisional, verification, periods)


def _periods(settlement_date: date, cells: str | None) -> dict[int, PeriodOutcome]:
    """Read `1:fetched,fetched 2:...`; a period of the calendar that is not there was not asked."""
    if cells is None:
        return {}
    pairs = (cell.split(":") for cell in cells.split(" "))
    found = {int(period): _combined(outcomes) for period, outcomes in pairs}
    return {number: found.get(number, "not_asked") for number in range(1, period_count(settlement_date) + 1)}


@lru_cache(maxsize=64)
def _combined(outcomes: str) -> PeriodOutcome:
    return combine_outcomes(cast("list[PeriodOutcome]", outcomes.split(",")))
