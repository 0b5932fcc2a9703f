"""The flow that re-ingests many dates: one flow run, in which each date is one task.

What a range is stands in `reingest.operations.ranges`. A run for each date would cost two seconds of interpreter; here
the dates share one, or, several at once, a few processes. The dates are written down before the first one runs, so that
a flow run that crashed or was cancelled can be gone on with.
"""

from typing import Annotated, Any, Final
from uuid import UUID

from prefect import flow
from prefect.artifacts import acreate_markdown_artifact, acreate_table_artifact
from prefect.client.schemas.objects import State
from prefect.runtime import flow_run
from pydantic import Field

from flows.artifacts import ProgressArtifact, show_error
from flows.date_tasks import date_as_task
from flows.forms import shown
from flows.states import state_of_error, state_of_range
from reingest.errors import BadUsage, ReingestError
from reingest.operations.ranges.choosing import Only, choice_of, choose_dates
from reingest.operations.ranges.cost import card_lines, cost_of_range
from reingest.operations.ranges.report import RangeReport
from reingest.operations.ranges.report_markdown import begun_markdown, changed_rows, other_rows, range_markdown
from reingest.operations.ranges.report_text import counts_text
from reingest.operations.ranges.request import RangeRequest
from reingest.operations.ranges.running import freeze_range, resume_range
from reingest.operations.request import SideChoice, Source
from reingest.settings import Settings, load_settings
from reingest.spans import settlement_span
from reingest.store.database import connect
from reingest.store.migrate import require_schema
from reingest.store.server import ensure_database
from reingest.tuning import keep_imports, tune_process

# Text, and empty where nothing is said: the form shows a switch between types for a date that may be left out.
_SPAN: Final = r"^([0-9]{4}(-[0-9]{2}(-[0-9]{2})?)?)?$"
_SPANS: Final = r"^([0-9]{4}[-0-9., ]*)?$"
_RANGE_ID: Final = r"^([0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12})?$"
_SHOWN: Final = 1000


@flow(name="reingest-range", flow_run_name="range {start}{resume}", retries=0, persist_result=False)
async def reingest_range(
    start: Annotated[str, shown("From", pattern=_SPAN)] = "",
    end: Annotated[str, shown("To", pattern=_SPAN)] = "",
    only: Annotated[Only, shown("Only dates that are")] = "all",
    exclude: Annotated[str, shown("Leave out", pattern=_SPANS)] = "",
    backwards: Annotated[bool, shown("The newest first")] = False,
    plan: Annotated[bool, shown("Plan only")] = False,
    source: Annotated[Source, shown("Source")] = "live",
    side: Annotated[SideChoice, shown("Stacks")] = "as-served",
    jobs: Annotated[int, Field(ge=1, le=32, json_schema_extra={"title": "Dates at once"})] = 2,
    reason: Annotated[str, shown("Reason")] = "",
    resume: Annotated[str, shown("Resume", pattern=_RANGE_ID)] = "",
) -> State[None]:
    """Re-ingest many dates as one run that can be resumed.

    Args:
        start: The first date, or a month or a year: 2025-03-21, 2025-03 or 2025.
        end: The last date, or a month or a year to its end. Empty for the first one alone.
        only: missing: nothing is served; failed: the last run failed or broke off; unverified: its witnesses did not
            all agree.
        exclude: Dates, months or spans, such as 2025-03-30,2025-05..2025-06.
        backwards: Begin with the last date.
        plan: Say what each date would become, and change nothing.
        source: live asks Elexon; archive reads kept payloads again, with no network.
        side: as-served is both, or from the archive what the served version has; bid halves the requests.
        jobs: How many dates at once, each in a process of its own.
        reason: Why; it is stored with every date.
        resume: The id of a range that was interrupted; it goes on as it was asked, whatever the other fields say.
    """
    keep_imports()
    tune_process()
    try:
        settings = load_settings()
        url = ensure_database(settings)
        if resume:
            range_id = UUID(resume)
        else:
            choice = {"start": start, "end": end, "only": only, "exclude": exclude, "backwards": backwards}
            asked = {"plan": plan, "source": source, "side": side, "jobs": jobs, "reason": reason or None}
            range_id = await _freeze(settings, url, choice, asked)
        report = await _run(settings, url, range_id, jobs)
    except ReingestError as error:
        await show_error(error)
        return state_of_error(error)
    await _show(report)
    return state_of_range(report)


async def _freeze(settings: Settings, url: str, choice: dict[str, Any], asked: dict[str, Any]) -> UUID:
    """Choose the dates and write them down; tell what they will cost, and how to go on with them."""
    if not choice["start"]:
        raise BadUsage("a range needs a first date, month or year, or the id of one to be resumed")
    only = () if choice["only"] == "all" else (choice["only"],)
    wanted = choice_of(
        settlement_span(choice["start"]),
        settlement_span(choice["end"]) if choice["end"] else None,
        only=only,
        exclude=choice["exclude"],
        backwards=choice["backwards"],
    )
    with connect(url, purpose="range") as connection:
        require_schema(connection)
        dates = choose_dates(connection, wanted)
        if not dates:
            raise BadUsage("no date of these is to be run", next_command="reingest status")
        request = RangeRequest(dates, flow_run_id=UUID(flow_run.get_id()), **asked)
        card = [*card_lines(cost_of_range(settings, connection, request), request, settings)]
    range_id = freeze_range(url, request)
    await acreate_markdown_artifact(begun_markdown(range_id, card), key="range", description=card[0])
    return range_id


async def _run(settings: Settings, url: str, range_id: UUID, jobs: int) -> RangeReport:
    """Go through the dates, each as a task of its own."""
    shown = ProgressArtifact("dates", "dates ended")
    told = 0

    def progress(_doing: str, done: int, out_of: int) -> None:
        nonlocal told
        if done > told:
            shown.add(done - told, out_of)
            told = done

    async with shown:
        return await resume_range(settings, url, range_id, progress, date_as_task, jobs=jobs)


async def _show(report: RangeReport) -> None:
    """Leave the report, the dates that are not as they should be, and what changed."""
    await acreate_markdown_artifact(range_markdown(report), key="report", description=counts_text(report))
    tables = (
        ("other-dates", other_rows(report), "dates that are not as they should be, and what to do"),
        ("changes", changed_rows(report), "served figures that moved, or would where a date is held or planned, exact"),
    )
    for key, rows, about in tables:
        if rows:
            await acreate_table_artifact([*rows[:_SHOWN]], key=key, description=about)
