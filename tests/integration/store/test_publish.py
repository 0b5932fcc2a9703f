"""The publish transaction on its own: who may commit, from which basis, and what is served after a refusal."""

import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime

import psycopg
import pytest

from reingest.errors import Conflict, LeaseLost, Locked
from reingest.store.database import Connection, connect
from reingest.store.heartbeat import Lease
from reingest.store.leases import hold_lease
from reingest.store.publish import Confirmation, Publication, confirm, publish
from reingest.store.runs import Run, begin_run
from reingest.store.versions import current_version, version_by_number
from tests.support.curtailment import record
from tests.support.versions import DATE, Store

TTL = 60
READ_AT = datetime(2026, 1, 1, tzinfo=UTC)
"""When a run read the register; it does not matter here."""


@dataclass
class Desk:
    """A date that serves version 1 and holds version 2, with a run that would publish the latter."""

    url: str
    connection: Connection
    run: Run
    publication: Publication

    def publish(self, lease: Lease, **changes: object) -> int:
        publication = replace(self.publication, **changes)  # type: ignore[arg-type]
        return publish(self.connection, lease, publication, url=self.url, ttl_seconds=TTL)

    def served(self) -> tuple[int | None, int]:
        """Return number and generation of what is served."""
        current = current_version(self.connection, DATE)
        return current.number, current.generation

    def owner(self, statement: str) -> None:
        """Do what only the database's owner may."""
        with psycopg.connect(self.url, autocommit=True) as connection:
            connection.execute(statement)


@pytest.fixture
def desk(database_url: str) -> Iterator[Desk]:
    store = Store(database_url)
    store.publish()
    number = store.hold([record(period=1, volume="-99")])
    with store.connect() as connection:
        run = Run("publish", settlement_date=DATE)
        begin_run(connection, run)
        version = version_by_number(connection, DATE, number)
        yield Desk(
            database_url,
            connection,
            run,
            Publication(
                settlement_date=DATE,
                version_id=version.id,
                basis_generation=1,
                provisional_until=None,
                run_id=run.id,
                body={},
            ),
        )


def test_a_holder_publishes(desk: Desk) -> None:
    """With the lease and the right basis the version is served, and the generation moves by one."""
    with hold_lease(desk.url, DATE, desk.run.holder, TTL) as lease:
        assert desk.publish(lease) == 2
    assert desk.served() == (2, 2)


@pytest.mark.parametrize(
    "loss",
    [
        "delete from lease",
        "update lease set token = token + 1000",
        "update lease set acquired_at = '2020-01-01', heartbeat_at = '2020-01-01', expires_at = '2020-01-02'",
    ],
    ids=["released", "taken_over", "expired"],
)
def test_a_stale_token_publishes_nothing(loss: str, desk: Desk) -> None:
    """A token that is gone, older than another's, or past its expiry is refused inside the transaction."""
    with hold_lease(desk.url, DATE, desk.run.holder, TTL) as lease:
        desk.owner(loss)
        with pytest.raises(LeaseLost):
            desk.publish(lease)
    assert desk.served() == (1, 1)


def test_an_expiry_during_the_wait_counts(desk: Desk) -> None:
    """The expiry is judged after the wait for the lease's row, by the wall clock, not by the transaction's start."""
    with hold_lease(desk.url, DATE, desk.run.holder, TTL) as lease, psycopg.connect(desk.url) as other:
        other.execute("update lease set expires_at = clock_timestamp() + interval '0.2 s'")
        refused: list[LeaseLost] = []

        def try_it() -> None:
            try:
                desk.publish(lease)
            except LeaseLost as error:
                refused.append(error)

        publisher = threading.Thread(target=try_it)
        publisher.start()
        time.sleep(0.4)
        assert publisher.is_alive()
        other.commit()
        publisher.join()
    assert len(refused) == 1
    assert desk.served() == (1, 1)


def test_another_basis_is_a_conflict(desk: Desk) -> None:
    """A candidate of an older generation is refused, and what is served stays."""
    with hold_lease(desk.url, DATE, desk.run.holder, TTL) as lease, pytest.raises(Conflict):
        desk.publish(lease, basis_generation=0)
    assert desk.served() == (1, 1)


def test_a_version_is_served_once(desk: Desk) -> None:
    """A version that is served, or was, cannot be published again by this way."""
    with hold_lease(desk.url, DATE, desk.run.holder, TTL) as lease:
        desk.publish(lease)
        with pytest.raises(Conflict):
            desk.publish(lease, basis_generation=2)
    assert desk.served() == (2, 2)


def test_a_confirmation_belongs_to_what_is_served(desk: Desk) -> None:
    """A confirmation of a version that is not served any more is a conflict."""
    confirmation = Confirmation(desk.publication.version_id, 1, None, desk.run.id, READ_AT)
    with hold_lease(desk.url, DATE, desk.run.holder, TTL) as lease, pytest.raises(Conflict):
        confirm(desk.connection, lease, confirmation)


def test_a_final_confirmation_stays(desk: Desk) -> None:
    """A provisional mark is not set by a confirmation: what was final once is final."""
    later = datetime(2026, 1, 1, tzinfo=UTC)
    current = current_version(desk.connection, DATE)
    assert current.id is not None
    with hold_lease(desk.url, DATE, desk.run.holder, TTL) as lease:
        marks = [
            confirm(desk.connection, lease, Confirmation(current.id, 1, until, desk.run.id, READ_AT))
            for until in (later, None, later)
        ]
    assert marks == [None, None, None]


def test_a_lease_is_for_one_at_a_time(desk: Desk) -> None:
    """A second holder of the date is refused while the first lives, and admitted after its release."""
    with hold_lease(desk.url, DATE, desk.run.holder, TTL) as first:
        with pytest.raises(Locked), hold_lease(desk.url, DATE, desk.run.holder, TTL):
            pass
        with connect(desk.url, purpose="test") as connection:
            assert connection.execute("select count(*) from lease").fetchone() == (1,)
    with hold_lease(desk.url, DATE, desk.run.holder, TTL) as second:
        assert second.token > first.token
