"""The deployment on a real Prefect server with a real worker: what the pins of its dependencies are for."""

import asyncio
import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from prefect.client.orchestration import get_client
from prefect.client.schemas.objects import State

from deployments.automations import ALERT, Became, ensure_alert
from deployments.children import Child
from flows.outbox import outbox
from flows.reingest_date import reingest_date
from reingest.calendar import LONDON
from reingest.cli import via_prefect
from reingest.errors import FutureDate, ReingestError
from reingest.operations.request import DateRequest, WantedTotals, date_request
from reingest.standin.server import StandIn
from tests.support.days import DATE, NEXT_DATE
from tests.support.prefect import PrefectServer, wait_until
from tests.support.sites import Site
from tests.support.webhooks import running_webhook

NAME = f"deployments/name/{via_prefect.DEPLOYMENT}"
A_DAY_LATER = {"schedule": {"interval": 86_400, "anchor_date": (datetime.now(UTC) + timedelta(hours=1)).isoformat()}}


@pytest.mark.slow
def test_a_schedule_makes_runs_and_a_worker_runs_a_date(
    prefect_server: PrefectServer, worker: Child, site: Site, capsys: pytest.CaptureFixture[str]
) -> None:
    """A schedule's runs appear, and a worker runs a date whose report and tables can be read back."""
    scheduled = schedule(prefect_server)
    assert via_prefect.follow(DateRequest(DATE), as_json=True) == 0
    printed = capsys.readouterr()
    report = json.loads(printed.out)
    assert report["outcome"] == "published"
    assert report["run_id"] == str(site.value("select id from run"))
    (flow_run_id,) = site.rows("select flow_run_id::text from run")[0]
    assert f"/runs/flow-run/{flow_run_id}\n" in printed.err
    artifacts = prefect_server.artifacts(flow_run_id)
    assert "2024-01-15" in artifacts["report"]
    assert {check["Check"] for check in json.loads(artifacts["checks"])} >= {"periods_complete", "totals_recomputed"}
    run = prefect_server.get(f"flow_runs/{flow_run_id}")
    assert (run["state"]["type"], run["state"]["name"]) == ("COMPLETED", "Published")
    wait_until(lambda: bool(runs_of(prefect_server, scheduled)), "the schedule's runs appear")
    assert {run["state"]["type"] for run in runs_of(prefect_server, scheduled)} == {"SCHEDULED"}


@pytest.mark.slow
def test_what_a_flow_run_comes_to_is_what_the_command_comes_to(
    prefect_server: PrefectServer, worker: Child, site: Site, elexon: StandIn, capsys: pytest.CaptureFixture[str]
) -> None:
    """A held date and a refused one end `--via prefect` as they end the command itself."""
    wanted = date_request(NEXT_DATE, periods=None, side="as-served", wanted=WantedTotals(energy="5"))
    assert via_prefect.follow(wanted, as_json=False) == 1
    assert "Held by: expected_energy:so_flagged" in capsys.readouterr().out
    with pytest.raises(ReingestError, match="has not begun") as refused:
        via_prefect.follow(DateRequest(datetime.now(UTC).date() + timedelta(days=9)), as_json=False)
    assert (refused.value.code, refused.value.exit_code) == (FutureDate.code, 2)
    assert refused.value.next_command == FutureDate.default_next
    assert site.generation(NEXT_DATE) == 0


