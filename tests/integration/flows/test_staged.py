"""The flow `staged-reingest` on a real Prefect server."""

from collections.abc import Callable
from typing import Any

import pytest
from prefect.client.schemas.objects import State, StateType

from flows.staged_reingest import staged_reingest
from tests.support.days import DATE
from tests.support.sites import Site


@pytest.mark.filterwarnings("ignore:unclosed:ResourceWarning")
def test_batches_are_staged_and_published_when_complete(run_here: Callable[..., State[Any]], site: Site) -> None:
    """A batch ends as `Staged n of 48` and changes nothing served; the last one publishes, where that is asked."""
    refused = run_here(staged_reingest, settlement_date=DATE, publish="when complete")
    assert (refused.type, refused.name) == (StateType.FAILED, "Refused")
    first = run_here(staged_reingest, settlement_date=DATE, periods="1-24", side="bid", publish="when complete")
    assert (first.type, first.name) == (StateType.COMPLETED, "Staged 24 of 48")
    assert first.message is not None
    assert (
        f"Missing: periods 25-48 are not staged. Next: reingest date {DATE} --stage 25-48 --side bid" in first.message
    )
    assert site.generation(DATE) == 0
    last = run_here(staged_reingest, settlement_date=DATE, periods="25-48", side="bid", publish="when complete")
    assert (last.type, last.name) == (StateType.COMPLETED, "Published"), last.message
    assert site.generation(DATE) == 1
    assert (
        site.rows("select kind, source, outcome, flow_run_id is not null from run order by started_at")[:2]
        == [
            ("stage", "live", "staged", True),
        ]
        * 2
    )
    assert site.value("select count(*) from staged_stack") == 0
