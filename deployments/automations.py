"""The automations that Prefect's server has for Reingest, as code: runs that fell silent, and an alert to a webhook.

A worker tells how its flow runs end, unless it is killed too: two automations are for that. The third posts to
`alert_webhook_url` when a run ends as failed, held or crashed, which a crashed run cannot tell by itself.
"""

from datetime import timedelta
from typing import Final, Literal
from uuid import UUID

from prefect.blocks.notifications import CustomWebhookNotificationBlock
from prefect.client.orchestration import PrefectClient
from prefect.client.schemas.objects import StateType
from prefect.events.actions import ChangeFlowRunState, SendNotification
from prefect.events.schemas.automations import AutomationCore, EventTrigger, Posture
from prefect.events.schemas.events import ResourceSpecification
from prefect.types import SecretDict

from deployments.prefect_settings import HEARTBEAT_SECONDS

PENDING_SECONDS: Final = 120
ALERT: Final = "reingest: a run failed, was held or crashed"
ALERT_BLOCK: Final = "reingest-alerts"

Became = Literal["made", "changed", "unchanged", "left as it is"]
"""What a registration made of a thing."""

_DESCRIPTION: Final = "Managed by `make deploy`."
_FLOWS: Final = ["reingest-*", "staged-reingest"]
# Every event of a flow run: its heartbeats, and its states, of which the flows have names of their own.
_ANY_SIGN: Final = "prefect.flow-run.*"
# What a worker does with a run before its process begins.
_BEFORE_IT_BEGINS: Final = ("Pending", "Submitting", "InfrastructurePending")
_OF_OUR_FLOWS: Final = ResourceSpecification({"prefect.resource.role": "flow", "prefect.resource.name": _FLOWS})

# From the event alone: the run may be gone by then.
_SUBJECT: Final = "{{ event.resource['prefect.resource.name'] }}: {{ event.resource['prefect.state-name'] }}"
_BODY: Final = "{{ event.resource['prefect.state-message'] }}\n{{ flow_run | ui_url }}"

# `text` is what Slack and its like show. The address is a secret of the block, so that Prefect's UI does not show it.
_MESSAGE: Final = {"text": "{{subject}}\n{{body}}", "subject": "{{subject}}", "body": "{{body}}"}
_ADDRESS: Final = "address"


def _crashed_after(*signs: str, seconds: int, name: str, message: str) -> AutomationCore:
    """Return the automation that gives a flow run up when nothing is heard for so long after one of these events."""
    return AutomationCore(
        name=name,
        description=_DESCRIPTION,
        trigger=EventTrigger(
            after={f"prefect.flow-run.{sign}" for sign in signs},
            expect={_ANY_SIGN},
            match=ResourceSpecification({"prefect.resource.id": "prefect.flow-run.*"}),
            match_related=_OF_OUR_FLOWS,
            for_each={"prefect.resource.id"},
            posture=Posture.Proactive,
            threshold=1,
            within=timedelta(seconds=seconds),
        ),
        # Prefect refuses it for a run that has ended after all, so a late sign does no harm.
        actions=[ChangeFlowRunState(state=StateType.CRASHED, message=message)],
    )


SILENT_RUNS: Final = (
    _crashed_after(
        "heartbeat",
        seconds=3 * HEARTBEAT_SECONDS,
        name="reingest: running, but silent",
        message=f"Nothing was heard of its process for {3 * HEARTBEAT_SECONDS} s. The date is whole; run it again.",
    ),
    _crashed_after(
        *_BEFORE_IT_BEGINS,
        seconds=PENDING_SECONDS,
        name="reingest: taken by a worker, but never begun",
        message=f"Its process did not begin within {PENDING_SECONDS} s. Nothing was begun; run it again.",
    ),
)


async def ensure_automation(client: PrefectClient, automation: AutomationCore) -> Became:
    """Make the automation, or bring the one of its name to this form; an unchanged one keeps what it has seen."""
    found = await client.read_automations_by_name(automation.name)
    if not found:
        await client.create_automation(automation)
        return "made"
    if _form(found[0]) == _form(automation):
        return "unchanged"
    await client.update_automation(found[0].id, automation)
    return "changed"


async def ensure_alert(client: PrefectClient, webhook_url: str | None) -> Became | None:
    """Have Prefect post to the webhook when a run ends as failed, held or crashed; None where nobody wants that.

    An alert from an earlier registration, which named a webhook, is left where this one names none: to lose it because
    a variable was not set in some shell would be found out too late.
    """
    if webhook_url is None:
        return "left as it is" if await client.read_automations_by_name(ALERT) else None
    block_id, block_changed = await _ensure_webhook(client, webhook_url)
    trigger = EventTrigger(
        expect={_ANY_SIGN},
        match=ResourceSpecification(
            {"prefect.resource.id": "prefect.flow-run.*", "prefect.state-type": ["FAILED", "CRASHED"]}
        ),
        match_related=_OF_OUR_FLOWS,
        for_each={"prefect.resource.id"},
        posture=Posture.Reactive,
        threshold=1,
    )
    # Not the action CallWebhook: its calls share connections, which the first one to end closes under the others.
    action = SendNotification(block_document_id=block_id, subject=_SUBJECT, body=_BODY)
    became = await ensure_automation(
        client, AutomationCore(name=ALERT, description=_DESCRIPTION, trigger=trigger, actions=[action])
    )
    return "changed" if became == "unchanged" and block_changed else became


async def _ensure_webhook(client: PrefectClient, address: str) -> tuple[UUID, bool]:
    """Return the id of the block that keeps the webhook's address, and whether it was made or changed."""
    block = CustomWebhookNotificationBlock(
        name="Reingest", url=f"{{{{{_ADDRESS}}}}}", json_data=_MESSAGE, secrets=SecretDict({_ADDRESS: address})
    )
    try:
        kept: CustomWebhookNotificationBlock = await CustomWebhookNotificationBlock.aload(ALERT_BLOCK, client=client)
    except ValueError:  # Prefect's word for one that does not exist
        return await block.asave(ALERT_BLOCK, client=client), True
    kept_id = kept._block_document_id  # noqa: SLF001  (it is told nowhere else)
    if kept_id is not None and kept.secrets == block.secrets and kept.json_data == block.json_data:
        return kept_id, False
    return await block.asave(ALERT_BLOCK, overwrite=True, client=client), True


def _form(automation: AutomationCore) -> object:
    # Not as JSON: there the sets of a trigger are lists, whose order changes from process to process.
    return automation.model_dump(include={"description", "trigger", "actions", "tags"})
