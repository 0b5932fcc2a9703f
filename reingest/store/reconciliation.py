"""Reconciliations as they are stored: what is known of dates, what was due, and the verdicts."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from typing import Any, Literal, TypeVar
from uuid import UUID

from psycopg.rows import class_row, dict_row
from psycopg.types.json import Jsonb

from reingest import __version__
from reingest.checkpoints import checkpoint
from reingest.curtailment.exact import exactly, plain
from reingest.curtailment.words import DEFAULT_DEFINITION
from reingest.errors import Bug
from reingest.settings import ReconcilePolicy
from reingest.store.database import Connection, database_errors
from reingest.store.runs import Holder
from reingest.store.sql import query

_Row = TypeVar("_Row")

ReconciliationState = Literal["running", "done", "interrupted"]
Verdict = Literal["same", "changed", "missing", "repaired", "published", "held", "failed", "locked"]


@dataclass(frozen=True, slots=True)
class KnownDate:
    """What is known of a settlement date. Instants are aware UTC, None where there is nothing of the kind.

    Attributes:
        served: Whether a version of it is served.
        heard_from: When the newest run began that heard all of it from Elexon.
        held_from: When the run began that made its held version, where it has one that could be published.
        stale_from: Since when the register would change its figures.
        provisional_until: When Elexon's second run of it is due, where it is provisional.
        reported_at: When a difference of it was reported that nothing became of since.
    """

    settlement_date: date
    served: bool
    heard_from: datetime | None = None
    held_from: datetime | None = None
    stale_from: datetime | None = None
    provisional_until: datetime | None = None
    reported_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Moved:
    """A figure before and after; None where nothing was, or is, served."""

    before: Decimal | None = None
    after: Decimal | None = None

    @property
    def change(self) -> Decimal | None:
        """By how much it moved, exact; None where one of the two is not known."""
        if self.before is None or self.after is None:
            return None
        with exactly():
            return self.after - self.before


@dataclass(frozen=True, slots=True)
class Figures:
    """What became of a date's figures by the default definition: MWh, GBP, BTC by miner model.

    Attributes:
        periods: The settlement periods that differ; None where that is not known.
    """

    energy_mwh: Moved = Moved()
    payment_gbp: Moved = Moved()
    btc: Mapping[str, Moved] = field(default_factory=dict)
    periods: tuple[int, ...] | None = None


@dataclass(frozen=True, slots=True)
class JudgedDate:
    """One date of a reconciliation, judged or not: why it was due, and what was found.

    Attributes:
        verdict: None where it was not come to.
        version: The version that was published or held, or that is served unchanged.
        error: Code, message and next command of what failed.
    """

    settlement_date: date
    reason: str
    due_since: datetime
    verdict: Verdict | None = None
    run_id: UUID | None = None
    version: int | None = None
    figures: Figures = Figures()
    error: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class Made:
    """What runs of a reconciliation made of a date: a version that they published or held.

    Attributes:
        published: Whether it was published; else it is held.
        served_before: Whether the date was served when the reconciliation began.
    """

    run_id: UUID
    version: int
    published: bool
    served_before: bool
    figures: Figures


@dataclass(frozen=True, slots=True)
class Planned:
    """What a plan would have done with a date.

    Attributes:
        periods: The settlement periods that differ.
        served: Whether the date is served; if so, with these figures by the default definition, MWh and GBP.
    """

    settlement_date: date
    decision: Literal["publish", "hold", "unchanged"]
    periods: list[int]
    served: bool
    energy_mwh: Decimal | None
    payment_gbp: Decimal | None


@dataclass(frozen=True, slots=True)
class NewReconciliation:
    """A reconciliation to be: GBP and MWh are limits of change, None where there is none."""

    id: UUID
    range_id: UUID
    policy: ReconcilePolicy
    payment_limit_gbp: Decimal | None
    energy_limit_mwh: Decimal | None
    jobs: int
    flow_run_id: UUID | None


@dataclass(frozen=True, slots=True)
class Reconciliation:
    """One comparison of the dates that were due with the source: GBP and MWh are limits of change.

    Attributes:
        range_id: The range that goes through its dates.
    """

    id: UUID
    range_id: UUID
    policy: ReconcilePolicy
    payment_limit_gbp: Decimal | None
    energy_limit_mwh: Decimal | None
    jobs: int
    started_at: datetime


@dataclass(frozen=True, slots=True)
class ListedReconciliation:
    """A reconciliation with how many of its dates got which verdict."""

    id: UUID
    range_id: UUID
    policy: ReconcilePolicy
    payment_limit_gbp: Decimal | None
    energy_limit_mwh: Decimal | None
    jobs: int
    holder: str
    host: str
    flow_run_id: UUID | None
    started_at: datetime
    finished_at: datetime | None
    state: ReconciliationState
    verdicts: Mapping[str, int]


def run_reason(reconciliation_id: UUID) -> str:
    """Return the reason that a reconciliation's runs are stored with: by it they are known to be its own."""
    return f"reconciliation {reconciliation_id}"


