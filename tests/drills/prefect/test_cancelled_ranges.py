"""Ranges whose flow run is cancelled in Prefect's UI, or killed: they are gone on with by their id."""

from collections.abc import Callable
from signal import SIGKILL

import psutil
import pytest

from deployments.children import Child
from reingest.standin.server import StandIn
from tests.support.days import DATE, NEXT_DATE
from tests.support.prefect import PrefectServer, wait_until
from tests.support.sites import Site

SLOW = ({"kind": "latency", "ms": 1500, "dataset": "ISPSTACK"},)


@pytest.mark.slow
@pytest.mark.parametrize("way", ["cancelled", "killed"])
def test_a_range_goes_on_after_its_flow_run(
    way: str,
    prefect_server: PrefectServer,
    worker: Child,
    site: Site,
    elexon: StandIn,
    counted: Callable[..., None],
) -> None:
    """A range whose flow run is cancelled or killed can be resumed, and its processes are gone."""
    elexon.script(SLOW)
    run = submit(prefect_server, start=str(DATE), end=str(NEXT_DATE), side="bid", jobs=2)
    under_way = "select count(*) from range_date where state = 'running'"
    wait_until(lambda: site.value(under_way) == 2 and bool(elexon.requests()), "the dates are under way")
    processes = [one for child in psutil.Process(worker.pid).children() for one in (child, *child.children())]
    assert len(processes) == 3  # the flow run and two dates
    if way == "killed":
        processes[0].send_signal(SIGKILL)
    else:
        prefect_server.post(f"flow_runs/{run}/set_state", {"state": {"type": "CANCELLING"}})
    assert prefect_server.wait_for_end(run)["type"] == ("CRASHED" if way == "killed" else "CANCELLED")
    wait_until(lambda: not any(one.is_running() and one.status() != "zombie" for one in processes), "all have ended")
    elexon.script([])
    (range_id,) = site.rows("select id from range_run order by started_at desc limit 1")[0]
    state = prefect_server.wait_for_end(submit(prefect_server, resume=str(range_id)))
    # The tests of a module share the site, so that the second one finds the dates served.
    assert (state["type"], state["name"]) in {("COMPLETED", "2 Published"), ("COMPLETED", "2 Unchanged")}, state
    counted("flow runs of ranges ended from outside", wanted=1)


def submit(server: PrefectServer, **parameters: object) -> str:
    """Have the worker run a range; return the flow run's id."""
    deployment = server.get("deployments/name/reingest-range/reingest-range")["id"]
    run: str = server.post(f"deployments/{deployment}/create_flow_run", {"parameters": parameters})["id"]
    return run
