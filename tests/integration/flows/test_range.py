"""The flow `reingest-range` on a real Prefect server."""

from collections.abc import Callable
from typing import Any

import pytest
from prefect.client.schemas.objects import State, StateType

from flows.reingest_range import reingest_range
from reingest.standin.server import StandIn
from tests.support.days import DATE, LATER_DATE, NEXT_DATE
from tests.support.prefect import PrefectServer
from tests.support.sites import Site

pytestmark = pytest.mark.filterwarnings("ignore:unclosed:ResourceWarning")


def test_a_range_is_one_flow_run_with_a_task_a_date(
    run_here: Callable[..., State[Any]], site: Site, elexon: StandIn, prefect_server: PrefectServer
) -> None:
    """The flow runs each date as a task of its name, ends by how they ended, and is gone on with by its range's id."""
    elexon.script(
        [{"kind": "status", "status": 500, "dataset": "ISPSTACK", "dates": NEXT_DATE.isoformat(), "periods": 7}]
    )
    words = {"start": str(DATE), "end": str(NEXT_DATE), "side": "bid", "jobs": 1}
    state = run_here(reingest_range, **words)
    assert (state.type, state.name) == (StateType.FAILED, "1 Partial"), state.message
    run = str(state.state_details.flow_run_id)
    artifacts = prefect_server.artifacts(run)
    assert {"range", "report", "other-dates", "dates"} <= artifacts.keys()
    (range_id,) = (str(one) for (one,) in site.rows("select id from range_run"))
    assert f"reingest range resume {range_id}" in artifacts["range"]
    tasks = prefect_server.tasks(run, 2)
    assert tasks == {str(DATE): "Published", str(NEXT_DATE): "Partial"}
    elexon.script([])
    again = run_here(reingest_range, resume=range_id)
    assert again.name == "1 Partial"  # it had ended, so that nothing is left of it
    rest = run_here(reingest_range, **words, only="failed")
    assert (rest.type, rest.name) == (StateType.COMPLETED, "1 Published")


def test_what_cannot_be_run_is_refused_in_words(run_here: Callable[..., State[Any]], site: Site) -> None:
    """A range without a date, or one that runs backwards, ends as refused with the reason."""
    nothing = run_here(reingest_range)
    assert (nothing.type, nothing.name) == (StateType.FAILED, "Refused")
    backwards = run_here(reingest_range, start=str(LATER_DATE), end=str(DATE))
    assert "runs backwards" in str(backwards.message)
