"""What the thread that beats for a lease says, and about which run."""

import json
from uuid import uuid4

import pytest

from reingest.log_context import about
from reingest.logs import JsonLines
from reingest.store.database import connect
from reingest.store.leases import hold_lease
from reingest.store.runs import Holder
from tests.support.days import DATE
from tests.support.prefect import wait_until


def test_a_lost_lease_is_logged_with_its_run(database_url: str, caplog: pytest.LogCaptureFixture) -> None:
    """The heartbeat's line on a lost lease says which run and which date it is about."""
    caplog.handler.setFormatter(JsonLines())
    run = uuid4()
    with about(run_id=run, settlement_date=DATE), hold_lease(database_url, DATE, Holder(run), ttl_seconds=0.5) as lease:
        with connect(database_url, purpose="test", role=None) as other:
            other.execute("delete from lease")
        wait_until(lease.lost.is_set, "the loss is noticed", 10)
    (line,) = [json.loads(line) for line in caplog.text.splitlines() if "is lost" in line]
    assert (line["run_id"], line["settlement_date"]) == (str(run), DATE.isoformat())
