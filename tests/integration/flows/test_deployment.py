"""The deployment on a real Prefect server with a real worker: what the pins of its dependencies are for."""

import json
import threading
from datetime import UTC, datetime, timedelta
from typing import Any

import psutil
import pytest

from deployments.children import Child
from reingest.cli import via_prefect
from reingest.errors import FlowRunCrashed, FutureDate, ReingestError
from reingest.operations.request import DateRequest, WantedTotals, date_request
from reingest.standin.server import StandIn
from tests.support.days import DATE, LATER_DATE, NEXT_DATE
from tests.support.killed_runs import HANG, SLOW, published_and_restated, run_again
from tests.support.prefect import PrefectServer, wait_until
from tests.support.sites import Site

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
def test_a_flow_run_whose_process_is_killed(worker: Child, site: Site, elexon: StandIn) -> None:
    """SIGKILL of a flow run's process ends the run as crashed and changes nothing; the next run publishes."""
    old = published_and_restated(site, elexon)
    elexon.script(HANG)
    killer = kill_the_next_run(worker, elexon)
    with pytest.raises(FlowRunCrashed, match="SIGKILL") as crashed:
        via_prefect.follow(DateRequest(LATER_DATE), as_json=False)
    killer.join()
    assert crashed.value.exit_code == 69
    assert site.dump(LATER_DATE) == old
    run_again(site, elexon, old)


@pytest.mark.slow
def test_a_flow_run_whose_worker_is_killed(
    prefect_server: PrefectServer, worker: Child, site: Site, elexon: StandIn
) -> None:
    """SIGKILL of the worker ends its flow run as crashed and changes nothing; the next worker publishes."""
    old = published_and_restated(site, elexon)
    elexon.script(SLOW)
    flow_run_id = prefect_server.submit(LATER_DATE)
    wait_until(lambda: bool(elexon.requests()), "the flow run asks Elexon")
    psutil.Process(worker.pid).kill()
    # It goes on until it has something to say, and nobody listens.
    state = prefect_server.wait_for_end(flow_run_id)
    assert (state["type"], state["name"]) == ("CRASHED", "Crashed")
    assert site.dump(LATER_DATE) == old
    worker.end()  # it has ended; now it is waited for
    worker.start()
    run_again(site, elexon, old)


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
    """Kill the process of the worker's next flow run as soon as it asks Elexon, which does not answer."""

    def kill() -> None:
        wait_until(lambda: bool(elexon.requests()), "the flow run asks Elexon")
        for process in psutil.Process(worker.pid).children():
            process.kill()

    killer = threading.Thread(target=kill)
    killer.start()
    return killer
