"""Run a range: freeze its dates, then go through them until every one has ended, or somebody or something stops it.

Several processes, on several machines, may work on one range at once: each joins with `resume_range`.
"""

from uuid import UUID

from reingest.checkpoints import checkpoint
from reingest.operations.date_run import Progress
from reingest.operations.notices.delivering import deliver_notices_soon
from reingest.operations.notices.notice import notify
from reingest.operations.ranges.claims import Claims
from reingest.operations.ranges.lanes import EachDate, Lanes, Stopping, run_plainly
from reingest.operations.ranges.notice import range_notice
from reingest.operations.ranges.processes import date_runner
from reingest.operations.ranges.report import RangeReport, end_of_row
from reingest.operations.ranges.request import RangeRequest
from reingest.operations.reingest import no_progress
from reingest.settings import Settings
from reingest.store.database import Connection, connect, database_errors
from reingest.store.migrate import require_schema
from reingest.store.ranges import dates_of_range, insert_range, range_by_id, state_now


async def run_range(
    settings: Settings,
    database_url: str,
    request: RangeRequest,
    progress: Progress = no_progress,
    each_date: EachDate = run_plainly,
    *,
    stopping: Stopping | None = None,
) -> RangeReport:
    """Run many dates; how each ended is in the report, whatever that is.

    Args:
        settings: as for one date; the rate is kept by all who work on any range, together.
        database_url: a Postgres URL or conninfo.
        request: which dates, and what is asked of each.
        progress: told how many dates have ended.
        each_date: what is around the run of one date.
        stopping: how the range may be asked to stop; cancelling breaks the dates under way off.

    Raises:
        Refused: the request cannot be run; nothing was begun.
        DatabaseError: Postgres cannot be used, and did not come back; the error's next command resumes the range.
    """
    range_id = freeze_range(database_url, request)
    return await resume_range(settings, database_url, range_id, progress, each_date, stopping=stopping)


def freeze_range(database_url: str, request: RangeRequest) -> UUID:
    """Store a range with its dates before the first one runs, so that it can be resumed whatever happens.

    Returns:
        Its id, by which it is resumed.

    Raises:
        Refused: the request cannot be run.
        DatabaseError: Postgres cannot be used.
    """
    request.require_usable()
    new = request.as_new_range()
    with connect(database_url, purpose=f"range {new.id}") as connection:
        require_schema(connection)
        insert_range(connection, new, request.dates)
    return new.id


async def resume_range(  # noqa: PLR0913  (what it takes is what its callers decide)
    settings: Settings,
    database_url: str,
    range_id: UUID,
    progress: Progress = no_progress,
    each_date: EachDate = run_plainly,
    *,
    jobs: int | None = None,
    stopping: Stopping | None = None,
) -> RangeReport:
    """Go on with a range, or join those who work on it; what has ended is not run again.

    Args:
        settings: as for `run_range`.
        database_url: likewise.
        range_id: which range.
        progress: told how many of the dates that were left have ended.
        each_date: what is around the run of one date.
        jobs: how many dates at once here; None for as many as the range was begun with.
        stopping: how it may be asked to stop.

    Raises:
        NotFound: there is no such range.
        DatabaseError: Postgres cannot be used, and did not come back.
    """
    claims = Claims.open(database_url, range_id)
    with claims.until_left():
        claims.reopen()
        count = jobs or claims.stored.jobs
        # Also of one job: another machine may join at any time, and all of them keep the rate together.
        shared = settings.model_copy(update={"rate_gate": "shared"})
        async with date_runner(shared, database_url, claims.stored, count) as run_date:
            lanes = Lanes(claims, run_date, each_date, progress, stopping or Stopping(), count)
            await lanes.go()
            await lanes.finish(lambda: _tell(claims.connection, report_of_range(claims.connection, range_id)))
    report = _report_after(database_url, range_id, claims)
    await deliver_notices_soon(settings, database_url)
    return report


def _report_after(database_url: str, range_id: UUID, claims: Claims) -> RangeReport:
    """Return what a range came to, over a new connection; of one that broke off here, people are told."""
    with connect(database_url, purpose=f"range {range_id}") as connection:
        report = report_of_range(connection, range_id, claims)
        if report.error is not None:
            with database_errors(), connection.transaction():
                _tell(connection, report)
                checkpoint("before_range_notice_commit")
            checkpoint("after_range_notice")
    return report


def _tell(connection: Connection, report: RangeReport) -> None:
    """Tell people of a range, if there is news."""
    notice = range_notice(report)
    if notice is not None:
        notify(connection, notice)


def report_of_range(connection: Connection, range_id: UUID, claims: Claims | None = None) -> RangeReport:
    """Return what a range came to, as it stands.

    Args:
        connection: to the range's database.
        range_id: which range.
        claims: of the process that has just worked on it, if one has.

    Raises:
        NotFound: there is no such range.
    """
    stored = range_by_id(connection, range_id)
    return RangeReport(
        range_id=range_id,
        kind=stored.kind,
        state="done" if stored.state == "done" else "interrupted",
        plan=stored.plan,
        ends=tuple(map(end_of_row, dates_of_range(connection, range_id))),
        error=claims.stopped_by if claims and stored.state != "done" else None,
        is_running=claims is None and state_now(stored.state, alive=stored.alive) == "running",
    )