def known_dates(connection: Connection, window_start: date, window_end: date) -> list[KnownDate]:
    """Return what is known of every date of a window, and of every other date with versions, in order."""
    return _read(connection, KnownDate, "known_dates", window_start=window_start, window_end=window_end)


def dates_in_work(connection: Connection) -> frozenset[date]:
    """Return the dates that a reconciliation under way has not judged yet."""
    with database_errors():
        return frozenset(row[0] for row in connection.execute(query("dates_in_work")))


def begin_reconciliation(
    connection: Connection, new: NewReconciliation, due: Sequence[tuple[date, str, datetime]]
) -> Reconciliation:
    """Store what is due and by which policy; in the caller's transaction, in which it was decided.

    Args:
        connection: in a transaction.
        new: what is asked; the range has the same dates.
        due: the dates in order, each with its reason and since when.
    """
    row = {name: getattr(new, name) for name in NewReconciliation.__dataclass_fields__}
    with database_errors():
        begun = connection.execute(
            query("begin_reconciliation"), Holder(new.id).as_row() | row | {"code_version": __version__}
        ).fetchone()
        with connection.cursor() as cursor, cursor.copy(query("copy_reconciliation_dates")) as copy:
            for position, (settlement_date, reason, since) in enumerate(due, start=1):
                copy.write_row((new.id, settlement_date, position, reason, since))
        checkpoint("reconciliation_begun")
    if begun is None:
        raise Bug("an insert returned no reconciliation")
    limits = (new.payment_limit_gbp, new.energy_limit_mwh)
    return Reconciliation(new.id, new.range_id, new.policy, *limits, new.jobs, started_at=begun[0])


def lock_new_reconciliations(connection: Connection) -> None:
    """Let nobody else decide what is due until the caller's transaction ends."""
    with database_errors():
        connection.execute(query("lock_new_reconciliations"))


def running_reconciliations(connection: Connection) -> list[Reconciliation]:
    """Return the reconciliations without an end, those of dead processes among them, the oldest first."""
    return _read(connection, Reconciliation, "running_reconciliations")


def made_by(connection: Connection, reconciliation: Reconciliation, dates: Iterable[date]) -> dict[date, Made]:
    """Return what runs of a reconciliation made, by date, told from what is stored."""
    rows = _rows(
        connection,
        "made_by_reconciliation",
        id=reconciliation.id,
        started_at=reconciliation.started_at,
        dates=list(dates),
        definition=DEFAULT_DEFINITION,
    )
    return {
        row["settlement_date"]: Made(
            row["run_id"], row["version"], row["published"], row["served_before"], _figures(row)
        )
        for row in rows
    }


def planned_by(connection: Connection, reconciliation: Reconciliation, dates: Iterable[date]) -> dict[date, Planned]:
    """Return what plans of a reconciliation would have done, by date."""
    told = _read(
        connection,
        Planned,
        "planned_by_reconciliation",
        id=reconciliation.id,
        started_at=reconciliation.started_at,
        dates=list(dates),
        definition=DEFAULT_DEFINITION,
    )
    return {one.settlement_date: one for one in told}


