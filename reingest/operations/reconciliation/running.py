"""Reconcile: decide what is due, go through it as a range, judge every date, and tell people what changed.

A reconciliation that was broken off, by a kill or a lost database, is finished by the next one before that decides what
is due; one that another process works on is joined. So no date is asked twice, and no change goes untold.
"""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from reingest.calendar import settlement_date_of
from reingest.checkpoints import checkpoint
from reingest.clock import utc_now
from reingest.curtailment.checks import ChangeLimits
from reingest.errors import ReingestError
from reingest.ids import new_id
from reingest.operations.date_run import Progress
from reingest.operations.notices.delivering import deliver_notices_soon
from reingest.operations.notices.notice import notify
from reingest.operations.ranges.lanes import EachDate, Stopping, run_plainly
from reingest.operations.ranges.report import RangeReport
from reingest.operations.ranges.request import RangeRequest
from reingest.operations.ranges.running import freeze_range, resume_range
from reingest.operations.reconciliation.due import DueDate, DueRules, due_dates
from reingest.operations.reconciliation.messages import notices_of
from reingest.operations.reconciliation.report import ReconcileReport
from reingest.operations.reconciliation.request import ReconcileRequest
from reingest.operations.reconciliation.verdicts import Found, judged
from reingest.operations.reingest import no_progress
from reingest.settings import Settings
from reingest.store.database import Connection, connect, database_errors
from reingest.store.migrate import require_schema
from reingest.store.ranges import range_by_id
from reingest.store.reconciliation import (
    JudgedDate,
    Made,
    NewReconciliation,
    Reconciliation,
    begin_reconciliation,
    dates_in_work,
    dates_of,
    end_reconciliation,
    judge_dates,
    known_dates,
    lock_new_reconciliations,
    lock_reconciliation,
    made_by,
    planned_by,
    run_reason,
    running_reconciliations,
)
from reingest.store.settlement_runs import settlement_runs

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class _Act:
    """What every reconciliation of one call shares; see `reconcile`."""

    settings: Settings
    database_url: str
    progress: Progress
    each_date: EachDate
    stopping: Stopping


async def reconcile(
    settings: Settings,
    database_url: str,
    request: ReconcileRequest,
    progress: Progress = no_progress,
    each_date: EachDate = run_plainly,
    *,
    stopping: Stopping | None = None,
) -> ReconcileReport:
    """Compare every date that is due with the source, and do what the policy says with those that differ.

    Args:
        settings: as for one date.
        database_url: a Postgres URL or conninfo.
        request: by which policy.
        progress: told how many dates have ended.
        each_date: what is around the run of one date.
        stopping: how it may be asked to stop; what was not come to stays due.

    Returns:
        The report, also of reconciliations that were broken off before and are finished now.

    Raises:
        DatabaseError: Postgres cannot be used, and did not come back; the next reconciliation finishes this one.
    """
    act = _Act(settings, database_url, progress, each_date, stopping or Stopping())
    report = await _go_on(act, ReconcileReport())
    if act.stopping.asked:
        return report
    begun = _begin(settings, database_url, request)
    if begun is None:  # nothing is due, or another process has just begun with what was
        return await _go_on(act, report)
    return report.joined(await _go_through(act, begun))


def due_now(settings: Settings, connection: Connection, *, repairs: bool) -> tuple[DueDate, ...]:
    """Return the dates that are due now and that no reconciliation is at already, the newest first.

    Args:
        settings: the window.
        connection: to the database.
        repairs: whether differences are mended, and not only reported.
    """
    now = utc_now()
    today = settlement_date_of(now)
    window_start = today - timedelta(days=settings.reconcile_window_days)
    rules = DueRules(now, window_start, repairs, tuple(settlement_runs(connection)))
    in_work = dates_in_work(connection)
    known = known_dates(connection, window_start, today)
    return due_dates((one for one in known if one.settlement_date not in in_work), rules)


