"""The content of stored versions, and what two versions of a date were made from."""

from dataclasses import dataclass
from datetime import date, datetime

from psycopg.rows import class_row

from reingest.curtailment.content import Content
from reingest.errors import NotFound
from reingest.store.candidates import MiningState
from reingest.store.database import Connection
from reingest.store.sql import query
from reingest.store.versions import VersionState, mining_of_version, periods_of, records_of, totals_of_version


@dataclass(frozen=True, slots=True)
class VersionFacts:
    """One version, and everything that its figures come from beside its payloads."""

    id: int
    number: int
    state: VersionState
    sides: list[str]
    register_id: int
    register_hash: str
    definitions: list[str]
    mining_inputs_hash: str
    mining_state: MiningState
    code_version: str
    content_hash: str
    created_at: datetime
    served_from: datetime | None
    served_to: datetime | None


def version_facts(connection: Connection, settlement_date: date, number: int) -> VersionFacts:
    """Return one version of a date.

    Raises:
        NotFound: the date has no version of that number.
    """
    with connection.cursor(row_factory=class_row(VersionFacts)) as cursor:
        cursor.execute(query("facts_of_version"), {"settlement_date": settlement_date, "number": number})
        found = cursor.fetchone()
    if found is None:
        raise _missing(settlement_date, f"{settlement_date} has no version {number}")
    return found


def current_number(connection: Connection, settlement_date: date) -> int:
    """Return the number of the version served.

    Raises:
        NotFound: nothing is served for the date.
    """
    return _served_numbers(connection, settlement_date)[0]


def numbers_to_compare(connection: Connection, settlement_date: date) -> tuple[int, int]:
    """Return the numbers of the versions that a person wants compared who names none, the older one first.

    A held version that is newer than the served one waits for a decision, and stands against it; where none waits,
    the served one stands against the one that it replaced.

    Raises:
        NotFound: nothing is served for the date, or nothing was before it.
    """
    served, *replaced = _served_numbers(connection, settlement_date)
    waiting = connection.execute(query("newest_held"), {"settlement_date": settlement_date, "after": served}).fetchone()
    if waiting is not None:
        return served, int(waiting[0])
    if not replaced:
        raise _missing(settlement_date, f"version {served} of {settlement_date} is its first; name two to compare")
    return replaced[0], served


def chosen_numbers(connection: Connection, settlement_date: date, a: int | None, b: int | None) -> tuple[int, int]:
    """Return the numbers of the versions to compare, as a person named both, the older one, or none.

    Raises:
        NotFound: the date does not have what the choice needs.
    """
    if a is None:
        return numbers_to_compare(connection, settlement_date)
    return a, b if b is not None else current_number(connection, settlement_date)


def content_of(connection: Connection, settlement_date: date, version: VersionFacts) -> Content:
    """Return what a stored version says.

    Args:
        connection: an autocommitting connection; in a snapshot, where the version may still be staged.
        settlement_date: the version's date.
        version: which one.
    """
    mining = mining_of_version(connection, version.id) if version.mining_state == "available" else None
    return Content(
        settlement_date=settlement_date,
        sides=tuple(side for side in ("bid", "offer") if side in version.sides),
        outcomes={(period.period, period.side): period.outcome for period in periods_of(connection, version.id)},
        records=records_of(connection, version.id),
        totals=totals_of_version(connection, version.id),
        mining=mining,
    )


def _served_numbers(connection: Connection, settlement_date: date) -> list[int]:
    rows = connection.execute(query("current_and_before"), {"settlement_date": settlement_date}).fetchall()
    if not rows:
        raise _missing(settlement_date, f"nothing is served for {settlement_date}")
    return [int(row[0]) for row in rows]


def _missing(settlement_date: date, detail: str) -> NotFound:
    return NotFound(detail, settlement_date=settlement_date, next_command="reingest versions {date}")
