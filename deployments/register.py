"""Register the work pool, the deployments and the automations with a Prefect server, however often.

The server is the one that PREFECT_API_URL names; it may still be starting. The deployments stand in `prefect.yaml`.
What a person changed of the work pool, or by turning a schedule on or off, is kept; all else becomes what stands here.

python -m deployments.register [--schedules kept|on|off]
"""

import argparse
import asyncio
import io
import os
import sys
import time
from collections.abc import Iterable, Mapping
from contextlib import redirect_stdout
from dataclasses import dataclass, field
from typing import Final, Literal

from prefect.cli import app
from prefect.client.orchestration import PrefectClient, get_client
from prefect.client.schemas.actions import WorkPoolCreate
from prefect.client.schemas.filters import DeploymentFilter, DeploymentFilterTags
from prefect.client.schemas.responses import DeploymentResponse
from prefect.exceptions import ObjectAlreadyExists, PrefectHTTPStatusError
from prefect.workers.process import ProcessWorker

from deployments.automations import ALERT, SILENT_RUNS, Became, ensure_alert, ensure_automation
from deployments.prefect_file import CHECKOUT, Slug, deployment_names, schedule_slugs, with_schedules
from deployments.prefect_settings import WORK_POOL
from reingest.cli.edge import describe
from reingest.errors import PrefectUnavailable
from reingest.settings import load_settings

READY_SECONDS: Final = 120.0
PATIENCE_SECONDS: Final = 3.0
TAG: Final = "reingest"

RENAMED: Final = {"reingest-health": "health", "reingest-outbox": "deliver-outbox"}
"""What deployments were called, and are: the old one is removed, and a schedule that was on there is on."""

Schedules = Literal["kept", "on", "off"]

# What a deployment is, less what the server counts and stamps.
_FORM: Final = frozenset(
    {
        "concurrency_options",
        "description",
        "entrypoint",
        "job_variables",
        "parameter_openapi_schema",
        "parameters",
        "pull_steps",
        "tags",
        "work_pool_name",
    }
)


@dataclass(frozen=True)
class Registration:
    """What a registration did: of each thing its kind, its name, and what became of it."""

    lines: list[tuple[str, str, str]] = field(default_factory=list)

    def add(self, kind: str, name: str, became: str) -> None:
        """Note what became of a thing."""
        self.lines.append((kind, name, became))

    def describe(self) -> str:
        """Return a line a thing."""
        kind_width, name_width = (max(len(line[column]) for line in self.lines) for column in (0, 1))
        return "\n".join(
            f"{kind:<{kind_width}}  {name:<{name_width}}  {what}".rstrip() for kind, name, what in self.lines
        )


def main() -> int:
    """Register everything with the server that PREFECT_API_URL names, say what that did, and return the exit code."""
    parser = argparse.ArgumentParser(prog="make deploy", description=__doc__.split("\n\n")[0])
    parser.add_argument("--schedules", choices=("kept", "on", "off"), default="kept", help="whether they run")
    schedules: Schedules = parser.parse_args().schedules
    # Entrypoints are relative to the checkout; workers elsewhere have theirs, and their Python, where these say.
    os.chdir(CHECKOUT)
    os.environ.setdefault("REINGEST_CHECKOUT", str(CHECKOUT))
    os.environ.setdefault("REINGEST_PYTHON", sys.executable)
    try:
        return _register(schedules)
    except PrefectHTTPStatusError as error:
        told = PrefectUnavailable(f"the server refused: {str(error).splitlines()[0]}", next_command="make deploy")
    except PrefectUnavailable as error:
        told = error
    print(describe(told), file=sys.stderr)  # noqa: T201
    return told.exit_code


def _register(schedules: Schedules) -> int:
    """Register everything; return the exit code of Prefect's own command where that fails.

    Raises:
        PrefectUnavailable: no server answers.
        PrefectHTTPStatusError: it refused something.
    """
    done = Registration()
    before = asyncio.run(_prepare(done))
    if failed := deploy(_active(before, schedules)):
        return failed
    asyncio.run(_finish(done, before))
    print(done.describe())  # noqa: T201  (it is what a person asked for)
    return 0


async def _prepare(done: Registration) -> dict[str, DeploymentResponse]:
    """Make what deployments need; return those that there are, by name."""
    async with get_client() as client:
        await _wait_until_ready(client)
        done.add("server", str(client.api_url).rstrip("/"), "")
        done.add("work pool", WORK_POOL, await ensure_work_pool(client))
        return await _deployments(client)