def dates_of(connection: Connection, reconciliation_id: UUID) -> list[JudgedDate]:
    """Return the dates of a reconciliation with their verdicts, in the order in which they were due."""
    return [
        JudgedDate(
            row["settlement_date"],
            row["reason"],
            row["due_since"],
            row["verdict"],
            row["run_id"],
            row["version"],
            _figures(row),
            row["error"],
        )
        for row in _rows(connection, "dates_of_reconciliation", id=reconciliation_id)
    ]


def judge_dates(connection: Connection, reconciliation: Reconciliation, judged: Iterable[JudgedDate]) -> None:
    """Store verdicts, in the caller's transaction; a date that has one keeps it."""
    rows = [_judged_row(reconciliation.id, one) for one in judged if one.verdict is not None]
    with database_errors(), connection.cursor() as cursor:
        cursor.executemany(query("judge_date"), rows)
    checkpoint("dates_judged")


def lock_reconciliation(connection: Connection, reconciliation: Reconciliation) -> bool:
    """Keep others from ending a reconciliation until the transaction ends; return whether it is still running."""
    with database_errors():
        row = connection.execute(query("lock_reconciliation"), {"id": reconciliation.id}).fetchone()
    if row is None:
        raise Bug(f"reconciliation {reconciliation.id} is gone")
    return bool(row[0] == "running")


def end_reconciliation(connection: Connection, reconciliation: Reconciliation, state: ReconciliationState) -> None:
    """Store how a reconciliation ended, in the caller's transaction."""
    with database_errors():
        connection.execute(query("end_reconciliation"), {"id": reconciliation.id, "state": state})


def listed_reconciliations(
    connection: Connection, *, limit: int = 20, reconciliation_id: UUID | None = None
) -> list[ListedReconciliation]:
    """Return reconciliations, the newest first, or the one of an id."""
    return _read(connection, ListedReconciliation, "listed_reconciliations", id=reconciliation_id, limit=limit)


def _judged_row(reconciliation_id: UUID, one: JudgedDate) -> dict[str, Any]:
    figures = one.figures
    return {
        "id": reconciliation_id,
        "settlement_date": one.settlement_date,
        "verdict": one.verdict,
        "run_id": one.run_id,
        "version": one.version,
        "energy_before_mwh": figures.energy_mwh.before,
        "energy_after_mwh": figures.energy_mwh.after,
        "payment_before_gbp": figures.payment_gbp.before,
        "payment_after_gbp": figures.payment_gbp.after,
        "btc": Jsonb({model: _texts(moved) for model, moved in figures.btc.items()}),
        "periods": None if figures.periods is None else list(figures.periods),
        "error": Jsonb(dict(one.error)) if one.error else None,
    }


def _texts(moved: Moved) -> dict[str, str | None]:
    sides = {"before": moved.before, "after": moved.after}
    return {side: None if value is None else plain(value) for side, value in sides.items()}


def _figures(row: Mapping[str, Any]) -> Figures:
    return Figures(
        Moved(row["energy_before_mwh"], row["energy_after_mwh"]),
        Moved(row["payment_before_gbp"], row["payment_after_gbp"]),
        {model: Moved(_number(texts["before"]), _number(texts["after"])) for model, texts in row["btc"].items()},
        None if row["periods"] is None else tuple(row["periods"]),
    )


def _number(text: str | None) -> Decimal | None:
    return None if text is None else Decimal(text)


def _rows(connection: Connection, name: str, **parameters: object) -> list[dict[str, Any]]:
    with database_errors(), connection.cursor(row_factory=dict_row) as cursor:
        return cursor.execute(query(name), parameters).fetchall()


def _read(connection: Connection, row_class: type[_Row], name: str, **parameters: object) -> list[_Row]:
    with database_errors(), connection.cursor(row_factory=class_row(row_class)) as cursor:
        return cursor.execute(query(name), parameters).fetchall()
