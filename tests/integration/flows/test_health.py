"""The flow `reingest-health` on a real Prefect server with a real worker."""

import json
from typing import Any

import pytest

from tests.support.days import DATE
from tests.support.prefect import PrefectServer, wait_until
from tests.support.sites import Site

NAME = "deployments/name/reingest-health/reingest-health"


@pytest.mark.slow
def test_health_is_a_state_that_alerts_see(prefect_server: PrefectServer, site: Site) -> None:
    """A healthy site ends as `Consistent`, completed; one with a stale total as failed, with the finding in a table."""
    assert site.date(DATE).json["outcome"] == "published"
    with prefect_server.worker(site.environment()):
        state, artifacts = run_health(prefect_server)
        assert (state["type"], state["name"]) == ("COMPLETED", "Consistent")
        assert "1 dates, 1 versions" in artifacts["health"]
        site.rows("update daily_summary set energy_mwh = 1 where definition = 'net'")
        state, artifacts = run_health(prefect_server)
    assert (state["type"], state["name"]) == ("FAILED", "Findings: 2")
    assert state["message"] == "content-hash-differs, daily-summary-differs. Next: reingest doctor"
    rows = json.loads(artifacts["findings"])
    assert {row["subject"] for row in rows} == {f"{DATE} version 1", f"{DATE} version 1 net"}
    assert {row["command"].split()[1] for row in rows} == {"date"}


@pytest.mark.slow
def test_health_has_a_schedule_that_is_off(prefect_server: PrefectServer) -> None:
    """The deployment comes with a daily schedule that nobody has turned on yet."""
    prefect_server.require_registered()
    (schedule,) = prefect_server.get(NAME)["schedules"]
    assert (schedule["schedule"]["cron"], schedule["schedule"]["timezone"]) == ("0 6 * * *", "Europe/London")
    assert schedule["active"] is False


def run_health(server: PrefectServer) -> tuple[dict[str, Any], dict[str, Any]]:
    """Have the worker run the flow; return the state in which it ended, and its artifacts."""
    run_id = server.post(f"deployments/{server.get(NAME)['id']}/create_flow_run")["id"]

    def state() -> dict[str, Any]:
        found: dict[str, Any] = server.get(f"flow_runs/{run_id}")["state"]
        return found

    wait_until(lambda: state()["type"] in ("COMPLETED", "FAILED", "CRASHED"), "the flow run ends")
    return state(), server.artifacts(run_id)
