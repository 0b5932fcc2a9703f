"""Re-ingest one settlement date: open the run, go through its stages, store how it ended."""

import logging
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from contextlib import ExitStack, asynccontextmanager, contextmanager, suppress
from typing import Any, Final

from reingest.checkpoints import checkpoint
from reingest.errors import (
    ArchiveError,
    Bug,
    Conflict,
    DatabaseError,
    DatabaseUnreachable,
    LeaseLost,
    Locked,
    PartialDate,
    PlanMoved,
    Refused,
    ReingestError,
    SourceError,
)
from reingest.lake.archive import Archive
from reingest.log_context import about
from reingest.operations.date_run import DateRun, Decision, EachBatch, Progress, fetch_batch
from reingest.operations.notices.delivering import deliver_notices_soon
from reingest.operations.notices.notice import notify
from reingest.operations.notices.of_dates import NOT_TOLD, failed_notice
from reingest.operations.outbox.delivering import deliver_soon
from reingest.operations.report import DateReport, report_of
from reingest.operations.request import DateRequest
from reingest.operations.services import DateServices, date_services
from reingest.operations.stages import Stage, stages_of
from reingest.settings import Settings
from reingest.store.database import bound_lock_waits, connect, database_errors
from reingest.store.migrate import require_schema
from reingest.store.runs import Run, RunKind, RunOutcome, add_run_events, begin_run, end_run

log = logging.getLogger(__name__)

_OUTCOME_OF_DECISION: dict[Decision, RunOutcome] = {"publish": "published", "hold": "held", "unchanged": "unchanged"}
_OUTCOME_OF_ERROR: tuple[tuple[type[ReingestError], RunOutcome], ...] = (
    (Refused, "refused"),
    (Locked, "locked"),
    (PartialDate, "partial"),
    (SourceError, "source_failed"),
    (ArchiveError, "source_failed"),
    (Conflict, "conflict"),
    (PlanMoved, "conflict"),
    (LeaseLost, "lease_lost"),
    (DatabaseError, "database_unreachable"),
)


STORED_WITHIN_SECONDS: Final = 10.0
"""How long a failed run waits to store its end: a session that a dead network left behind may hold its row."""

EachStage = Callable[[Stage, DateRun], Awaitable[None]]
"""How a stage is run."""


def no_progress(_stage: str, _done: int, _total: int) -> None:
    """Tell nobody."""


async def reingest_date(
    settings: Settings,
    database_url: str,
    request: DateRequest,
    progress: Progress = no_progress,
    services: DateServices | None = None,
) -> DateReport:
    """Rebuild one settlement date, prove the result, and swap it in; or plan that.

    Args:
        settings: of the site.
        database_url: of its database.
        request: what is asked.
        progress: is told how far each stage is.
        services: what this process lends to its dates; without it a date opens its own connections, and closes them.

    Returns:
        The report, of which `outcome` is published, unchanged, held or planned.

    Raises:
        FutureDate: the date has not begun.
        Locked: another run holds it.
        SourceError: Elexon, or the archive, did not give the periods.
        Moved: the date was published, or its lease taken, by another meanwhile.
        DatabaseError: Postgres cannot be used.
    """
    async with open_date_run(settings, database_url, request, progress, services=services) as run:
        return await go_through(run)


async def go_through(run: DateRun, each_stage: EachStage | None = None) -> DateReport:
    """Go through the run's stages, store how it ended, and return its report.

    Args:
        run: an open run.
        each_stage: how a stage is run; the Prefect flow makes a task of it.

    Raises:
        ReingestError: what a stage raises.
    """
    seconds: dict[str, float] = {}
    for stage in stages_of(run):
        began = time.perf_counter()
        await (each_stage or act)(stage, run)
        seconds[stage.name] = time.perf_counter() - began
    report = report_of(run, outcome_of_decision(run), seconds)
    close_run(run, report.outcome, seconds)
    return report


async def act(stage: Stage, run: DateRun) -> None:
    """Run one stage of a run, and log it; where the run's connection broke since the last one, over another.

    Raises:
        LeaseLost: the stage's connection was cut because the lease was lost.
        ReingestError: what the stage raises.
    """
    log.info("%s: %s", stage.name, stage.describe)
    try:
        run.reconnect()
        await stage.act(run)
    except DatabaseError:
        if stage.name != "publish":  # a publish reads back what became of it, and says so itself
            run.still_ours()
        raise
    checkpoint(f"after_{stage.name}")


@asynccontextmanager
async def open_date_run(
    settings: Settings,
    database_url: str,
    request: DateRequest,
    progress: Progress = no_progress,
    each_batch: EachBatch = fetch_batch,
    services: DateServices | None = None,
) -> AsyncIterator[DateRun]:
    """Open a run of a date for the block; an error that leaves the block is stored as the run's outcome.

    The lease, once a stage has taken it, is released at the block's end; people and sinks are told after that.
    """
    with ExitStack() as own:
        lent = services or own.enter_context(date_services(database_url))
        opened: DateRun | None = None
        try:
            with _opened(settings, database_url, request, progress, each_batch, lent) as run:
                opened = run
                yield run
        finally:
            if opened is not None and opened.told:
                await deliver_notices_soon(settings, database_url)
        # An unchanged date, too: the run before may have died between its publish and the news.
        if not request.plan and not request.stage:
            await deliver_soon(settings, database_url, request.settlement_date, lent.connections)


