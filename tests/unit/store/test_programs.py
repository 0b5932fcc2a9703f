"""How Postgres's own programs are called: what they need to connect stands in their environment."""

import pytest

from reingest.store.programs import command, environment_of

URL = "postgresql://me:s3cret@db.example:6543/curtailment?sslmode=require&options=-c%20jit%3Doff&keepalives_idle=10"


def test_a_password_stands_in_the_environment() -> None:
    """A URL's parts become the variables that libpq reads, the password among them."""
    environment = environment_of(URL)
    assert {name: value for name, value in environment.items() if name.startswith("PG")} == {
        "PGUSER": "me",
        "PGPASSWORD": "s3cret",
        "PGHOST": "db.example",
        "PGPORT": "6543",
        "PGDATABASE": "curtailment",
        "PGSSLMODE": "require",
        "PGOPTIONS": "-c jit=off",
        "PGAPPNAME": "reingest backup",
    }


def test_the_environment_holds_what_the_url_does_not_say(monkeypatch: pytest.MonkeyPatch) -> None:
    """A PG variable of the person's own holds for the programs as it holds for Reingest; nothing else is passed on."""
    monkeypatch.setenv("PGSSLROOTCERT", "/etc/ca.pem")
    monkeypatch.setenv("PGPORT", "1")
    monkeypatch.setenv("LD_PRELOAD", "x.so")
    environment = environment_of(URL)
    assert (environment["PGSSLROOTCERT"], environment["PGPORT"]) == ("/etc/ca.pem", "6543")
    assert "LD_PRELOAD" not in environment


def test_a_command_line_says_nothing_of_the_database() -> None:
    """A program is found in the wheel, and is told on its command line what to do, not where."""
    assert command("pg_dump", ["--format=custom"])[0].endswith("/pginstall/bin/pg_dump")
    assert command("pg_dump", ["--format=custom"])[1:] == ["--format=custom"]
