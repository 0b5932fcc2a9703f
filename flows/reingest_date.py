"""The flow that an operator starts from Prefect's UI: one settlement date, rebuilt stage by stage.

One task a stage, the fetch in batches of eight periods; what a stage does is in `reingest.operations`. The publish
task owns the one database transaction: Prefect's own transactions are not database transactions. No task is retried
by Prefect, because requests are retried one by one where `Retry-After` can be seen, and a publish must not be.
"""

from datetime import date
from typing import Annotated, TypeVar
from uuid import UUID

from prefect import flow, task
from prefect.cache_policies import NO_CACHE
from prefect.client.schemas.objects import State
from prefect.runtime import flow_run
from prefect.utilities.annotations import quote

from flows.artifacts import ProgressArtifact, show_error, show_report
from flows.events import PrefectEvents
from flows.forms import shown
from flows.states import state_of_error, state_of_report
from reingest.curtailment.words import DEFAULT_DEFINITION, DefinitionName
from reingest.errors import ReingestError
from reingest.operations.date_run import Batch, DateRun, EachBatch
from reingest.operations.day_picture import day_picture
from reingest.operations.fetching import Fetcher
from reingest.operations.outbox.sinks import prefect_events_by
from reingest.operations.reingest import act, go_through, open_date_run
from reingest.operations.report import DateReport
from reingest.operations.request import (
    DateRequest,
    SideChoice,
    Source,
    WantedTotals,
    date_request,
)
from reingest.operations.stages import Stage
from reingest.settings import load_settings
from reingest.store.server import ensure_database
from reingest.tuning import keep_imports, tune_process

_Value = TypeVar("_Value")

# Empty where nothing is said: the form then shows a plain field, where for None it shows a switch between types.
# Text, not a number: JSON's numbers pass through floats, and no float touches energy or money.
_NUMBER = r"^(-?[0-9]+(\.[0-9]+)?)?$"
_TOLERANCE = r"^([0-9]+(\.[0-9]+)?)?$"
PERIODS_PATTERN = r"^([0-9]{1,2}(-[0-9]{1,2})?(,[0-9]{1,2}(-[0-9]{1,2})?)*)?$"


@flow(name="reingest-date", flow_run_name="reingest {settlement_date}", retries=0, persist_result=False)
async def reingest_date(
    settlement_date: Annotated[date, shown("Settlement date")],
    periods: Annotated[str, shown("Only these periods", pattern=PERIODS_PATTERN)] = "",
    plan: Annotated[bool, shown("Plan only")] = False,
    side: Annotated[SideChoice, shown("Stacks")] = "as-served",
    source: Annotated[Source, shown("Source")] = "live",
    expected_energy: Annotated[str, shown("Expected energy, MWh", pattern=_NUMBER)] = "",
    expected_energy_tolerance: Annotated[str, shown("Energy tolerance, MWh", pattern=_TOLERANCE)] = "",
    expected_payment: Annotated[str, shown("Expected payment, GBP", pattern=_NUMBER)] = "",
    expected_payment_tolerance: Annotated[str, shown("Payment tolerance, GBP", pattern=_TOLERANCE)] = "",
    definition: Annotated[DefinitionName, shown("Definition of what is expected")] = DEFAULT_DEFINITION,
    reason: Annotated[str, shown("Reason")] = "",
    force: Annotated[bool, shown("Publish even if unchanged")] = False,
    fresh: Annotated[bool, shown("Ask everything again")] = False,
    with_disptav: Annotated[bool, shown("Archive DISPTAV too")] = False,
) -> State[None]:
    """Rebuild one settlement date from Elexon, prove the result, and swap it in.

    Args:
        settlement_date: The local day in Europe/London, such as 2025-03-21.
        periods: Such as 1-12 or 3,17-20; the others are kept as they are served. Empty for the whole date.
        plan: Say what would change, and change nothing.
        side: as-served is both, or, for periods or from the archive, what the served version has;
            bid halves the requests, and leaves out the net definition.
        source: live asks Elexon; archive reads kept payloads again, with no network.
        expected_energy: What the date must come to, such as 50518.72; otherwise it is held.
        expected_energy_tolerance: How far off it may be; 0.001 where nothing is said.
        expected_payment: What the date must come to, such as 1240439.58; otherwise it is held.
        expected_payment_tolerance: How far off it may be; 0.01 where nothing is said.
        definition: By which definition the expected totals are meant.
        reason: Why; it is stored with the run.
        force: Make a new version although the content is the same.
        fresh: Ask also what a run that broke off within the hour got already.
        with_disptav: Archive DISPTAV beside the witnesses; nothing is judged by it.
    """
    keep_imports()
    tune_process()
    try:
        request = date_request(
            settlement_date,
            periods=periods,
            side=side,
            wanted=WantedTotals(
                definition, expected_energy, expected_payment, expected_energy_tolerance, expected_payment_tolerance
            ),
            plan=plan,
            source=source,
            reason=reason or None,
            force=force,
            fresh=fresh,
            with_disptav=with_disptav,
            flow_run_id=UUID(flow_run.get_id()),
        )
        report, picture = await run_stages(request)
    except ReingestError as error:
        await show_error(error)
        return state_of_error(error)
    await show_report(report, picture)
    return state_of_report(report)


@task(cache_policy=NO_CACHE, persist_result=False, task_run_name="{stage.name}")
async def run_stage(stage: Stage, run: DateRun) -> None:
    """Run one stage of the date."""
    await act(stage, run)


@task(cache_policy=NO_CACHE, persist_result=False)
async def fetch_periods(fetcher: Fetcher, batch: Batch) -> int:
    """Fetch the stacks of up to eight periods."""
    return await fetcher.fetch_batch(batch)


def batches_as_tasks(progress: ProgressArtifact) -> EachBatch:
    """Return a way of fetching batches that makes each a task, and moves the progress."""

    async def each_batch(fetcher: Fetcher, batch: Batch) -> int:
        named = fetch_periods.with_options(task_run_name=f"periods {batch[0]}-{batch[-1]}")
        rows = await named(_unseen(fetcher), batch)
        progress.add(len(batch), fetcher.periods)
        return rows

    return each_batch


async def run_stages(request: DateRequest) -> tuple[DateReport, str]:
    """Run every stage as a task of its own; return the report and the picture of the day."""
    settings = load_settings()
    progress = ProgressArtifact("fetch", "periods fetched")

    async def each_stage(stage: Stage, run: DateRun) -> None:
        await run_stage(stage, _unseen(run))

    url = ensure_database(settings)
    with prefect_events_by(PrefectEvents()):  # the news are told when the run is closed
        async with progress, open_date_run(settings, url, request, each_batch=batches_as_tasks(progress)) as run:
            report = await go_through(run, each_stage)
            return report, day_picture(run.require_facts().content, run.require_register().lead_parties)


def _unseen(value: _Value) -> _Value:
    """Keep Prefect from walking through the whole run, row by row, in search of futures."""
    return quote(value)  # type: ignore[return-value]  # Prefect takes the quote off again
