"""What was published cannot be rewritten by any program of the project: Postgres itself refuses."""

from collections.abc import Iterator

import psycopg
import pytest
from psycopg import sql

from reingest.store.database import Connection, connect
from tests.support.days import DATE
from tests.support.sites import Site

VERSIONS = sql.SQL("select id from version where state in ('published', 'superseded')")
REFUSALS = (psycopg.errors.InsufficientPrivilege, psycopg.errors.CheckViolation, psycopg.errors.GeneratedAlways)
MAY_RUN = {
    "facts_delivered", "mend_served_span", "number_changes", "purge_events", "purge_versions", "round_half_even",
    "runs_ended", "runs_without_trace", "span_digest", "version_seal",
    "served_as_of", "day_as_of", "day_unit_as_of", "day_mining_as_of", "month_as_of", "month_mining_as_of",
    "year_as_of", "year_mining_as_of", "record_history", "tombstones",
    "unit_at", "register_hash", "register_of", "wind_cover", "register_effect", "mark_stale",
}  # fmt: skip
"""The functions that the application may call; those that delete refuse what was served."""


@pytest.fixture
def application(history: Site) -> Iterator[Connection]:
    """Return a connection as the application has it, to a date with three versions that were published."""
    with connect(history.database_url, purpose="test") as connection:
        yield connection


def test_no_row_of_a_published_version_can_be_changed(application: Connection) -> None:
    """In every table of a version's rows, no column can be set and no row deleted, whatever is asked."""
    columns = application.execute(
        "select relname, attname from pg_attribute join pg_class on pg_class.oid = attrelid"
        " where relnamespace = 'public'::regnamespace and relkind = 'r' and attnum > 0 and relname in"
        " (select relname from pg_attribute join pg_class on pg_class.oid = attrelid where attname = 'version_id')"
        " and relname not in ('run', 'outbox', 'operator_action')"
    ).fetchall()
    assert len({table for table, _ in columns}) == 13
    for table, column in columns:
        name, field = sql.Identifier(table), sql.Identifier(column)
        for statement in (
            sql.SQL("update {} set {} = {} where version_id in ({})").format(name, field, field, VERSIONS),
            sql.SQL("delete from {} where version_id in ({})").format(name, VERSIONS),
        ):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                application.execute(statement)


@pytest.mark.parametrize("number", [1, 3])
def test_the_row_of_a_published_version_stays(number: int, application: Connection) -> None:
    """Of the version's own row nothing can be set but what the next publish sets, and it cannot be deleted."""
    columns = [
        row[0]
        for row in application.execute(
            "select attname from pg_attribute where attrelid = 'version'::regclass and attnum > 0"
        )
    ]
    where = sql.SQL("where settlement_date = {} and number = {}").format(sql.Literal(DATE), sql.Literal(number))
    before = application.execute(sql.SQL("select * from version {}").format(where)).fetchone()
    others = {"state": "'held'", "reason": "'another'", "served_from": "now()", "served_to": "now()"}
    others |= {"seal": "'x'", "previous_seal": "'x'"}
    for column in columns:
        value = sql.SQL(others.get(column, "null"))
        with pytest.raises(REFUSALS):
            application.execute(sql.SQL("update version set {} = {} {}").format(sql.Identifier(column), value, where))
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        application.execute(sql.SQL("delete from version {}").format(where))
    assert application.execute(sql.SQL("select * from version {}").format(where)).fetchone() == before


def test_the_application_may_call_these_functions(application: Connection) -> None:
    """What the application may call is this list; deleting versions, whatever their state, is not on it."""
    callable_ = application.execute(
        "select proname from pg_proc where pronamespace = 'public'::regnamespace and prorettype <> 'trigger'::regtype"
        " and has_function_privilege(oid, 'execute')"
        " and not exists (select from pg_depend where objid = pg_proc.oid and deptype = 'e')"  # an extension's own
    )
    assert {row[0] for row in callable_} == MAY_RUN
