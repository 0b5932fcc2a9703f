"""What is known of BM units, for people: their histories, proposals, and what they have to do with served dates."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any, Literal, TypeVar

from psycopg.rows import class_row, dict_row

from reingest.errors import NotFound
from reingest.store.database import Connection, database_errors
from reingest.store.sql import query

Effect = Literal["came", "left", "lead_party"]
"""`came`: the unit counts as wind by now; `left`: it does not any more; `lead_party`: it is another's."""

_Row = TypeVar("_Row")


@dataclass(frozen=True, slots=True)
class RecordedUnit:
    """What was taken to be true of a unit, for which dates and as of when; capacities in MW.

    Attributes:
        valid_from: The first settlement date; None where it was so before all dates.
        valid_to: The date after the last; None where there is no end.
        recorded_to: None where it is taken to be true now.
        kind: The act that recorded it.
        reason: The person's, where a person did.
    """

    valid_from: date | None
    valid_to: date | None
    recorded_from: datetime
    recorded_to: datetime | None
    fuel_type: str | None
    lead_party_name: str | None
    lead_party_id: str | None
    name: str | None
    generation_capacity_mw: Decimal | None
    demand_capacity_mw: Decimal | None
    gsp_group_id: str | None
    gsp_group_name: str | None
    kind: str
    who: str | None
    reason: str | None


@dataclass(frozen=True, slots=True)
class Decision:
    """A person's decision that a unit counts as wind, or does not; `retired_at` is None where it is in force."""

    decision: str
    reason: str
    decided_at: datetime
    retired_at: datetime | None


@dataclass(frozen=True, slots=True)
class Proposal:
    """A fuel type that the register gives a unit which had none; `valid_from` is the day when it first did."""

    elexon_bm_unit: str
    fuel_type: str
    valid_from: date
    proposed_at: datetime
    state: str
    decided_at: datetime | None
    reason: str | None
    name: str | None
    lead_party_name: str | None
    generation_capacity_mw: Decimal | None


@dataclass(frozen=True, slots=True)
class UnitHistory:
    """All that is known of a unit.

    Attributes:
        said: What the register said of it last, untracked fields among them.
        recorded: Its history in both times, newest valid first.
    """

    bm_unit: str
    said: dict[str, Any] | None
    recorded: list[RecordedUnit]
    decisions: list[Decision]
    proposals: list[Proposal]


@dataclass(frozen=True, slots=True)
class AffectedDate:
    """A served date that the register as it is now would change, by one unit.

    Attributes:
        rows: The unit's rows that would become curtailment records, or that are; None where that is not known.
        energy_mwh: What its bids among them come to.
    """

    settlement_date: date
    bm_unit: str
    effect: Effect
    rows: int | None
    energy_mwh: Decimal | None
    stale_since: datetime | None


@dataclass(frozen=True, slots=True)
class UnmappedUnit:
    """A unit with bids on served dates, of which nobody said what it burns.

    Attributes:
        registered: Whether the register ever had it; where it had, it gave no fuel type on these dates.
        dates: On how many served dates it has rows.
        energy_mwh: What its bids come to on them.
    """

    bm_unit: str
    registered: bool
    name: str | None
    lead_party_name: str | None
    dates: int
    first: date
    last: date
    rows: int
    energy_mwh: Decimal


def unit_history(
    connection: Connection, bm_unit: str, *, as_of: date | None = None, recorded_at: datetime | None = None
) -> UnitHistory:
    """Return what is known of a unit, in both times.

    Args:
        connection: to read from.
        bm_unit: which one.
        as_of: only what was taken to be true of this settlement date.
        recorded_at: only what was recorded as of this instant.

    Raises:
        NotFound: the register never had the unit.
    """
    asked = {"bm_unit": bm_unit, "as_of": as_of, "recorded_at": recorded_at}
    if not _read(connection, RecordedUnit, "unit_recorded", bm_unit=bm_unit, as_of=None, recorded_at=None):
        raise NotFound(f"the register has no BM unit {bm_unit}", next_command="reingest units list --all")
    with database_errors(), connection.cursor(row_factory=dict_row) as cursor:
        said = cursor.execute(query("unit_said"), {"bm_unit": bm_unit}).fetchone()
    return UnitHistory(
        bm_unit=bm_unit,
        said=said,
        recorded=_read(connection, RecordedUnit, "unit_recorded", **asked),
        decisions=_read(connection, Decision, "unit_decisions", bm_unit=bm_unit),
        proposals=_read(connection, Proposal, "unit_proposals", bm_unit=bm_unit, every=True),
    )


def unit_proposals(connection: Connection, *, every: bool = False) -> list[Proposal]:
    """Return the proposals that wait for a person, oldest first; or every one there ever was."""
    return _read(connection, Proposal, "unit_proposals", bm_unit=None, every=every)


def affected_dates(
    connection: Connection,
    bm_units: Collection[str] = (),
    *,
    first: date | None = None,
    last: date | None = None,
) -> list[AffectedDate]:
    """Return the served dates whose figures the register as it is now would change, by date and unit.

    Args:
        connection: to read from.
        bm_units: only by these units; none for all.
        first: the first date looked at; None for the first of all.
        last: the last one.
    """
    asked = {"bm_units": [*bm_units], "first": first, "last": last}
    return _read(connection, AffectedDate, "affected_dates", **asked)


def unmapped_units(connection: Connection, first: date | None = None, last: date | None = None) -> list[UnmappedUnit]:
    """Return units with bids on the served dates of a span and no fuel type on them, the most energy first."""
    return _read(connection, UnmappedUnit, "unmapped_units", first=first, last=last)


def _read(connection: Connection, row_class: type[_Row], name: str, **parameters: object) -> list[_Row]:
    with database_errors(), connection.cursor(row_factory=class_row(row_class)) as cursor:
        return cursor.execute(query(name), parameters).fetchall()
