"""The record of what was served when: from before it was kept, and as it is written."""

from typing import Final

import psycopg

from reingest.store.database import connect
from reingest.store.migrate import upgrade
from tests.integration.store.test_unit_history import upgrade_to
from tests.support.versions import A_DAY, DATE, Store

BEFORE: Final = """
set session_replication_role = replica;
insert into version (settlement_date, number, state, kind, sides, basis_generation, run_id, register_id, register_hash,
    definitions, mining_inputs_hash, mining_state, code_version, rows, rejects, records, content_hash, served_from,
    served_to)
select '2024-03-29', number, state, 'ingest', '{bid}', number - 1, gen_random_uuid(), 1, 'r', '{}', 'm', 'available',
    'test', 0, 0, 0, 'c' || number, served_from::timestamptz, served_to::timestamptz
from (values (3, 'superseded', '2024-04-05 06:00Z', '2024-04-06 06:00Z'), (4, 'published', '2024-04-06 06:00Z', null))
    as served (number, state, served_from, served_to);
insert into outbox (settlement_date, generation, kind, body, dedupe_key)
select '2024-03-29', generation, kind,
    jsonb_build_object(
        'version', version, 'content_hash', 'c' || version, 'timestamp', told, 'provisional', generation = 1
    ), generation
from (values
    (1, 'date_published', 1, '2024-04-01T06:00:00Z'), (2, 'date_published', 2, '2024-04-02T06:00:00Z'),
    (3, 'date_withdrawn', null, '2024-04-03T06:00:00Z')
) as fact (generation, kind, version, told);
"""
SPANS: Final = """
select number, version_id is not null, provisional, to_char(served_from at time zone 'UTC', 'MM-DD HH24'),
    to_char(served_to at time zone 'UTC', 'MM-DD HH24')
from served_span order by served_from
"""


def test_what_was_served_before_the_record_was_kept(empty_database_url: str) -> None:
    """Versions bring their spans, and facts those of versions that a reset had taken by then."""
    upgrade_to(empty_database_url, "0005")
    with psycopg.connect(empty_database_url, autocommit=True) as connection:
        connection.execute(BEFORE)
    upgrade(empty_database_url)
    with psycopg.connect(empty_database_url) as connection:
        assert connection.execute(SPANS).fetchall() == [
            (1, False, True, "04-01 06", "04-02 06"),
            (2, False, False, "04-02 06", "04-03 06"),
            (3, True, False, "04-05 06", "04-06 06"),
            (4, True, False, "04-06 06", None),
        ]


def test_the_record_is_written_with_the_publish(database_url: str) -> None:
    """Each publish ends one span and begins the next at its own instant; the same version again changes nothing."""
    store = Store(database_url)
    store.publish()
    store.publish(A_DAY[:1])
    with connect(database_url, purpose="test") as connection:
        connection.execute("update settlement_day set current_version_id = current_version_id, generation = 7")
        spans = connection.execute("select served_from, served_to from served_span order by 1").fetchall()
        versions = connection.execute("select served_from, served_to from version order by 1").fetchall()
    assert spans == versions
    assert len(spans) == 2


def test_a_date_pointed_at_an_older_version_is_told(database_url: str) -> None:
    """Where somebody points a date at another version by hand, that one is served from then on, once more."""
    store = Store(database_url)
    store.publish()
    store.publish(A_DAY[:1])
    with connect(database_url, purpose="test") as connection:
        connection.execute("update settlement_day set current_version_id = (select min(id) from version)")
        spans = connection.execute(
            "select number, served_to is null from served_span where settlement_date = %s order by served_from", [DATE]
        ).fetchall()
    assert spans == [(1, False), (2, False), (1, True)]


def test_a_clock_that_is_set_back_gives_no_two_answers(database_url: str) -> None:
    """Where the last publish is told to be yet to come, the next one is told to be right after it."""
    store = Store(database_url)
    store.publish()
    store.publish(A_DAY[:1])
    with psycopg.connect(database_url) as connection:
        connection.execute("update served_span set served_to = '2199-01-01' where number = 1")
        connection.execute("update served_span set served_from = '2199-01-01' where number = 2")
    store.publish(A_DAY[:2])
    with psycopg.connect(database_url) as connection:
        spans = connection.execute("select served_from, served_to from served_span order by number").fetchall()
        at_once = connection.execute("select version from served_as_of(clock_timestamp())").fetchall()
    assert [one[1] for one in spans[:2]] == [one[0] for one in spans[1:]]
    assert at_once == [(1,)]
