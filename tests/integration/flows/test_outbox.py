"""The flow `reingest-outbox` on a real Prefect server."""

from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from prefect.client.schemas.objects import State, StateType

from flows.outbox import outbox, state_of_delivery
from reingest.operations.outbox.delivering import Delivered, DeliveryReport
from reingest.store.outbox import SinkLag
from tests.support.days import DATE
from tests.support.sites import Site


@pytest.mark.filterwarnings("ignore:unclosed:ResourceWarning")
def test_what_a_run_left_pending_is_delivered(run_here: Callable[..., State[Any]], site: Site, tmp_path: Path) -> None:
    """A fact that its run could not deliver is delivered by the flow, which ends as `Delivered`."""
    log = tmp_path / "later" / "facts.jsonl"
    site.settings |= {"REINGEST_OUTBOX_LOG": str(log), "REINGEST_OUTBOX_RETRY_SECONDS": "0.1"}
    assert site.date(DATE).json["outcome"] == "published"
    assert site.value("select state from outbox_delivery") == "pending"
    log.parent.mkdir()
    state = run_here(outbox)
    assert (state.type, state.name) == (StateType.COMPLETED, "Delivered")
    assert state.message == "log: 1 delivered, 0 failed attempts"
    assert len(log.read_text("utf-8").splitlines()) == 1


def test_what_stays_pending_is_a_state_that_alerts_see() -> None:
    """A run that leaves facts pending or dead ends as failed, with how many; without a sink it has nothing to do."""
    lag = SinkLag("webhook", pending=2, dead=1, oldest_pending_seconds=Decimal(9), next_attempt_seconds=Decimal(1))
    left = state_of_delivery(DeliveryReport((Delivered("webhook", failed=1),), (lag,)))
    assert (left.type, left.name) == (StateType.FAILED, "Pending: 2, Dead: 1")
    elsewhere = state_of_delivery(DeliveryReport((), (lag,)))
    assert (elsewhere.type, elsewhere.name) == (StateType.COMPLETED, "No Sink")
