"""What Prefect's processes are told."""

import pytest
from sqlalchemy.dialects.postgresql.asyncpg import dialect
from sqlalchemy.engine import make_url

from deployments.prefect_settings import asyncpg_url, plain_environment
from reingest.errors import BadSetting


@pytest.mark.parametrize(
    ("conninfo", "told"),
    [
        (
            "postgresql://reingest@/prefect?host=%2Fa%20b%2Frun",
            {"user": "reingest", "database": "prefect", "host": "/a b/run", "port": 5432},
        ),
        (
            "postgresql://u%40x:p%2Fw@db.example:6000/p?sslmode=require&connect_timeout=3",
            {"user": "u@x", "password": "p/w", "database": "p", "host": "db.example", "port": 6000, "ssl": "require"},
        ),
        ("dbname=p host=/run port=7 sslmode=require", {"database": "p", "host": "/run", "port": 7}),
        ("postgresql://[::1]/p", {"database": "p", "host": "::1", "port": 5432}),
    ],
)
def test_prefect_reaches_what_psycopg_reaches(conninfo: str, told: dict[str, object]) -> None:
    """The same server, database, login and TLS are told to Prefect's driver in its own words."""
    positional, named = dialect().create_connect_args(make_url(asyncpg_url(conninfo)))  # type: ignore[no-untyped-call]
    assert (list(positional), dict(named)) == ([], told)


def test_a_url_of_prefects_own_driver_is_taken_as_it_is() -> None:
    """What asyncpg needs beyond psycopg's words can be written in its own."""
    url = "postgresql+asyncpg://u@h/p?ssl=verify-full"
    assert asyncpg_url(url) == url


@pytest.mark.parametrize("conninfo", ["host=a,b dbname=p", "host=a sslrootcert=/x.pem", "host=a options=-cx=1"])
def test_what_cannot_be_told_is_refused(conninfo: str) -> None:
    """Nothing that changes where or how safely Prefect connects is dropped in silence."""
    with pytest.raises(BadSetting, match="REINGEST_PREFECT_DATABASE_URL"):
        asyncpg_url(conninfo)


def test_nothing_of_the_users_prefect_is_handed_on() -> None:
    """A child has none of the shell's PREFECT variables, keeps compiled modules, and asks no proxy for this machine."""
    given = {"PREFECT_API_URL": "x", "PREFECT_PROFILE": "y", "PYTHONDONTWRITEBYTECODE": "1", "A": "b", "no_proxy": "in"}
    direct = "in,127.0.0.1,localhost"
    assert plain_environment(given) == {"A": "b", "no_proxy": direct, "NO_PROXY": direct}
