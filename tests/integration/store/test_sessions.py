import psycopg
import pytest
from sqlalchemy import text
from sqlmodel import select

from reingest.errors import DatabaseUnreachable
from reingest.store.sessions import reading_session
from reingest.store.tables import MinerModel, OperatorAction
from tests.support.versions import Store


def test_a_session_acts_as_the_application_at_one_moment(database_url: str) -> None:
    """Reads run as the application's role in one repeatable read transaction."""
    with reading_session(database_url, purpose="trial") as session:
        role, isolation = (
            session.connection()
            .execute(text("select current_user::text, current_setting('transaction_isolation')"))
            .one()
        )
        models = session.exec(select(MinerModel.name).order_by(MinerModel.name)).all()

    assert (role, isolation) == ("reingest_app", "repeatable read")
    assert models == ["M20S", "S19J_PRO", "S9"]


def test_a_session_does_not_see_what_comes_later(database_url: str) -> None:
    """What another connection commits while the session is open is not seen by it."""
    with reading_session(database_url, purpose="trial") as session:
        assert session.exec(select(OperatorAction)).all() == []
        with Store(database_url).connect() as other:
            other.execute("insert into operator_action (who, host, action, reason) values ('a', 'b', 'c', 'd')")
        assert session.exec(select(OperatorAction)).all() == []


def test_a_broken_connection_is_the_project_s_own_error(database_url: str) -> None:
    """A connection that breaks under a session ends as `database_unreachable`, not as SQLAlchemy's error."""
    with pytest.raises(DatabaseUnreachable):
        read_over_a_broken_connection(database_url)


def read_over_a_broken_connection(database_url: str) -> None:
    with reading_session(database_url, purpose="trial") as session:
        break_connections(database_url)
        session.exec(select(MinerModel)).all()


def break_connections(database_url: str) -> None:
    """End the other connections to the database, as a restart of the server would."""
    with psycopg.connect(database_url, autocommit=True) as administrator:
        administrator.execute(
            "select pg_terminate_backend(pid) from pg_stat_activity "
            "where datname = current_database() and pid <> pg_backend_pid()"
        )