@contextmanager
def _opened(
    settings: Settings,
    database_url: str,
    request: DateRequest,
    progress: Progress,
    each_batch: EachBatch,
    services: DateServices,
) -> Iterator[DateRun]:
    purpose = f"run {request.settlement_date}"
    with services.connections.lend(purpose) as connection, ExitStack() as cleanup:
        require_schema(connection)
        bound_lock_waits(connection, settings.lease_ttl_seconds / 2)
        run = DateRun(
            settings=settings,
            database_url=database_url,
            request=request,
            run=_new_run(request),
            connection=connection,
            archive=Archive(settings.archive_folder),
            progress=progress,
            cleanup=cleanup,
            services=services,
            each_batch=each_batch,
        )
        begin_run(connection, run.run)
        with about(run_id=run.run.id, settlement_date=request.settlement_date), _stored_failure(run):
            request.refuse_the_future()
            yield run


def outcome_of_decision(run: DateRun) -> RunOutcome:
    """Return how a run ends that went through its stages."""
    return "planned" if run.request.plan else _OUTCOME_OF_DECISION[run.decision]


def close_run(run: DateRun, outcome: RunOutcome, seconds: Mapping[str, float]) -> None:
    """Store how a run ended, and how long its stages took.

    Raises:
        DatabaseUnreachable: Postgres cannot be reached.
    """
    try:
        _store_end(run, outcome, seconds)
    except DatabaseUnreachable as error:
        # What the run did is done, whatever became of the note of it: that is written over another connection.
        log.info("the end of the run is stored over another connection: %s", error)
        run.reconnect()
        _store_end(run, outcome, seconds, again=True)


def _store_end(run: DateRun, outcome: RunOutcome, seconds: Mapping[str, float], *, again: bool = False) -> None:
    events: list[tuple[str, str, dict[str, Any]]] = [
        (stage, "done", {"seconds": round(s, 3)}) for stage, s in seconds.items()
    ]
    if outcome == "planned":
        # Of a plan nothing else is kept: no version says what it would have done, nor which periods differ.
        differing = sorted(run.diff.by_period) if run.diff else []
        events.append(("verify", "planned", {"decision": run.decision, "periods": differing}))
    with database_errors(), run.connection.transaction():
        if end_run(run.connection, run.run, outcome, may_have_ended=again):
            add_run_events(run.connection, run.run, events)
    checkpoint("after_run_end")


def outcome_of_error(error: ReingestError) -> RunOutcome:
    """Return the run outcome that an error stands for."""
    return next((outcome for kind, outcome in _OUTCOME_OF_ERROR if isinstance(error, kind)), "bug")


def _new_run(request: DateRequest) -> Run:
    return Run(
        kind=_kind(request),
        settlement_date=request.settlement_date,
        periods=request.periods,
        sides=request.sides or ("bid", "offer"),
        source=request.source,
        reason=request.reason,
        flow_run_id=request.flow_run_id,
    )


def _kind(request: DateRequest) -> RunKind:
    if request.plan:
        return "plan"
    if request.sealed is not None:
        return "apply"
    return "stage" if request.stage else "reingest"


@contextmanager
def _stored_failure(run: DateRun) -> Iterator[None]:
    try:
        with database_errors():
            yield
    except ReingestError as error:
        error.settlement_date = error.settlement_date or run.settlement_date
        error.repeat_by(run.request.command)
        _store_failure(run, error)
        raise
    except Exception as error:
        # The edge of the run: a fault of ours is stored before it goes on its way. An interrupt is not stored: like a
        # kill, it leaves a run that has no end.
        _store_failure(run, Bug(f"{type(error).__name__}: {error}", settlement_date=run.settlement_date))
        raise


def _store_failure(run: DateRun, error: ReingestError) -> None:
    """Store how the run failed; where the database itself is what failed, the log has to do."""
    log.info("%s: %s", error.code, error)
    # It may be amid a transaction that holds the run's row, for which the other connection would wait.
    run.connection.close()
    outcome = outcome_of_error(error)
    with suppress(DatabaseError), connect(run.database_url, purpose="run failed") as connection:
        bound_lock_waits(connection, STORED_WITHIN_SECONDS)
        with database_errors(), connection.transaction():
            ended = end_run(connection, run.run, outcome, error, may_have_ended=True)
            if ended and run.request.tells_people and not run.request.plan and outcome not in NOT_TOLD:
                run.told = notify(connection, failed_notice(run, outcome, error))
            checkpoint("before_failure_commit")
        checkpoint("after_failure_commit")
