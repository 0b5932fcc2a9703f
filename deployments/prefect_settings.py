"""What Prefect's processes run with: a home, a database and an address of their own, and nothing of the user's.

Prefect reads settings from the environment, a profile, `prefect.toml`, `pyproject.toml` and `.env`, and would write to
`~/.prefect`. Here its state stands under `REINGEST_HOME/prefect`, and whatever `PREFECT_*` the shell has is left out.
"""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Final
from urllib.parse import quote, urlencode

import psycopg
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict

from reingest.errors import BadSetting, DatabaseUnreachable
from reingest.settings import Settings

DATABASE: Final = "prefect"
LOOPBACK: Final = "127.0.0.1"
WORK_POOL: Final = "reingest"

# Prefect's database is a log of what was done; the runs themselves are kept for ever in Reingest's own. Two thirds of
# its growth are events, of which only the newest mean anything: an automation looks back 90 seconds.
FLOW_RUN_RETENTION_SECONDS: Final = 30 * 86_400
EVENT_RETENTION: Final = "P2D"  # this one is not taken in seconds

NOBODYS_CERTIFICATE: Final = Path(__file__).with_name("nobodys-certificate.pem")
"""For clients of a server on plain HTTP: each would read all the world's certificates first, 15 ms, ten times a date.

Prefect can be told a file to read instead, but not none; the key of this one's certificate was never kept."""

RATE_GATE: Final = "REINGEST_RATE_GATE"

HEARTBEAT_SECONDS: Final = 30
"""How often a flow run says that it lives; no less is allowed. After three silent ones it counts as dead."""

# What psycopg and asyncpg call alike, or what makes no difference to Prefect.
_TOLD: Final = frozenset({"host", "port", "user", "password", "dbname", "sslmode"})
_OF_NO_MATTER: Final = frozenset(
    {
        "application_name",
        "connect_timeout",
        "keepalives",
        "keepalives_idle",
        "keepalives_interval",
        "keepalives_count",
        "target_session_attrs",
    }
)


def plain_environment(environment: Mapping[str, str] | None = None) -> dict[str, str]:
    """Return an environment (this process's) without Prefect's variables, in which Python keeps what it compiled.

    Images of Python often set PYTHONDONTWRITEBYTECODE. Every flow run is a new interpreter, and compiling Prefect anew
    for each costs four seconds. And no proxy is asked for what is on this machine.
    """
    given = os.environ if environment is None else environment
    left_out = "PYTHONDONTWRITEBYTECODE"
    kept = {name: value for name, value in given.items() if not name.startswith("PREFECT_") and name != left_out}
    direct = ",".join(filter(None, (given.get("no_proxy") or given.get("NO_PROXY"), LOOPBACK, "localhost")))
    return kept | {"no_proxy": direct, "NO_PROXY": direct}


def client_environment(folder: Path, api_url: str) -> dict[str, str]:
    """Return the variables of everything that talks to the server; Prefect keeps its state in the folder."""
    speaks_plainly = api_url.startswith("http://")
    return {
        **({"PREFECT_API_SSL_CERT_FILE": str(NOBODYS_CERTIFICATE)} if speaks_plainly else {}),
        "PREFECT_HOME": str(folder),
        "PREFECT_API_URL": api_url,
        # Which is also what the packages that Prefect brings look at.
        "DO_NOT_TRACK": "1",
        "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
        "PREFECT_CLOUD_ENABLE_ORCHESTRATION_TELEMETRY": "false",
    }


def server_environment(folder: Path, api_url: str, database_url: str) -> dict[str, str]:
    """Return the variables of the server, whose database is at a Postgres URL or conninfo.

    Raises:
        BadSetting: see `asyncpg_url`.
    """
    return client_environment(folder, api_url) | {
        "PREFECT_API_DATABASE_CONNECTION_URL": asyncpg_url(database_url),
        "PREFECT_SERVER_DATABASE_SQLALCHEMY_CONNECT_ARGS_APPLICATION_NAME": "reingest prefect",
        "PREFECT_SERVER_SERVICES_DB_VACUUM_ENABLED": "events,flow_runs",
        "PREFECT_SERVER_SERVICES_DB_VACUUM_RETENTION_PERIOD": str(FLOW_RUN_RETENTION_SECONDS),
        "PREFECT_SERVER_EVENTS_RETENTION_PERIOD": EVENT_RETENTION,
        "PREFECT_SERVER_UI_SHOW_PROMOTIONAL_CONTENT": "false",
        "PREFECT_SERVER_UI_V2_ENABLED": "false",
    }


