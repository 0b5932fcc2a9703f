"""Register the work pool, the deployments and the automations with a Prefect server, however often.

python -m deployments.register

The server is the one that PREFECT_API_URL names; it may still be starting. The deployments stand in `prefect.yaml`.
"""

import asyncio
import os
import sys
import time
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from typing import Final

from prefect.cli import app
from prefect.client.orchestration import PrefectClient, get_client
from prefect.client.schemas.actions import WorkPoolCreate
from prefect.client.schemas.objects import StateType
from prefect.events.actions import ChangeFlowRunState
from prefect.events.schemas.automations import AutomationCore, EventTrigger, Posture
from prefect.events.schemas.events import ResourceSpecification
from prefect.exceptions import ObjectAlreadyExists
from prefect.workers.process import ProcessWorker

from deployments.prefect_settings import HEARTBEAT_SECONDS, WORK_POOL

CHECKOUT: Final = Path(__file__).resolve().parents[1]
PREFECT_FILE: Final = CHECKOUT / "deployments" / "prefect.yaml"
READY_SECONDS: Final = 120.0
PENDING_SECONDS: Final = 120

# Every event of a flow run: its heartbeats, and its states, of which the flows have names of their own.
_ANY_SIGN: Final = "prefect.flow-run.*"


# What a worker does with a run before its process begins.
_BEFORE_IT_BEGINS: Final = ("Pending", "Submitting", "InfrastructurePending")


def _crashed_after(*signs: str, seconds: int, name: str, message: str) -> AutomationCore:
    """Return the automation that gives a flow run up when nothing is heard for so long after one of these events."""
    return AutomationCore(
        name=name,
        description="Managed by `python -m deployments.register`.",
        trigger=EventTrigger(
            after={f"prefect.flow-run.{sign}" for sign in signs},
            expect={_ANY_SIGN},
            match=ResourceSpecification({"prefect.resource.id": "prefect.flow-run.*"}),
            match_related=ResourceSpecification(
                {"prefect.resource.role": "flow", "prefect.resource.name": "reingest-*"}
            ),
            for_each={"prefect.resource.id"},
            posture=Posture.Proactive,
            threshold=1,
            within=timedelta(seconds=seconds),
        ),
        # Prefect refuses it for a run that has ended after all, so a late sign does no harm.
        actions=[ChangeFlowRunState(state=StateType.CRASHED, message=message)],
    )


AUTOMATIONS: Final = (
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
"""A worker tells how its flow runs end, unless it is killed too: these are for that."""


def main() -> int:
    """Register everything with the server that PREFECT_API_URL names."""
    asyncio.run(_register_parts())
    return deploy()


async def _register_parts() -> None:
    async with get_client() as client:
        await _wait_until_ready(client)
        await ensure_work_pool(client)
        for automation in AUTOMATIONS:
            await ensure_automation(client, automation)


async def _wait_until_ready(client: PrefectClient) -> None:
    deadline = time.monotonic() + READY_SECONDS
    while fault := await client.api_healthcheck():
        if time.monotonic() > deadline:
            raise TimeoutError(f"no Prefect server answers at {client.api_url}: {fault}")
        await asyncio.sleep(0.1)


async def ensure_work_pool(client: PrefectClient) -> None:
    """Make the process work pool, unless there is one; whoever changed its settings keeps them."""
    template = ProcessWorker.get_default_base_job_template()
    pool = WorkPoolCreate(name=WORK_POOL, type=ProcessWorker.type, base_job_template=template)
    with suppress(ObjectAlreadyExists):
        await client.create_work_pool(pool)


async def ensure_automation(client: PrefectClient, automation: AutomationCore) -> None:
    """Make the automation, or bring the one of its name to this form; an unchanged one keeps what it has seen."""
    found = await client.read_automations_by_name(automation.name)
    if not found:
        await client.create_automation(automation)
    elif _form(found[0]) != _form(automation):
        await client.update_automation(found[0].id, automation)


def _form(automation: AutomationCore) -> object:
    # Not as JSON: there the sets of a trigger are lists, whose order changes from process to process.
    return automation.model_dump(include={"description", "trigger", "actions", "tags"})


def deploy() -> int:
    """Register the deployments of `prefect.yaml`, through Prefect's own command; return its exit code."""
    # Entrypoints are relative to the checkout; workers elsewhere have theirs, and their Python, where these say.
    os.chdir(CHECKOUT)
    os.environ.setdefault("REINGEST_CHECKOUT", str(CHECKOUT))
    os.environ.setdefault("REINGEST_PYTHON", sys.executable)
    # The command takes its words from nowhere else; a process of its own would import Prefect again.
    sys.argv = ["prefect", "--no-prompt", "deploy", "--all", "--prefect-file", str(PREFECT_FILE)]
    try:
        app()
    except SystemExit as ended:
        return ended.code if isinstance(ended.code, int) else int(ended.code is not None)
    return 0


if __name__ == "__main__":
    sys.exit(main())
