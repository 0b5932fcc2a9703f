"""The flow `reingest-outbox` on a real Prefect server."""

import asyncio
from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from prefect.client.schemas.objects import State, StateType
from prefect.settings import PREFECT_API_URL, PREFECT_CLIENT_MAX_RETRIES, temporary_settings

from flows.events import PrefectEvents, event_of
from flows.outbox import outbox, state_of_delivery
from flows.reingest_date import reingest_date
from reingest.operations.deliveries.passes import Delivered, DeliveryReport
from reingest.store.outbox import OwedFact, SinkLag
from tests.support.days import DATE, LATER_DATE, NEXT_DATE
from tests.support.prefect import PrefectServer, wait_until
from tests.support.sites import Site

NOBODY = "http://127.0.0.1:9/api"


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


@pytest.mark.filterwarnings("ignore:unclosed:ResourceWarning")
def test_a_fact_becomes_an_event_of_prefect(
    prefect_server: PrefectServer, run_here: Callable[..., State[Any]], site: Site
) -> None:
    """A date's flow and the delivery tell Prefect of a publish, once for each fact; a command leaves that to them."""
    site.settings["REINGEST_PREFECT_EVENTS"] = "on"
    assert run_here(reingest_date, settlement_date=NEXT_DATE).name == "Published"
    assert site.date(LATER_DATE).json["outcome"] == "published"
    assert sorted(site.rows("select state from outbox_delivery where sink = 'prefect'")) == [
        ("delivered",),
        ("pending",),
    ]
    assert run_here(outbox).name == "Delivered"
    site.rows("update outbox_delivery set state = 'pending', delivered_at = null where sink = 'prefect'")
    assert run_here(outbox).name == "Delivered"  # what was sent before its mark was stored is sent again

    def told() -> list[tuple[str, str, str]]:
        found = prefect_server.post("events/filter", {"filter": {"event": {"prefix": ["reingest.date."]}}})["events"]
        return sorted(
            (one["event"], one["resource"]["prefect.resource.id"], one["payload"]["dedupe_key"]) for one in found
        )

    wait_until(lambda: len(told()) >= 2, "the events are written")
    assert told() == [
        ("reingest.date.published", f"reingest.date.{day}", f"date_published:{day}:1")
        for day in (NEXT_DATE, LATER_DATE)
    ]


@pytest.mark.filterwarnings("ignore:unclosed:ResourceWarning")
def test_a_fact_waits_for_prefect(site: Site) -> None:
    """Where no server of Prefect answers, the sink is down, and the fact stays pending."""
    fact = OwedFact(
        1, DATE, 0, f"date_published:{DATE}:1", {"type": "date_published", "timestamp": "2026-01-01T00:00Z"}
    )
    with temporary_settings({PREFECT_API_URL: NOBODY, PREFECT_CLIENT_MAX_RETRIES: 0}):
        failure = asyncio.run(PrefectEvents().send(fact, 5))
    assert failure is not None
    assert failure.sink_down
    assert event_of(fact)["id"] == event_of(replace(fact, attempts=3))["id"]


def test_what_stays_pending_is_a_state_that_alerts_see() -> None:
    """A run that leaves facts pending or dead ends as failed, with how many; without a sink it has nothing to do."""
    lag = SinkLag("webhook", pending=2, dead=1, oldest_pending_seconds=Decimal(9), next_attempt_seconds=Decimal(1))
    left = state_of_delivery(DeliveryReport((Delivered("webhook", failed=1),), (lag,)))
    assert (left.type, left.name) == (StateType.FAILED, "Pending: 2, Dead: 1")
    elsewhere = state_of_delivery(DeliveryReport((), (lag,)))
    assert (elsewhere.type, elsewhere.name) == (StateType.COMPLETED, "No Sink")
    notices = DeliveryReport((Delivered("email", delivered=1, failed=1),), (replace(lag, sink="email", dead=0),))
    untold = state_of_delivery(DeliveryReport((), ()), notices)
    assert (untold.type, untold.name) == (StateType.FAILED, "Pending: 2, Dead: 0")
    assert untold.message == "notices by email: 1 delivered, 1 failed attempts. Next: reingest notices list"
