"""`reingest db`: the embedded Postgres, and the schema of whichever Postgres is in use."""

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer
from psycopg.conninfo import conninfo_to_dict

from reingest.cli.output import as_json
from reingest.errors import NotFound
from reingest.settings import Settings, load_settings
from reingest.store.embedded import EmbeddedPostgres, EmbeddedStatus
from reingest.store.migrate import REVISION, schema_revision, upgrade

app = typer.Typer(help="The embedded Postgres, and the schema.", no_args_is_help=True)


@app.command()
def start() -> None:
    """Start the embedded Postgres and wait until it is ready."""
    settings = load_settings()
    if settings.database_url:
        typer.echo(_replaced(settings.database_url))
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
    if settings.database_url:
        typer.echo(_replaced(settings.database_url))
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
    settings = load_settings()
    database = settings.database_url or _server(settings).start()
    before = schema_revision(database) or "none"
    upgrade(database)
    after = schema_revision(database)
    typer.echo(f"the schema is at revision {after}{'' if before == after else f'; it was at {before}'}")


@app.command()
def status(json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False) -> None:
    """Tell which database is in use, whether it answers, and its schema; nothing is started."""
    settings = load_settings()
    server = _server(settings).status()
    database = settings.database_url or server.url
    revision = schema_revision(database) if database else None
    if json:
        typer.echo(as_json(_document(settings, server, revision)))
        return
    if settings.database_url:
        typer.echo(_replaced(settings.database_url))
    typer.echo(f"embedded server: {_sentence(server)}")
    if database:
        typer.echo(f"schema: revision {revision or 'none'}; this version of Reingest needs {REVISION}")


def without_password(database_url: str) -> str:
    """Return what may be shown of a connection: host, port, database and user."""
    parts = conninfo_to_dict(database_url)
    return " ".join(f"{name}={parts[name]}" for name in ("host", "port", "dbname", "user") if parts.get(name))


def _replaced(database_url: str) -> str:
    return f"DATABASE_URL is set, so that server is used and the embedded one is not: {without_password(database_url)}"


def _server(settings: Settings) -> EmbeddedPostgres:
    return EmbeddedPostgres(settings.postgres_folder)


def _sentence(server: EmbeddedStatus) -> str:
    where = f"{server.data_folder}{f', for {server.folder}' if server.relocated else ''}"
    if not server.running:
        return f"not running; data in {where}"
    age = int(server.uptime_seconds or 0)
    return f"PostgreSQL {server.version}, process {server.pid} of {server.account}, up {age} s; data in {where}"


def _document(settings: Settings, server: EmbeddedStatus, revision: str | None) -> dict[str, object]:
    embedded = {name: str(value) if isinstance(value, Path) else value for name, value in asdict(server).items()}
    if server.uptime_seconds is not None:
        embedded["uptime_seconds"] = int(server.uptime_seconds)
    return {
        "uses": "database_url" if settings.database_url else "embedded",
        "schema": {"revision": revision, "needed": REVISION},
        "embedded": embedded,
    }