def worker_environment(folder: Path, api_url: str) -> dict[str, str]:
    """Return the variables of a worker, which its flow runs inherit.

    Its temporary files have a folder of their own, which is made here: in the machine's, Prefect uses one name for all
    accounts, so that a second one could not start a worker, and leaves there what a killed worker left.
    """
    temporary = folder / "tmp"
    temporary.mkdir(exist_ok=True)
    return client_environment(folder, api_url) | {
        "TMPDIR": str(temporary),
        # Any number of flow runs may ask Elexon at once: together they keep the rate.
        RATE_GATE: os.environ.get(RATE_GATE, "shared"),
        # The default of 10 s is what a person who pressed the button would wait.
        "PREFECT_WORKER_QUERY_SECONDS": "0.5",
        "PREFECT_FLOWS_HEARTBEAT_FREQUENCY": str(HEARTBEAT_SECONDS),
        # Not every 2 s, which is a call each: what happens now is told by the progress artifact.
        "PREFECT_LOGGING_TO_API_BATCH_INTERVAL": "5",
        # Eight of a date's 45 requests: the server is of this very installation, and asks for no such tokens.
        "PREFECT_CLIENT_SERVER_VERSION_CHECK_ENABLED": "false",
        "PREFECT_CLIENT_CSRF_SUPPORT_ENABLED": "false",
    }


def ensure_prefect_database(settings: Settings, reingest_url: str) -> str:
    """Return the URL of Prefect's own database: the configured one, else `prefect` beside Reingest's, made if need be.

    Raises:
        DatabaseUnreachable: no server answers, or it does not let this user make a database.
    """
    if settings.prefect_database_url:
        return settings.prefect_database_url
    try:
        with psycopg.connect(reingest_url, autocommit=True) as server:
            if server.execute("select from pg_database where datname = %s", [DATABASE]).fetchone() is None:
                server.execute(sql.SQL("create database {}").format(sql.Identifier(DATABASE)))
    except psycopg.errors.DuplicateDatabase:
        pass  # another was quicker
    except psycopg.Error as error:
        raise DatabaseUnreachable(f"Prefect's database could not be made: {str(error).strip()}") from error
    return psycopg.conninfo.make_conninfo(reingest_url, dbname=DATABASE)


def asyncpg_url(conninfo: str) -> str:
    """Return the URL by which Prefect reaches what psycopg reaches by this URL or conninfo.

    Host and port stand in the query, where the folder of a Unix socket may stand too; TLS is called `ssl` there.

    Raises:
        BadSetting: the conninfo has what asyncpg cannot be told, such as several hosts or a certificate's file.
    """
    if conninfo.startswith("postgresql+asyncpg://"):
        return conninfo
    parts = {name: str(value) for name, value in conninfo_to_dict(conninfo).items()}
    _refuse_untold(parts)
    # Without a port asyncpg would take PGPORT, which is of the user's own server.
    query = {"host": parts.get("host", "localhost"), "port": parts.get("port", "5432")}
    if "sslmode" in parts and not query["host"].startswith("/"):
        query["ssl"] = parts["sslmode"]
    login = ":".join(quote(parts[name], safe="") for name in ("user", "password") if name in parts)
    return f"postgresql+asyncpg://{login}{'@' if login else ''}/{quote(parts.get('dbname', ''))}?{urlencode(query)}"


def _refuse_untold(parts: Mapping[str, str]) -> None:
    several = [name for name in ("host", "port") if "," in parts.get(name, "")]
    untold = [*several, *sorted({*parts} - _TOLD - _OF_NO_MATTER)]
    if untold:
        raise BadSetting(
            f"Prefect's driver cannot be told the {', '.join(untold)} of the database's URL;"
            " give it a postgresql+asyncpg:// URL of its own in REINGEST_PREFECT_DATABASE_URL"
        )
