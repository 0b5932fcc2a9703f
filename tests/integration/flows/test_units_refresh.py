"""The flow `reingest-units-refresh` on a real Prefect server."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from prefect.client.schemas.objects import State, StateType

from flows.units_refresh import units_refresh
from tests.support.days import A_DAY, DATE, REGISTER
from tests.support.prefect import PrefectServer
from tests.support.sites import Site, recorded_elexon

MOVED = [*REGISTER[:4], ("V__BATT001", "WIND", "Battery Ltd"), ("T_NEWW-1", "WIND", "New Ltd")]


@pytest.mark.filterwarnings("ignore:unclosed:ResourceWarning")
def test_what_is_new_in_the_register_is_shown(
    prefect_server: PrefectServer, run_here: Callable[..., State[Any]], site: Site, tmp_path: Path, monkeypatch: Any
) -> None:
    """What changed and what waits for a person stand in tables; an answer cut short fails, and changes nothing."""
    assert site.date(DATE).json["outcome"] == "published"
    state = run_here(units_refresh)
    assert (state.type, state.name) == (StateType.COMPLETED, "Unchanged")
    with recorded_elexon(tmp_path, A_DAY, units=MOVED) as elexon:
        monkeypatch.setattr(site, "elexon_url", elexon.url)
        state = run_here(units_refresh)
    assert (state.type, state.name) == (StateType.COMPLETED, "Refreshed")
    shown = prefect_server.artifacts(str(state.state_details.flow_run_id))
    changes = {(row["unit"], row["change"]) for row in json.loads(shown["changes"])}
    assert changes == {("T_NEWW-1", "opened")}
    assert [row["elexon_bm_unit"] for row in json.loads(shown["proposals"])] == ["V__BATT001"]
    assert "Opened 1, closed 0, changed 0." in shown["units"]
    with recorded_elexon(tmp_path, A_DAY, units=MOVED[:3]) as elexon:
        monkeypatch.setattr(site, "elexon_url", elexon.url)
        state = run_here(units_refresh)
        assert (state.type, state.name) == (StateType.FAILED, "Held")
        assert "3 of 6 known units are in it" in str(state.message)
        state = run_here(units_refresh, accept_shrink="three left")
    assert (state.type, state.name) == (StateType.COMPLETED, "Refreshed")
    assert site.value("select count(*) from register") == 3
