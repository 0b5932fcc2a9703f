"""The flow `reingest-health` on a real Prefect server."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from prefect.client.schemas.objects import State, StateType

from flows.health import health
from tests.support.days import DATE
from tests.support.prefect import PrefectServer
from tests.support.sites import Site


@pytest.mark.filterwarnings("ignore:unclosed:ResourceWarning")
def test_health_is_a_state_that_alerts_see(
    prefect_server: PrefectServer, run_here: Callable[..., State[Any]], site: Site
) -> None:
    """A healthy site ends as `Consistent`, completed; one with a stale total as failed, with the finding in a table."""
    assert site.date(DATE).json["outcome"] == "published"
    state = run_here(health)
    assert (state.type, state.name) == (StateType.COMPLETED, "Consistent")
    assert "1 dates, 1 versions" in artifacts_of(prefect_server, state)["health"]
    site.rows("update daily_summary set energy_mwh = 1 where definition = 'net'")
    state = run_here(health)
    assert (state.type, state.name) == (StateType.FAILED, "Findings: 2")
    assert state.message == "content-hash-differs, daily-summary-differs. Next: reingest doctor"
    rows = json.loads(artifacts_of(prefect_server, state)["findings"])
    assert {row["subject"] for row in rows} == {f"{DATE} version 1", f"{DATE} version 1 net"}
    assert {row["command"].split()[1] for row in rows} == {"date"}
    subject = "The doctor found 2: 1 x content-hash-differs, 1 x daily-summary-differs"
    assert site.rows("select kind, subject from notice") == [("doctor_findings", subject)]


def artifacts_of(server: PrefectServer, state: State[Any]) -> dict[str, Any]:
    """Return the data of the artifacts of the flow run that ended in this state."""
    return server.artifacts(str(state.state_details.flow_run_id))
