"""Flow runs whose process is killed, with their worker or without: the date is whole, the state tells it."""

import threading
from collections.abc import Callable

import psutil
import pytest

from deployments.children import Child
from deployments.prefect_settings import HEARTBEAT_SECONDS
from reingest.cli import via_prefect
from reingest.errors import FlowRunCrashed
from reingest.operations.request import DateRequest
from reingest.standin.server import StandIn
from tests.support.days import LATER_DATE
from tests.support.killed_runs import HANG, SLOW, published_and_restated, run_again
from tests.support.prefect import PrefectServer, wait_until
from tests.support.sites import Site

SILENCE_SECONDS = 3 * HEARTBEAT_SECONDS


@pytest.mark.slow
@pytest.mark.parametrize("name", ["after_fetch", "after_stage", "after_publish_commit"])
def test_a_flow_run_killed_at_a_checkpoint(
    name: str,
    prefect_server: PrefectServer,
    worker: Child,
    site: Site,
    elexon: StandIn,
    counted: Callable[..., None],
) -> None:
    """A flow run killed before, in or after its publish is crashed, its date old or new, and the next run ends it."""
    old = published_and_restated(site, elexon)
    state = prefect_server.wait_for_end(prefect_server.submit(LATER_DATE, REINGEST_CRASH_AT=name))
    assert state["type"] == "CRASHED"
    assert "SIGKILL" in state["message"]
    assert (site.dump(LATER_DATE) == old) == (name != "after_publish_commit")
    run_again(site, elexon, old)
    counted("flow runs killed at a checkpoint", wanted=1)


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
def test_a_flow_run_killed_with_its_worker(
    prefect_server: PrefectServer, worker: Child, site: Site, elexon: StandIn, counted: Callable[..., None]
) -> None:
    """Where nobody is left to tell, as after a loss of power, the server finds the silence, and the next run works."""
    old = published_and_restated(site, elexon)
    elexon.script(HANG)
    flow_run_id = prefect_server.submit(LATER_DATE)
    wait_until(lambda: bool(elexon.requests()), "the flow run asks Elexon")
    for process in (psutil.Process(worker.pid), *psutil.Process(worker.pid).children()):
        process.kill()
    worker.end()  # it has ended; now it is waited for
    assert site.dump(LATER_DATE) == old
    worker.start()
    run_again(site, elexon, old)  # which needs not wait until the dead one is found
    state = prefect_server.wait_for_end(flow_run_id, 2 * SILENCE_SECONDS)
    assert state["type"] == "CRASHED"
    assert f"for {SILENCE_SECONDS} s" in state["message"]
    counted("flow runs killed with their worker", wanted=1)


def kill_the_next_run(worker: Child, elexon: StandIn) -> threading.Thread:
    """Kill the process of the worker's next flow run as soon as it asks Elexon, which does not answer."""

    def kill() -> None:
        wait_until(lambda: bool(elexon.requests()), "the flow run asks Elexon")
        for process in psutil.Process(worker.pid).children():
            process.kill()

    killer = threading.Thread(target=kill)
    killer.start()
    return killer
