"""Leases on their own: dates and everything keep each other out, whoever waits gets its turn, and the dead let go."""

import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from datetime import date, timedelta

import psycopg
import pytest

from reingest.errors import LeaseLost, Locked
from reingest.ids import new_id
from reingest.store.database import connect
from reingest.store.heartbeat import Lease
from reingest.store.leases import EXCLUSIVE_KEY, HeldLease, hold_exclusive, hold_lease, leases, require_lease
from reingest.store.runs import Holder

DATE = date(2024, 3, 29)
OTHER = date(2024, 3, 30)
TTL = 60.0


def a_holder() -> Holder:
    return Holder(new_id())


def test_dates_and_everything_keep_each_other_out(database_url: str) -> None:
    """Everything is refused while a date is held, a date while everything is, and both errors name the holder."""
    first = a_holder()
    with hold_lease(database_url, DATE, first, TTL), pytest.raises(Locked) as refused:  # noqa: SIM117
        with hold_exclusive(database_url, a_holder(), TTL):
            pass
    assert (refused.value.key, refused.value.run_id) == ("date:2024-03-29", str(first.run_id))
    with hold_exclusive(database_url, first, TTL):
        for acquire in (hold_lease(database_url, DATE, a_holder(), TTL), hold_exclusive(database_url, first, TTL)):
            with pytest.raises(Locked) as refused, acquire:
                pass
            error = refused.value
            assert (error.key, error.holder, error.host) == (EXCLUSIVE_KEY, first.holder, first.host)
            assert error.since is not None
            assert error.expires_at is not None
            assert error.expires_at - error.since == timedelta(seconds=TTL)
            assert set(error.as_dict()) > {"key", "holder", "host", "since", "expires_at"}
    assert listed(database_url) == []


def test_two_dates_do_not_hinder_each_other(database_url: str) -> None:
    """Leases of different dates are held side by side, and the listing shows both alive."""
    with hold_lease(database_url, DATE, a_holder(), TTL), hold_lease(database_url, OTHER, a_holder(), TTL):
        assert [(lease.key, lease.alive) for lease in listed(database_url)] == [
            ("date:2024-03-29", True),
            ("date:2024-03-30", True),
        ]


def test_exactly_one_holds_at_a_time(database_url: str) -> None:
    """Eight workers that race for two dates and for everything: no two that exclude each other ever hold at once."""
    holding: set[str] = set()
    faults: list[str] = []
    taken: list[str] = []
    guard = threading.Lock()

    def work(number: int) -> None:
        for turn in range(12):
            key = ("exclusive:all", "date:2024-03-29", "date:2024-03-30", "date:2024-03-29")[(number + turn) % 4]
            try:
                with held_by_key(database_url, key):
                    with guard:
                        rivals = holding if key == EXCLUSIVE_KEY else holding & {key, EXCLUSIVE_KEY}
                        faults.extend(f"{key} beside {rival}" for rival in rivals)
                        holding.add(key)
                        taken.append(key)
                    time.sleep(0.003)
                    with guard:
                        holding.discard(key)
            except Locked:
                continue

    with ThreadPoolExecutor(8) as workers:
        list(workers.map(work, range(8)))
    assert faults == []
    assert set(taken) == {"exclusive:all", "date:2024-03-29", "date:2024-03-30"}
    assert listed(database_url) == []


def held_by_key(url: str, key: str) -> AbstractContextManager[Lease]:
    """Return what holds the lease of that key."""
    if key == EXCLUSIVE_KEY:
        return hold_exclusive(url, a_holder(), TTL)
    return hold_lease(url, date.fromisoformat(key.removeprefix("date:")), a_holder(), TTL)


def test_a_dead_holder_of_everything_frees_the_dates(database_url: str) -> None:
    """An exclusive lease whose holder's connection is gone is deleted by the next run of a date."""
    with psycopg.connect(database_url, autocommit=True) as owner:
        owner.execute(
            "insert into lease values ('exclusive:all', nextval('lease_token'), gen_random_uuid(), 'ann', 'far', 1,"
            " now(), now(), now() + interval '1 hour')"
        )
    assert [lease.alive for lease in listed(database_url)] == [False]
    with hold_lease(database_url, DATE, a_holder(), TTL):
        assert [(lease.key, lease.alive) for lease in listed(database_url)] == [("date:2024-03-29", True)]


def test_whoever_waits_gets_its_turn(database_url: str) -> None:
    """A wait ends with the lease as soon as the holder lets go, and with Locked when its time is over."""
    with hold_lease(database_url, DATE, a_holder(), TTL):
        began = time.monotonic()
        with pytest.raises(Locked), hold_lease(database_url, DATE, a_holder(), TTL, wait_seconds=0.6):
            pass
        assert 0.6 <= time.monotonic() - began < 3
    first = hold_lease(database_url, DATE, a_holder(), TTL)
    first.__enter__()
    release = threading.Timer(0.3, first.__exit__, (None, None, None))
    release.start()
    with hold_lease(database_url, DATE, a_holder(), TTL, wait_seconds=20) as second:
        assert not second.is_lost
    release.join()


def test_a_lease_outlives_a_cut_connection(database_url: str) -> None:
    """A holder whose heartbeat's connection was ended takes its token's lock again, under the same token."""
    with hold_lease(database_url, DATE, a_holder(), 10) as lease, connect(database_url, purpose="test") as connection:
        cut_heartbeat(database_url)
        wait_for(lambda: [held.alive for held in leases(connection)] == [True])
        with pytest.raises(Locked), hold_lease(database_url, DATE, a_holder(), 10):
            pass
        assert not lease.is_lost
        with connection.transaction():
            require_lease(connection, lease)


def test_a_holder_that_was_overtaken_while_cut_off_learns_it(database_url: str) -> None:
    """Where another took the lease before the reconnect, the first holder's is lost, for its work and for publish."""
    told = threading.Event()
    with hold_lease(database_url, DATE, a_holder(), 10) as lease, connect(database_url, purpose="test") as connection:
        lease.on_loss = told.set
        with psycopg.connect(database_url) as owner:
            owner.execute("update lease set token = nextval('lease_token'), run_id = gen_random_uuid()")
        cut_heartbeat(database_url)
        assert told.wait(10)
        assert lease.is_lost
        with pytest.raises(LeaseLost), connection.transaction():
            require_lease(connection, lease)
    assert len(listed(database_url)) == 1  # a release frees one's own lease only


def listed(url: str) -> list[HeldLease]:
    with connect(url, purpose="test") as connection:
        return leases(connection)


def cut_heartbeat(url: str) -> None:
    """End the heartbeat's connection at the server's end, and wait until it is gone."""
    with psycopg.connect(url, autocommit=True) as owner:
        ended = owner.execute(
            "select pg_terminate_backend(pid, 5000) from pg_stat_activity"
            " where datname = current_database() and starts_with(application_name, 'reingest lease')"
        ).fetchall()
    assert ended == [(True,)]


def wait_for(is_so: Callable[[], object], seconds: float = 15) -> None:
    """Return when it is so."""
    deadline = time.monotonic() + seconds
    while not is_so():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.01)