async def _finish(done: Registration, before: Mapping[str, DeploymentResponse]) -> None:
    """Note what became of the deployments, remove those that have another name now, make the automations."""
    async with get_client() as client:
        now = await _deployments(client)
        ours = {name: now[name] for name in deployment_names()}
        for name, deployment in ours.items():
            done.add("deployment", name, _became(before.get(name), deployment))
        for name in sorted(RENAMED.keys() & now.keys()):
            await client.delete_deployment(now[name].id)
            done.add("deployment", name, f"removed: it is {RENAMED[name]} now")
        _note_schedules(done, ours.values())
        for automation in SILENT_RUNS:
            done.add("automation", automation.name, await ensure_automation(client, automation))
        alert = await ensure_alert(client, load_settings().alert_webhook_url)
        done.add("automation", ALERT, alert or "none: REINGEST_ALERT_WEBHOOK_URL names no webhook")


async def _wait_until_ready(client: PrefectClient) -> None:
    began, said = time.monotonic(), False
    while fault := await client.api_healthcheck():
        waited = time.monotonic() - began
        if waited > READY_SECONDS:
            raise PrefectUnavailable(f"no Prefect server answers at {client.api_url}: {fault}")
        if waited > PATIENCE_SECONDS and not said:
            print(f"waiting for a Prefect server at {client.api_url}", file=sys.stderr)  # noqa: T201
            said = True
        await asyncio.sleep(0.1)


async def ensure_work_pool(client: PrefectClient) -> Became:
    """Make the process work pool, unless there is one; whoever changed its settings keeps them."""
    template = ProcessWorker.get_default_base_job_template()
    pool = WorkPoolCreate(name=WORK_POOL, type=ProcessWorker.type, base_job_template=template)
    try:
        await client.create_work_pool(pool)
    except ObjectAlreadyExists:
        return "unchanged"
    return "made"


async def _deployments(client: PrefectClient) -> dict[str, DeploymentResponse]:
    """Return the deployments of ours that the server has, by name."""
    ours = DeploymentFilter(tags=DeploymentFilterTags(all_=[TAG]))
    return {one.name: one for one in await client.read_deployments(deployment_filter=ours)}


def _active(there: Mapping[str, DeploymentResponse], schedules: Schedules) -> dict[Slug, bool]:
    """Return which schedules are to be on: those that are, under whatever name, or all, or none."""
    if schedules != "kept":
        return dict.fromkeys(schedule_slugs(), schedules == "on")
    called_before = {now: there[old] for old, now in RENAMED.items() if old in there}
    inherited = {
        (name, slug): any(one.active for one in called_before[name].schedules)
        for name, slug in schedule_slugs()
        if name in called_before
    }
    return inherited | {
        (name, one.slug): one.active for name, now in there.items() for one in now.schedules if one.slug
    }


def _note_schedules(done: Registration, deployments: Iterable[DeploymentResponse]) -> None:
    for deployment in deployments:
        for one in deployment.schedules:
            when = getattr(one.schedule, "cron", "")  # a person may have added another kind
            done.add("schedule", f"{deployment.name}/{one.slug or one.id}", f"{when}: {'on' if one.active else 'off'}")


def deploy(active: Mapping[Slug, bool]) -> int:
    """Register the deployments of `prefect.yaml`, through Prefect's own command; return its exit code.

    What it prints is long, and tells how to do what is done already; it is shown where it failed.
    """
    said = io.StringIO()
    with with_schedules(active) as file, redirect_stdout(said):
        # The command takes its words from nowhere else; a process of its own would import Prefect again.
        sys.argv = ["prefect", "--no-prompt", "deploy", "--all", "--prefect-file", str(file)]
        try:
            app()
        except SystemExit as ended:
            code = ended.code if isinstance(ended.code, int) else int(ended.code is not None)
        else:
            code = 0
    if code:
        sys.stderr.write(said.getvalue())
    return code


def _became(before: DeploymentResponse | None, now: DeploymentResponse) -> Became:
    if before is None:
        return "made"
    return "unchanged" if _form(before) == _form(now) else "changed"


def _form(deployment: DeploymentResponse) -> object:
    limit = deployment.global_concurrency_limit
    schedules = sorted((one.slug or "", str(one.schedule), one.active) for one in deployment.schedules)
    return deployment.model_dump(include=set(_FORM)), limit and limit.limit, schedules


if __name__ == "__main__":
    sys.exit(main())
