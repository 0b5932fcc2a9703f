"""The flow that finds wrong dates by itself: what is due is compared with Elexon, and mended as the policy says.

One flow run goes through all dates that are due, with a task for each. What is due is told from what is known of each
date, so a schedule that was missed, or a run that was killed, costs nothing: the next one does it.
"""

from decimal import Decimal
from typing import Annotated, Literal
from uuid import UUID

from prefect import flow
from prefect.artifacts import acreate_markdown_artifact, acreate_table_artifact
from prefect.client.schemas.objects import State, StateType
from prefect.runtime import flow_run
from pydantic import Field

from flows.artifacts import show_error
from flows.date_tasks import date_as_task
from flows.forms import shown
from flows.states import state_of_error
from reingest.curtailment.exact import exact_decimal
from reingest.errors import ReingestError
from reingest.operations.reconciliation.markdown import differing_rows, reconcile_markdown
from reingest.operations.reconciliation.report import ReconcileReport, due_sentence
from reingest.operations.reconciliation.request import AskedPolicy, reconcile_request
from reingest.operations.reconciliation.running import reconcile as reconcile_dates
from reingest.settings import load_settings
from reingest.store.server import ensure_database
from reingest.tuning import keep_imports, tune_process

# Empty where nothing is said: the form then shows a plain field. Text, because JSON's numbers pass through floats.
_LIMIT = r"^([0-9]+(\.[0-9]+)?)?$"
_AS_SET: Literal["as set"] = "as set"


@flow(name="reingest-reconcile", flow_run_name="reconcile", retries=0, persist_result=False)
async def reconcile(
    policy: Annotated[Literal["as set", "report", "repair"], shown("Policy")] = _AS_SET,
    within_payment: Annotated[str, shown("Hold beyond, GBP", pattern=_LIMIT)] = "",
    within_energy: Annotated[str, shown("Hold beyond, MWh", pattern=_LIMIT)] = "",
    jobs: Annotated[int, Field(ge=1, le=32, json_schema_extra={"title": "Dates at once"})] = 1,
) -> State[None]:
    """Compare every date that is due with Elexon, and mend what differs.

    Args:
        policy: report says what differs and changes nothing; repair re-ingests it; as set is what the settings say.
        within_payment: A repair that would move a date's payment further, either way, is held for a person.
        within_energy: The same of its energy.
        jobs: Each of them is a process of its own.
    """
    keep_imports()
    tune_process()
    settings = load_settings()
    asked = AskedPolicy(
        policy=None if policy == "as set" else policy,
        within_payment=_number(within_payment),
        within_energy=_number(within_energy),
    )
    try:
        request = reconcile_request(settings, asked, jobs=jobs, flow_run_id=UUID(flow_run.get_id()))
        report = await reconcile_dates(settings, ensure_database(settings), request, each_date=date_as_task)
    except ReingestError as error:
        await show_error(error)
        return state_of_error(error)
    await _show(report)
    return state_of_reconciliation(report)


async def _show(report: ReconcileReport) -> None:
    """Leave the calendar of verdicts, and what moved."""
    await acreate_markdown_artifact(reconcile_markdown(report), key="reconciliation", description=report.sentence)
    rows = differing_rows(report)
    if rows:
        await acreate_table_artifact(rows, key="differing", description="how far each date moves that differs")


def state_of_reconciliation(report: ReconcileReport) -> State[None]:
    """Return the state in which the flow run ends: failed where something is left to a person, so that alerts see it.

    A date that another run had is due again, and no fault.
    """
    name = report.sentence.title()
    if not report.dates and report.interrupted is None:
        return State(type=StateType.COMPLETED, name=name, message="No date is due.")
    left = report.interrupted is not None or any(
        one.verdict in ("held", "failed", "changed", "missing") for one in report.dates
    )
    kind = StateType.FAILED if left else StateType.COMPLETED
    next_command = "Next: reingest reconcile show"
    return State(type=kind, name=name, message=f"{due_sentence(report.dates)}; {report.sentence}. {next_command}")


def _number(text: str) -> Decimal | None:
    return exact_decimal(text) if text else None
