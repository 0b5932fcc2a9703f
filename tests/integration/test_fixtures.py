from pathlib import Path

import psycopg

from reingest.settings import load_settings


def test_a_test_has_a_database_of_its_own(database_url: str) -> None:
    """A test's database is new, has the schema, and is not another test's."""
    with psycopg.connect(database_url) as connection:
        assert connection.execute("select version_num from alembic_version").fetchone()
        connection.execute("create table mine ()")


def test_an_empty_database_is_empty(empty_database_url: str) -> None:
    """An empty database has no table, so migrations can be tried on it."""
    with psycopg.connect(empty_database_url) as connection:
        assert not connection.execute("select from pg_tables where schemaname = 'public'").fetchall()


def test_settings_of_the_person_are_out_of_sight(tmp_path: Path) -> None:
    """Only the test's own folder is in the settings."""
    settings = load_settings()
    assert settings.database_url is None
    assert settings.home == tmp_path / "home"
