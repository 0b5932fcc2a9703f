"""`reingest db`: the embedded Postgres, and the schema of whichever Postgres is in use."""

import json
from dataclasses import asdict
from typing import Annotated

import typer
from psycopg.conninfo import conninfo_to_dict

from reingest.errors import NotFound
from reingest.settings import Settings, load_settings
from reingest.store.embedded import EmbeddedPostgres, EmbeddedStatus
from reingest.store.migrate import REVISION, schema_revision, upgrade
from reingest.store.server import ensure_database

app = typer.Typer(help="The embedded Postgres, and the schema.", no_args_is_help=True)

REPLACED = "DATABASE_URL is set, so it is used and the embedded server is not:"


@app.command()
def start() -> None:
    """Start the embedded Postgres and wait until it is ready."""
    settings = load_settings()
    if settings.database_url:
        typer.echo(f"{REPLACED} {without_password(settings.database_url)}")
        return
    server = _server(settings)
    was_running = server.url() is not None
    server.start()
    typer.echo(f"{'already running' if was_running else 'started'}: {_sentence(server.status())}")


@app.command()
def stop(
    immediate: Annotated[
        bool, typer.Option("--immediate", help="Do not wait for a checkpoint; recover later.")
    ] = False,
) -> None:
    """Stop the embedded Postgres; its data stay. Runs in progress lose their connection."""
    settings = load_settings()
    stopped = _server(settings).stop(immediate=immediate)
    typer.echo(f"{'stopped' if stopped else 'was not running'}: {settings.postgres_folder}")


@app.command()
def url() -> None:
    """Print the URL of the database in use, for psql, pg_dump and others."""
    settings = load_settings()
    found = settings.database_url or _server(settings).url()
    if found is None:
        raise NotFound("the embedded server is not running", next_command="reingest db start")
    typer.echo(found)


@app.command("upgrade")
def upgrade_schema() -> None:
    """Bring the schema to what this version of Reingest needs; safe to repeat."""
    database = ensure_database(load_settings())
    before = schema_revision(database)
    upgrade(database)
    after = schema_revision(database)
    typer.echo(f"the schema is at revision {after}{'' if before == after else f'; it was at {before}'}")


@app.command()
def status(as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False) -> None:
    """Tell which database is in use, whether it answers, and its schema; nothing is started."""
    settings = load_settings()
    server = _server(settings).status()
    database = settings.database_url or server.url
    revision = schema_revision(database) if database else None
    if as_json:
        typer.echo(json.dumps(_as_json(settings, server, revision), indent=2))
        return
    if settings.database_url:
        typer.echo(f"{REPLACED} {without_password(settings.database_url)}")
    typer.echo(f"embedded server: {_sentence(server)}")
    if database:
        typer.echo(f"schema: revision {revision or 'none'}, this version of Reingest needs {REVISION}")


def without_password(database_url: str) -> str:
    """Return what may be shown of a connection: host, port and database."""
    parts = conninfo_to_dict(database_url)
    return " ".join(f"{name}={parts[name]}" for name in ("host", "port", "dbname", "user") if parts.get(name))


def _server(settings: Settings) -> EmbeddedPostgres:
    return EmbeddedPostgres(settings.postgres_folder)


def _sentence(server: EmbeddedStatus) -> str:
    where = f"{server.data_folder}{f', for {server.folder}' if server.relocated else ''}"
    if not server.running:
        return f"not running; data in {where}"
    age = int(server.uptime_seconds or 0)
    return f"PostgreSQL {server.version}, process {server.pid} of {server.account}, up {age} s; data in {where}"


def _as_json(settings: Settings, server: EmbeddedStatus, revision: str | None) -> dict[str, object]:
    embedded = {name: None if value is None else _plain(value) for name, value in asdict(server).items()}
    return {
        "uses": "database_url" if settings.database_url else "embedded",
        "schema": {"revision": revision, "needed": REVISION},
        "embedded": embedded,
    }


def _plain(value: object) -> object:
    return value if isinstance(value, bool | int | float | str) else str(value)
