"""The flow that stages periods of a date, and publishes the date when its calendar is complete, if that is asked.

Nothing that is served changes before the publish, whose stages are those of `reingest-date`, each a task. What staging
is stands in `reingest.operations.staging`.
"""

from contextlib import suppress
from datetime import date
from typing import Annotated, Literal
from uuid import UUID

from prefect import flow
from prefect.artifacts import acreate_table_artifact
from prefect.client.schemas.objects import State, StateType
from prefect.runtime import flow_run

from flows.artifacts import ProgressArtifact, show_error, show_report
from flows.forms import shown
from flows.reingest_date import PERIODS_PATTERN, batches_as_tasks, run_stages
from flows.states import state_of_error, state_of_report
from reingest.errors import BadUsage, ReingestError
from reingest.operations.request import SIDES_OF_CHOICE, DateRequest, staging_request
from reingest.operations.staging.publishing import staged_request
from reingest.operations.staging.stage_run import stage_periods
from reingest.operations.staging.staged_date import StagedDate, read_staged_date
from reingest.operations.staging.staged_text import staged_rows, staged_sentence
from reingest.settings import load_settings
from reingest.store.database import connect
from reingest.store.migrate import require_schema
from reingest.store.server import ensure_database
from reingest.tuning import keep_imports, tune_process

Publish = Literal["only stage", "when complete"]


@flow(name="staged-reingest", flow_run_name="stage {settlement_date} {periods}", retries=0, persist_result=False)
async def staged_reingest(
    settlement_date: Annotated[date, shown("Settlement date")],
    periods: Annotated[str, shown("Periods to stage", pattern=PERIODS_PATTERN)] = "",
    publish: Annotated[Publish, shown("Publish")] = "only stage",
    side: Annotated[Literal["both", "bid"], shown("Stacks")] = "both",
    reason: Annotated[str, shown("Reason")] = "",
    fresh: Annotated[bool, shown("Ask everything again")] = False,
) -> State[None]:
    """Fetch some periods of a settlement date and stage them; publish the date once all of them are staged.

    Args:
        settlement_date: The local day in Europe/London, such as 2025-03-21.
        periods: Such as 1-12 or 3,17-20. Empty to stage nothing more, and only publish, where that is chosen below.
        publish: only stage changes nothing that is served; when complete publishes the date as soon as every period of
            its calendar is staged.
        side: bid halves the requests, and leaves out the net definition.
        reason: Why; it is stored with the run.
        fresh: Ask also what a stage run that broke off within the hour got already.
    """
    keep_imports()
    tune_process()
    try:
        request = DateRequest(
            settlement_date,
            sides=SIDES_OF_CHOICE[side],
            reason=reason or None,
            fresh=fresh,
            flow_run_id=UUID(flow_run.get_id()),
        )
        staged = await _stage(request, periods)
        if publish == "only stage" or not staged.is_complete:
            return _state_of_staged(staged)
        report, picture = await run_stages(
            staged_request(settlement_date, reason=request.reason, flow_run_id=request.flow_run_id)
        )
    except ReingestError as error:
        await show_error(error)
        with suppress(ReingestError):  # it may be the database that failed
            await _show_staged(_read(settlement_date))
        return state_of_error(error)
    await show_report(report, picture)
    return state_of_report(report)


async def _stage(request: DateRequest, periods: str) -> StagedDate:
    """Stage the periods, if any are named, and show what is staged of the date then.

    Raises:
        BadUsage: the date has no such periods, or none is named of a date of which nothing is staged.
    """
    if not periods.strip():
        staged = _read(request.settlement_date)
        if not staged.stacks:
            raise BadUsage(
                "no periods are named, and nothing is staged of the date", settlement_date=request.settlement_date
            )
    else:
        settings = load_settings()
        async with ProgressArtifact("fetch", "periods fetched") as progress:
            report = await stage_periods(
                settings,
                ensure_database(settings),
                staging_request(request, periods),
                each_batch=batches_as_tasks(progress),
            )
        staged = report.date
    await _show_staged(staged)
    return staged


def _read(settlement_date: date) -> StagedDate:
    with connect(ensure_database(load_settings()), purpose="staged") as connection:
        require_schema(connection)
        return read_staged_date(connection, settlement_date)


async def _show_staged(staged: StagedDate) -> None:
    if staged.stacks:
        await acreate_table_artifact(
            staged_rows(staged), key="staged", description=f"{staged.settlement_date}: {staged_sentence(staged)}"
        )


def _state_of_staged(staged: StagedDate) -> State[None]:
    lacking = f" Missing: {staged.lacks_sentence()}." if staged.lacking else ""
    return State(
        type=StateType.COMPLETED,
        name=f"Staged {staged.ready_periods} of {staged.expected}",
        message=f"{staged_sentence(staged)}.{lacking} Next: {staged.next_command}",
    )