def _begin(settings: Settings, database_url: str, request: ReconcileRequest) -> Reconciliation | None:
    """Decide what is due and write it down, with the range that goes through it; None where nothing is."""
    with connect(database_url, purpose="reconcile") as connection, database_errors():
        with connection.transaction():
            lock_new_reconciliations(connection)
            due = due_now(settings, connection, repairs=request.repairs)
            if not due:
                return None
            # The range first, and committed: one that nobody begins is nothing, a reconciliation without one is stuck.
            new = _freeze(database_url, request, due)
            begun = begin_reconciliation(connection, new, [(one.settlement_date, one.reason, one.since) for one in due])
            checkpoint("before_reconciliation_commit")
        checkpoint("after_reconciliation_begun")
        return begun


def _freeze(database_url: str, request: ReconcileRequest, due: Sequence[DueDate]) -> NewReconciliation:
    reconciliation_id, limits = new_id(), request.limits or ChangeLimits()
    wanted = RangeRequest(
        dates=tuple(one.settlement_date for one in due),
        kind="reconcile",
        plan=not request.repairs,
        limits=request.limits,
        jobs=request.jobs,
        reason=run_reason(reconciliation_id),
        flow_run_id=request.flow_run_id,
    )
    return NewReconciliation(
        id=reconciliation_id,
        range_id=freeze_range(database_url, wanted),
        policy=request.policy,
        payment_limit_gbp=limits.payment_gbp,
        energy_limit_mwh=limits.energy_mwh,
        jobs=request.jobs,
        flow_run_id=request.flow_run_id,
    )


async def _go_on(act: _Act, report: ReconcileReport) -> ReconcileReport:
    """Go through the reconciliations without an end that the report does not have: of dead processes, or shared."""
    with connect(act.database_url, purpose="reconcile") as connection:
        require_schema(connection)
        found = [one for one in running_reconciliations(connection) if one not in report.reconciliations]
    for one in found:
        log.info("reconciliation %s of %s is gone on with", one.id, one.started_at)
        report = report.joined(await _go_through(act, one))
    return report


async def _go_through(act: _Act, reconciliation: Reconciliation) -> ReconcileReport:
    gone_through = await resume_range(
        act.settings,
        act.database_url,
        reconciliation.range_id,
        act.progress,
        act.each_date,
        stopping=act.stopping,
    )
    checkpoint("before_verdicts")
    with connect(act.database_url, purpose="reconcile") as connection:
        dates = _judge(connection, reconciliation, gone_through)
    await deliver_notices_soon(act.settings, act.database_url)
    return ReconcileReport((reconciliation,), tuple(dates), gone_through.error)


def _judge(connection: Connection, reconciliation: Reconciliation, gone_through: RangeReport) -> list[JudgedDate]:
    """Store the verdicts and tell people, in one transaction; whoever comes second reads what the first has stored."""
    with database_errors(), connection.transaction():
        if lock_reconciliation(connection, reconciliation):
            due = dates_of(connection, reconciliation.id)
            made = made_by(connection, reconciliation, [one.settlement_date for one in due])
            judge_dates(connection, reconciliation, _verdicts(connection, reconciliation, gone_through, due, made))
            if not _others_go_on(connection, gone_through):
                end_reconciliation(connection, reconciliation, gone_through.state)
                _tell(connection, reconciliation, made, gone_through.error)
            checkpoint("before_verdicts_commit")
    checkpoint("after_verdicts")
    return dates_of(connection, reconciliation.id)


def _tell(
    connection: Connection, reconciliation: Reconciliation, made: Mapping[date, Made], broken_off: ReingestError | None
) -> None:
    newly_held = {day for day, one in made.items() if not one.published}
    for notice in notices_of(reconciliation, dates_of(connection, reconciliation.id), newly_held, broken_off):
        notify(connection, notice)


def _verdicts(
    connection: Connection,
    reconciliation: Reconciliation,
    gone_through: RangeReport,
    due: Sequence[JudgedDate],
    made: Mapping[date, Made],
) -> list[JudgedDate]:
    ends = {end.settlement_date: end for end in gone_through.ends}
    planned = planned_by(connection, reconciliation, ends)
    found = {day: Found(ends.get(day), made.get(day), planned.get(day)) for day in ends}
    return [judged(one, found.get(one.settlement_date, Found())) for one in due]


def _others_go_on(connection: Connection, gone_through: RangeReport) -> bool:
    """Tell whether this process was stopped, and another one still works on the range: it is for that one to end."""
    return gone_through.state == "interrupted" and range_by_id(connection, gone_through.range_id).alive
