"""The deployment on a real Prefect server with a real worker: what the pins of its dependencies are for."""

import json
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import psutil
import pytest

from deployments.children import Child
from reingest.cli import via_prefect
from reingest.errors import FlowRunCrashed, FutureDate, ReingestError
from reingest.operations.request import DateRequest, WantedTotals, date_request
from reingest.standin.server import StandIn
from tests.support.days import DATE
from tests.support.prefect import PrefectServer, wait_until
from tests.support.sites import Site

NAME = "deployments/name/reingest-date/reingest-date"
A_DAY_LATER = {"schedule": {"interval": 86_400, "anchor_date": (datetime.now(UTC) + timedelta(hours=1)).isoformat()}}


@pytest.fixture
def worker(prefect_server: PrefectServer, site: Site, monkeypatch: pytest.MonkeyPatch) -> Iterator[Child]:
    """Return a worker that runs the site's dates; this process has the site's environment too."""
    for name, value in site.environment().items():
        monkeypatch.setenv(name, value)
    with prefect_server.worker(site.environment()) as worker:
        yield worker


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
    """A held date, a refused one and a killed process end `--via prefect` as they end the command itself."""
    wanted = date_request(DATE, periods=None, side="as-served", wanted=WantedTotals(energy="5"))
    assert via_prefect.follow(wanted, as_json=False) == 1
    assert "Held by: expected_energy:so_flagged" in capsys.readouterr().out
    with pytest.raises(ReingestError, match="has not begun") as refused:
        via_prefect.follow(DateRequest(datetime.now(UTC).date() + timedelta(days=9)), as_json=False)
    assert (refused.value.code, refused.value.exit_code) == (FutureDate.code, 2)
    assert refused.value.next_command == FutureDate.default_next
    killer = kill_the_next_run(worker, elexon)
    with pytest.raises(FlowRunCrashed, match="SIGKILL") as crashed:
        via_prefect.follow(DateRequest(DATE), as_json=False)
    killer.join()
    assert crashed.value.exit_code == 69
    assert site.generation(DATE) == 0


@pytest.mark.slow
def test_registering_again_changes_nothing(prefect_server: PrefectServer, site: Site) -> None:
    """There is one work pool, one deployment and one of each automation, however often they are registered."""
    prefect_server.require_registered()
    before = registered(prefect_server)
    prefect_server.register()
    assert registered(prefect_server) == before


def schedule(server: PrefectServer) -> str:
    """Make a deployment of the same flow that runs once a day; return its id."""
    deployment = server.get(NAME)
    body = {"name": "daily", "flow_id": deployment["flow_id"], "schedules": [A_DAY_LATER]}
    scheduled: str = server.post("deployments/", body)["id"]
    return scheduled


def runs_of(server: PrefectServer, deployment_id: str) -> list[dict[str, Any]]:
    runs: list[dict[str, Any]] = server.post("flow_runs/filter", {"deployments": {"id": {"any_": [deployment_id]}}})
    return runs


def registered(server: PrefectServer) -> tuple[str, list[str], list[tuple[str, str]]]:
    """Return the ids of what is registered, and when each automation was changed last."""
    pools, automations = server.post("work_pools/filter"), server.post("automations/filter")
    ids = [pool["id"] for pool in pools]
    return server.get(NAME)["id"], ids, [(automation["id"], automation["updated"]) for automation in automations]


def kill_the_next_run(worker: Child, elexon: StandIn) -> threading.Thread:
    """Kill the process of the worker's next flow run as soon as it asks Elexon, which does not answer any more."""
    elexon.reset()
    elexon.script([{"kind": "hang"}])

    def kill() -> None:
        wait_until(lambda: bool(elexon.requests()), "the flow run asks Elexon")
        for process in psutil.Process(worker.pid).children():
            process.kill()

    killer = threading.Thread(target=kill)
    killer.start()
    return killer
