"""The flow that delivers what runs could not: facts and notices that are due, every few minutes or when asked.

What a delivery is stands in `reingest.operations.deliveries`. A fact or a notice that stays pending or dead ends the
run as failed, so that alerts see it.
"""

from prefect import flow
from prefect.artifacts import acreate_table_artifact
from prefect.client.schemas.objects import State, StateType

from flows.events import PrefectEvents
from flows.states import state_of_error
from reingest.errors import ReingestError
from reingest.operations.deliveries.passes import NOTHING_DELIVERED, DeliveryReport
from reingest.operations.notices.delivering import deliver_notices
from reingest.operations.outbox.delivering import deliver_due
from reingest.operations.outbox.sinks import prefect_events_by
from reingest.settings import load_settings
from reingest.store.server import ensure_database
from reingest.tuning import tune_process


@flow(name="reingest-outbox", flow_run_name="outbox", retries=0, persist_result=False)
async def outbox() -> State[None]:
    """Deliver facts about publishes to the configured sinks and to Prefect as events, and notices to people, once."""
    tune_process()
    settings = load_settings()
    try:
        url = ensure_database(settings)
        with prefect_events_by(PrefectEvents()):
            report = await deliver_due(settings, url)
        notices = await deliver_notices(settings, url)
    except ReingestError as error:
        return state_of_error(error)
    if report.lags:
        await acreate_table_artifact(_rows(report), key="sinks", description="what each sink got, and has not got")
    return state_of_delivery(report, notices)


def _rows(report: DeliveryReport) -> list[dict[str, str]]:
    """Return a row of texts for each sink that is known."""
    delivered = {one.sink: str(one.delivered) for one in report.sinks}
    return [
        {
            "sink": lag.sink,
            "delivered": delivered.get(lag.sink, "not configured here"),
            "pending": str(lag.pending),
            "dead": str(lag.dead),
        }
        for lag in report.lags
    ]


def state_of_delivery(report: DeliveryReport, notices: DeliveryReport = NOTHING_DELIVERED) -> State[None]:
    """Return the state in which the flow run ends: failed where facts, or notices to people, stay pending or dead."""
    if not report.sinks and not notices.sinks:
        return State(
            type=StateType.COMPLETED, name="No Sink", message="No sink is configured here; nothing to deliver."
        )
    told = ", ".join([*_told(report), *(f"notices by {one}" for one in _told(notices))])
    if left := (*report.left, *notices.left):
        pending, dead = (sum(counts) for counts in zip(*((lag.pending, lag.dead) for lag in left), strict=True))
        listed = "reingest outbox list" if report.left else "reingest notices list"
        return State(type=StateType.FAILED, name=f"Pending: {pending}, Dead: {dead}", message=f"{told}. Next: {listed}")
    return State(type=StateType.COMPLETED, name="Delivered", message=told)


def _told(report: DeliveryReport) -> list[str]:
    return [f"{one.sink}: {one.delivered} delivered, {one.failed} failed attempts" for one in report.sinks]
