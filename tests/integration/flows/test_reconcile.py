"""The flow `reingest-reconcile` on a real Prefect server."""

import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from prefect.client.schemas.objects import State, StateType

from flows.reconcile import reconcile
from reingest.standin.server import StandIn
from tests.support.days import DATE, LATER_DATE
from tests.support.prefect import PrefectServer
from tests.support.sites import Site
from tests.support.small_sites import heard_long_ago

pytestmark = pytest.mark.filterwarnings("ignore:unclosed:ResourceWarning")


def test_a_reconciliation_is_one_flow_run_with_a_calendar(
    run_here: Callable[..., State[Any]],
    site: Site,
    elexon: StandIn,
    prefect_server: PrefectServer,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Each date is a task of its name, the verdicts stand in a calendar, and a held date fails the run."""
    monkeypatch.setitem(site.settings, "REINGEST_RECONCILE_WINDOW_DAYS", "0")
    for day in (DATE, LATER_DATE):
        assert site.date(day, "--side", "bid", "--force").exit_code == 0
    heard_long_ago(site, at=datetime(2024, 2, 3, tzinfo=UTC))
    elexon.restate(DATE, unit="T_HILLW-1", volume_factor="3")
    state = run_here(reconcile, within_payment="100")
    assert (state.type, state.name) == (StateType.FAILED, "1 Held, 1 Same"), state.message
    shown = prefect_server.artifacts(str(state.state_details.flow_run_id))
    assert f"- {DATE}, held: `reingest publish {DATE} --version" in shown["reconciliation"]
    assert "2024-01  " + "·" * 14 + "H" in shown["reconciliation"]
    (row,) = json.loads(shown["differing"])
    assert (row["date"], row["verdict"], row["MWh"], row["GBP"]) == (str(DATE), "held", "+23.500 MWh", "+£1,180.88")
    assert row["BTC S9"].startswith("+0.")
    assert prefect_server.tasks(str(state.state_details.flow_run_id), 2) == {
        str(DATE): "Held",
        str(LATER_DATE): "Unchanged",
    }
    nothing = run_here(reconcile, within_payment="100")
    assert (nothing.type, nothing.name) == (StateType.COMPLETED, "Nothing Due")


def test_a_policy_that_means_nothing_is_refused_in_words(run_here: Callable[..., State[Any]]) -> None:
    """Limits without a repair end the flow run as refused, with the reason."""
    state = run_here(reconcile, policy="report", within_energy="5")
    assert (state.type, state.name) == (StateType.FAILED, "Refused")
    assert "limits are for repairs" in str(state.message)
