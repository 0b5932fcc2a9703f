"""The feed of changes: positions are given after the commit, so a reader who remembers the last one misses nothing."""

import threading
from datetime import date

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from reingest.store import publish as store_publish
from reingest.store.outbox import changes_since
from tests.support.versions import Store

FIRST, SECOND, THIRD = (date(2024, 3, day) for day in (1, 2, 3))


def dates_of(store: Store, since: int = 0) -> tuple[list[str], int]:
    """Return the dates that changed after a position, and the position that the reader remembers."""
    with store.connect() as connection:
        changes = changes_since(connection, since, limit=100)
    return [change.message["settlement_date"] for change in changes], changes[-1].position if changes else since


def insert_fact(connection: psycopg.Connection[tuple[object, ...]], like: date, day: date) -> None:
    """Write a fact as the publish of `day` would, in the connection's open transaction."""
    connection.execute(
        """insert into outbox (settlement_date, generation, version_id, kind, body, dedupe_key)
        select %(day)s, 1, version_id, kind, body || jsonb_build_object('settlement_date', %(day)s::text),
            'date_published:' || %(day)s::text || ':' || gen_random_uuid()
        from outbox where settlement_date = %(like)s order by id limit 1""",
        {"day": day, "like": like},
    )


def test_publishes_that_commit_in_the_other_order_are_both_read(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A publish with the smaller id that commits after a reader has passed the larger one is read next, not missed."""
    store = Store(database_url)
    store.publish(settlement_date=FIRST)
    _, start = dates_of(store)
    written, go_on = threading.Event(), threading.Event()

    def stop_before_the_commit(name: str) -> None:
        if name == "before_publish_commit" and threading.current_thread() is slow:
            written.set()
            assert go_on.wait(30)

    monkeypatch.setattr(store_publish, "checkpoint", stop_before_the_commit)
    slow = threading.Thread(target=lambda: store.publish(settlement_date=SECOND))
    slow.start()
    assert written.wait(30)
    store.publish(settlement_date=THIRD)
    seen, position = dates_of(store, start)
    assert seen == [THIRD.isoformat()]
    go_on.set()
    slow.join()
    assert dates_of(store, position)[0] == [SECOND.isoformat()]
    with psycopg.connect(database_url) as connection:
        ids = connection.execute("select id from outbox where position > %s order by position", [start]).fetchall()
    assert ids == sorted(ids, reverse=True)


@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_any_order_of_commits_and_reads_gives_every_fact_once(database_url: str, data: st.DataObject) -> None:
    """However inserts, commits and reads of several publishes alternate, a reader sees each fact once."""
    store = Store(database_url)
    if not dates_of(store)[0]:
        store.publish(settlement_date=FIRST)
    _, position = dates_of(store)
    days = [date(2030, 1, 1 + number) for number in range(4)]
    seen: list[str] = []
    writers = {day: psycopg.connect(database_url) for day in days}
    for day in data.draw(st.permutations(days), label="inserts"):
        insert_fact(writers[day], FIRST, day)
    for day in data.draw(st.permutations(days), label="commits"):
        writers[day].commit()
        writers[day].close()
        if data.draw(st.booleans(), label="read"):
            more, position = dates_of(store, position)
            seen += more
    seen += dates_of(store, position)[0]
    assert sorted(seen) == [day.isoformat() for day in days]


def test_readers_and_publishers_at_once(database_url: str) -> None:
    """While four threads publish and two read from their own positions, each reader sees every fact, in order."""
    store = Store(database_url)
    store.publish(settlement_date=FIRST)
    _, start = dates_of(store)
    done = threading.Event()
    seen: list[list[int]] = [[], []]

    def publish() -> None:
        with psycopg.connect(database_url) as connection:
            for _ in range(25):
                insert_fact(connection, FIRST, SECOND)
                connection.commit()

    def read(into: list[int]) -> None:
        with store.connect() as connection:
            position = start
            while True:
                last = done.is_set()
                for change in changes_since(connection, position, limit=7):
                    into.append(change.position)
                    position = change.position
                    last = False
                if last:
                    return

    threads = [threading.Thread(target=read, args=[into]) for into in seen]
    writers = [threading.Thread(target=publish) for _ in range(4)]
    run_all([*threads, *writers], done, writers)
    assert seen[0] == seen[1] == sorted(seen[0])
    assert len(set(seen[0])) == len(seen[0]) == 100


def run_all(threads: list[threading.Thread], done: threading.Event, writers: list[threading.Thread]) -> None:
    for thread in threads:
        thread.start()
    for writer in writers:
        writer.join()
    done.set()
    for thread in threads:
        thread.join()


def test_a_fact_whose_publisher_died_gets_its_position_from_the_next_reader(database_url: str) -> None:
    """A fact that nobody numbered after its commit is numbered by whoever reads the feed next."""
    store = Store(database_url)
    store.publish(settlement_date=FIRST)
    _, position = dates_of(store)
    with psycopg.connect(database_url) as connection:
        insert_fact(connection, FIRST, SECOND)
    assert dates_of(store, position)[0] == [SECOND.isoformat()]


def test_numbering_waits_for_nobody(database_url: str) -> None:
    """Where another process numbers at this moment, a publisher and a reader go on without it."""
    store = Store(database_url)
    store.publish(settlement_date=FIRST)
    _, position = dates_of(store)
    with psycopg.connect(database_url) as other:
        other.execute("select number_changes()")  # its transaction, and so its lock, stays open
        store.publish(settlement_date=SECOND)
        assert dates_of(store, position)[0] == []
    assert dates_of(store, position)[0] == [SECOND.isoformat()]
