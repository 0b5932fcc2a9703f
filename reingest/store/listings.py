"""Rows as they stand, through the SQLModel tables: runs, versions, expected totals, BM units."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from uuid import UUID

from sqlmodel import Session, and_, col, or_, select

from reingest.curtailment.words import DEFAULT_DEFINITION
from reingest.errors import NotFound
from reingest.store.tables import (
    BmUnit,
    DailySummary,
    DifficultyEpoch,
    ExpectedTotal,
    Fetch,
    Register,
    Run,
    RunEvent,
    UnitOverride,
    Version,
)


@dataclass(frozen=True, slots=True)
class ListedVersion:
    """A version with its totals by the default definition: MWh and GBP."""

    version: Version
    energy_mwh: Decimal | None
    payment_gbp: Decimal | None


@dataclass(frozen=True, slots=True)
class ListedUnit:
    """A BM unit of the register in force, with a person's decision on it, and whether it counts as wind."""

    unit: BmUnit
    override: UnitOverride | None

    @property
    def wind(self) -> bool:
        """Fuel type WIND, less the excluded, plus the included."""
        return self.override.decision == "include" if self.override else self.unit.fuel_type == "WIND"


@dataclass(frozen=True, slots=True)
class RunInFull:
    """A run with its log, and how its requests were answered.

    Attributes:
        answers: How many answers there were by status.
        outcomes: How many by what was read of them.
        attempts: How many took so many attempts.
        failed: The answers that were refusals, or could not be read.
    """

    run: Run
    events: Sequence[RunEvent]
    answers: dict[int, int]
    outcomes: dict[str, int]
    attempts: dict[int, int]
    failed: Sequence[Fetch]
    version: Version | None


def list_runs(
    session: Session, *, settlement_date: date | None = None, outcome: str | None = None, limit: int = 20
) -> Sequence[Run]:
    """Return runs, newest first."""
    statement = select(Run).order_by(col(Run.started_at).desc(), col(Run.id).desc()).limit(limit)
    if settlement_date is not None:
        statement = statement.where(Run.settlement_date == settlement_date)
    if outcome is not None:
        statement = statement.where(Run.outcome == outcome)
    return session.exec(statement).all()


def run_in_full(session: Session, run_id: UUID) -> RunInFull:
    """Return one run with its log.

    Raises:
        NotFound: there is no such run.
    """
    run = session.get(Run, run_id)
    if run is None:
        raise NotFound(f"there is no run {run_id}", next_command="reingest run list")
    events = session.exec(select(RunEvent).where(RunEvent.run_id == run_id).order_by(col(RunEvent.id))).all()
    in_order = (col(Fetch.dataset), col(Fetch.period), col(Fetch.side), col(Fetch.id))
    fetches = session.exec(select(Fetch).where(Fetch.run_id == run_id).order_by(*in_order)).all()
    return RunInFull(
        run,
        events,
        answers=dict(Counter(fetch.status for fetch in fetches)),
        outcomes=dict(Counter(fetch.outcome for fetch in fetches)),
        attempts=dict(sorted(Counter(fetch.attempts for fetch in fetches).items())),
        failed=[fetch for fetch in fetches if fetch.outcome in {"refused", "unreadable"}],
        version=session.get(Version, run.version_id) if run.version_id is not None else None,
    )


def list_versions(session: Session, settlement_date: date) -> list[ListedVersion]:
    """Return a date's versions, newest first."""
    by_default = and_(
        col(DailySummary.version_id) == col(Version.id), col(DailySummary.definition) == DEFAULT_DEFINITION
    )
    statement = (
        select(Version, DailySummary)
        .join(DailySummary, by_default, isouter=True)
        .where(Version.settlement_date == settlement_date)
        .order_by(col(Version.number).desc())
    )
    return [_listed(version, total) for version, total in session.exec(statement)]


def list_expected(session: Session, start: date | None = None, end: date | None = None) -> Sequence[ExpectedTotal]:
    """Return the expected totals in force, by date and definition; of all dates, or from `start` until before `end`."""
    statement = select(ExpectedTotal).where(col(ExpectedTotal.retired_at).is_(None))
    if start is not None and end is not None:
        statement = statement.where(ExpectedTotal.settlement_date >= start, ExpectedTotal.settlement_date < end)
    return session.exec(statement.order_by(col(ExpectedTotal.settlement_date), col(ExpectedTotal.definition))).all()


def list_units(session: Session, settlement_date: date, *, every: bool = False) -> list[ListedUnit]:
    """Return the BM units that count as wind on a date as recorded now, by id; or every one of the register.

    Raises:
        NotFound: the register was never fetched.
    """
    if _newest_register(session) is None:
        raise NotFound("the register of BM units was never fetched", next_command="reingest units refresh")
    decision = and_(
        col(UnitOverride.elexon_bm_unit) == col(BmUnit.elexon_bm_unit), col(UnitOverride.retired_at).is_(None)
    )
    statement = (
        select(BmUnit, UnitOverride)
        .join(UnitOverride, decision, isouter=True)
        .where(
            col(BmUnit.recorded_to).is_(None),
            or_(col(BmUnit.valid_from).is_(None), col(BmUnit.valid_from) <= settlement_date),
            or_(col(BmUnit.valid_to).is_(None), col(BmUnit.valid_to) > settlement_date),
        )
        .order_by(col(BmUnit.elexon_bm_unit))
    )
    if not every:
        statement = statement.where(or_(col(BmUnit.fuel_type) == "WIND", col(UnitOverride.id).is_not(None)))
    units = [ListedUnit(unit, override) for unit, override in session.exec(statement)]
    return [unit for unit in units if every or unit.wind]


def has_unit(session: Session, bm_unit: str) -> bool | None:
    """Tell whether the unit was ever in the register; None where the register was never fetched."""
    if _newest_register(session) is None:
        return None
    return session.exec(select(BmUnit.id).where(BmUnit.elexon_bm_unit == bm_unit).limit(1)).first() is not None


def list_difficulty(session: Session) -> Sequence[DifficultyEpoch]:
    """Return the difficulty epochs, oldest first."""
    return session.exec(select(DifficultyEpoch).order_by(col(DifficultyEpoch.number))).all()


def _newest_register(session: Session) -> int | None:
    return session.exec(select(Register.id).order_by(col(Register.id).desc())).first()


def _listed(version: Version, total: DailySummary | None) -> ListedVersion:
    return ListedVersion(version, *((total.energy_mwh, total.payment_gbp) if total else (None, None)))