@pytest.mark.slow
def test_registering_again_keeps_what_a_person_chose(prefect_server: PrefectServer) -> None:
    """Registered again, everything is unchanged, a schedule that is on stays on, and what was renamed is removed."""
    prefect_server.require_registered()
    called_before(prefect_server, "health", "reingest-health")
    turn(prefect_server, "units-refresh", on=True)
    before = registered(prefect_server)
    said = [line.split(maxsplit=2) for line in prefect_server.register()]
    assert scheduled_times(prefect_server, "units-refresh") == {"00:45"}
    schedules = {name: state for kind, name, *state in said if kind == "schedule"}
    for name in ("units-refresh", "health"):
        turn(prefect_server, name, on=False)
    became = {name: what for kind, name, what in (line for line in said if line[0] == "deployment")}
    assert became.pop("reingest-health") == "removed: it is health now"
    assert became.pop("health") == "made"
    assert {*became.values()} == {"unchanged"}
    assert {name for name, (when,) in schedules.items() if when.endswith(": on")} == {
        "units-refresh/daily",
        "health/every-morning",
    }
    after = registered(prefect_server)
    assert {name for name, _ in before - after} == {"reingest-health"}
    assert {name for name, _ in after - before} == {"health"}


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:unclosed:ResourceWarning")
def test_an_alert_reaches_its_webhook(
    prefect_server: PrefectServer, run_here: Callable[..., State[Any]], site: Site
) -> None:
    """A run that ends as failed is posted to the webhook, each one; a run that ends well is not."""
    future = datetime.now(UTC).date() + timedelta(days=9)
    with running_webhook() as webhook:
        assert asyncio.run(alert(webhook.url)) == ("made", "unchanged")
        try:
            run_here(outbox)
            for _ in range(2):
                assert run_here(reingest_date, settlement_date=future).name == "Refused"
            wait_until(lambda: len(webhook.deliveries) >= 2, "the webhook is called")
        finally:
            asyncio.run(no_alert())
    for delivery in webhook.deliveries:
        subject, message, url = delivery.message["text"].splitlines()
        assert subject == delivery.message["subject"] == f"reingest {future}: Refused"
        assert message.startswith("future_date: ")
        assert "/runs/flow-run/" in url
    assert len(webhook.deliveries) == 2


def schedule(server: PrefectServer) -> str:
    """Make a deployment of the same flow that runs once a day; return its id."""
    deployment = server.get(NAME)
    body = {"name": "daily", "flow_id": deployment["flow_id"], "schedules": [A_DAY_LATER]}
    scheduled: str = server.post("deployments/", body)["id"]
    return scheduled


def runs_of(server: PrefectServer, deployment_id: str) -> list[dict[str, Any]]:
    runs: list[dict[str, Any]] = server.post("flow_runs/filter", {"deployments": {"id": {"any_": [deployment_id]}}})
    return runs


def registered(server: PrefectServer) -> set[tuple[str, str]]:
    """Return the names and ids of what is registered; of an automation when it was changed last, too."""
    pools, automations = server.post("work_pools/filter"), server.post("automations/filter")
    deployments = [one for one in server.post("deployments/filter") if "reingest" in one["tags"]]
    return {(one["name"], one["id"]) for one in (*pools, *deployments)} | {
        (one["name"], one["id"] + one["updated"]) for one in automations
    }


def called_before(server: PrefectServer, name: str, old: str) -> None:
    """Have a deployment as an earlier release left it: under its old name, its schedule on and without a slug."""
    (deployment,) = server.post("deployments/filter", {"deployments": {"name": {"any_": [name]}}})
    server.delete(f"deployments/{deployment['id']}")
    body = {"name": old, "flow_id": deployment["flow_id"], "tags": ["reingest"], "schedules": [A_DAY_LATER]}
    server.post("deployments/", body)


def turn(server: PrefectServer, name: str, *, on: bool) -> None:
    """Turn the one schedule of a deployment on or off, as a person does in the UI."""
    (deployment,) = server.post("deployments/filter", {"deployments": {"name": {"any_": [name]}}})
    (schedule,) = deployment["schedules"]
    server.patch(f"deployments/{deployment['id']}/schedules/{schedule['id']}", {"active": on})


def scheduled_times(server: PrefectServer, name: str) -> set[str]:
    """Return the times of day in London at which a deployment is scheduled, once it is."""
    (deployment,) = server.post("deployments/filter", {"deployments": {"name": {"any_": [name]}}})
    wait_until(lambda: bool(runs_of(server, deployment["id"])), "the schedule's runs appear")
    times = [datetime.fromisoformat(run["expected_start_time"]) for run in runs_of(server, deployment["id"])]
    return {f"{time.astimezone(LONDON):%H:%M}" for time in times}


async def alert(url: str) -> tuple[Became | None, Became | None]:
    """Register the alert twice; return what became of it."""
    async with get_client() as client:
        return await ensure_alert(client, url), await ensure_alert(client, url)


async def no_alert() -> None:
    async with get_client() as client:
        for one in await client.read_automations_by_name(ALERT):
            await client.delete_automation(one.id)
