"""What each role of the database may do: the application appends, the reader sees the views, and no one rewrites."""

from collections.abc import Iterator

import psycopg
import pytest
from psycopg import sql
from psycopg.conninfo import make_conninfo

from reingest.errors import DatabaseError
from reingest.store.database import Connection, connect
from reingest.store.migrate import upgrade
from tests.support.versions import Store

READER = "reingest_reader"
MAY_CHANGE = {
    "run": {"finished_at", "outcome", "exit_code", "error", "version_id", "requests", "retries"},
    "version": {"state", "reason", "seal", "previous_seal", "served_from", "served_to"},
    "settlement_day": {
        "settlement_date", "current_version_id", "generation", "provisional_until", "confirmed_at", "confirmed_by",
        "last_number", "withdrawn_fetches", "withdrawn_seal", "register_recorded_at", "stale_since", "stale_reason",
    },
    "bm_unit": {"recorded_to"},
    "unit_proposal": {"state", "decided_at", "action_id"},
    "unit_override": {"retired_at"},
    "expected_total": {"retired_at"},
    "source_gap": {"retired_at"},
    "lease": {"key", "token", "run_id", "holder", "host", "pid", "acquired_at", "heartbeat_at", "expires_at"},
    "outbox": {"position"},
    "outbox_sink": {"known_since", "forgotten_at"},
    "outbox_delivery": {
        "state", "attempts", "next_attempt_at", "last_attempt_at", "last_error", "delivered_at", "dead_at",
    },
    "rate_gate": {"next_at", "slots", "waited_seconds", "pauses"},
    "notice_delivery": {
        "state", "attempts", "next_attempt_at", "last_attempt_at", "last_error", "delivered_at", "dead_at",
    },
    "difficulty_epoch": {"start", "start_uncertainty"},
    "fetch": {"outcome", "forgotten_at"},
    "range_run": {"state", "ended_at", "error"},
    "range_date": {
        "state", "token", "host", "pid", "claimed_at", "ended_at", "locked_before", "deaths", "outcome", "exit_code",
        "decision", "run_id", "version", "error", "changes", "requests", "seconds",
    },
    "settlement_run": {"enabled"},
    "reconciliation": {"state", "finished_at"},
    "reconciliation_date": {
        "verdict", "judged_at", "run_id", "version", "energy_before_mwh", "energy_after_mwh", "payment_before_gbp",
        "payment_after_gbp", "btc", "periods", "error",
    },
    "staged_stack": {"outcome", "rows", "fetch_id", "run_id", "staged_at"},
}  # fmt: skip
"""Every column that the application may ever write twice."""

FIGURES = (
    "curtailment_record", "daily_summary", "daily_unit_summary", "daily_mining", "mining_rate", "version_period",
    "reject", "fetch", "payload", "version_witness", "witness_verdict", "witness_difference",
)  # fmt: skip
PEOPLE_READ = {
    "curtailment", "mining_estimate", "day", "day_unit", "day_mining", "month", "month_mining", "year", "year_mining",
    "daily_summary_history", "daily_unit_summary_history", "daily_mining_history", "served_history",
    "verification_history", "wind_unit", "version_payload", "changes", "day_digest", "month_digest", "year_digest",
    "witness", "witness_differences",
}  # fmt: skip


CONTRADICT = """
with verdict as (
    insert into witness_verdict (version_id, run_id, rule, rules, status, compared, not_compared, differences)
    select id, run_id, 'acceptance_volumes', 'v0', 'differs', 1, 0, 1 from version returning version_id, run_id, rule
)
insert into witness_difference (version_id, run_id, rule, period, side, bm_unit, acceptance_id, pair_id, stack, witness,
    difference, wind)
select version_id, run_id, rule, 1, 'bid', 'T_LARYW-1', 1, -1, -10.5, -10, -0.5, true from verdict
"""


@pytest.fixture
def application(database_url: str) -> Iterator[Connection]:
    """Return a connection as the application has it, to a database with a published date."""
    Store(database_url).publish()
    with connect(database_url, purpose="test") as connection:
        yield connection


@pytest.fixture
def reader(database_url: str) -> Iterator[Connection]:
    """Return a connection as people have it, to a database with a published date that a witness contradicts."""
    Store(database_url).publish()
    with connect(database_url, purpose="test") as application:
        application.execute(CONTRADICT)
    with connect(database_url, purpose="test", role=READER) as connection:
        yield connection


@pytest.mark.parametrize("table", FIGURES)
def test_the_application_cannot_rewrite_figures(table: str, application: Connection) -> None:
    """No program of the project can change or delete a record, a total or a fetch: Postgres itself refuses."""
    name = sql.Identifier(table)
    fixed = [column for column in columns_of(application, table) if column not in MAY_CHANGE.get(table, ())]
    column = sql.Identifier(fixed[-1])
    statements = [
        sql.SQL("update {} set {} = null").format(name, column),
        sql.SQL("delete from {}").format(name),
        sql.SQL("truncate {} cascade").format(name),
    ]
    for statement in statements:
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            application.execute(statement)


def test_the_application_may_change_a_few_columns(application: Connection) -> None:
    """What may be written twice is this list of columns; nothing but a lease and what is staged may be deleted."""
    tables = names_of(application, "select tablename from pg_tables where schemaname = 'public'")
    changeable = {
        table: {
            column
            for column in columns_of(application, table)
            if may(application, "has_column_privilege(%s, %s, 'update')", f'"{table}"', column)
        }
        for table in tables
    }
    assert {table: columns for table, columns in changeable.items() if columns} == MAY_CHANGE
    assert {table for table in tables if may(application, "has_table_privilege(%s, 'delete')", f'"{table}"')} == {
        "lease", "staged_stack"
    }  # fmt: skip


def test_a_server_that_refuses_the_schema_says_why(empty_database_url: str) -> None:
    """Whoever may not create what the schema needs hears what Postgres said, not of a bug."""
    powerless = make_conninfo(empty_database_url, options="-c role=pg_monitor")
    with pytest.raises(DatabaseError, match="permission denied"):
        upgrade(powerless)


def test_the_reader_sees_the_views(reader: Connection) -> None:
    """Every view for people can be read, and the served date is in it."""
    for view in PEOPLE_READ:
        rows = reader.execute(sql.SQL("select * from {}").format(sql.Identifier(view))).fetchall()
        assert rows, view


def test_the_reader_sees_nothing_else(reader: Connection) -> None:
    """No table can be read, and no view written, by the role that people have."""
    relations = names_of(
        reader, "select relname from pg_class where relnamespace = 'public'::regnamespace and relkind in ('r', 'v')"
    )
    readable = {name for name in relations if may(reader, "has_table_privilege(%s, 'select')", f'"{name}"')}
    assert readable == PEOPLE_READ
    for right in ("insert", "update", "delete", "truncate"):
        assert not [name for name in relations if may(reader, f"has_table_privilege(%s, '{right}')", f'"{name}"')]
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        reader.execute("select nextval('lease_token')")


def columns_of(connection: Connection, table: str) -> list[str]:
    return names_of(
        connection,
        "select attname from pg_attribute where attrelid = %s::regclass and attnum > 0 order by attnum",
        f'"{table}"',
    )


def names_of(connection: Connection, query: str, *parameters: str) -> list[str]:
    return [str(row[0]) for row in connection.execute(query, parameters)]


def may(connection: Connection, privilege: str, *parameters: str) -> bool:
    row = connection.execute(f"select {privilege}", parameters).fetchone()
    return bool(row and row[0])
