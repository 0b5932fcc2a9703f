"""One of Prefect's processes alone, with the settings that Reingest gives it: for service managers and containers.

    python -m deployments.start server [--host 127.0.0.1] [--port 4200]
    python -m deployments.start worker [--name NAME] [--limit N] [--healthcheck]
    python -m deployments.start register [--schedules kept|on|off]          (`make deploy`)

This process becomes that one, so that signals reach it. Its state stands under REINGEST_HOME/prefect. A worker and a
registration go to the server that PREFECT_API_URL names, else to that of `make up` in this home. What the environment
says in a variable PREFECT_* of its own is kept, such as a password in PREFECT_API_AUTH_STRING.
"""

import argparse
import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final, NoReturn

import typer

from deployments.prefect_settings import (
    LOOPBACK,
    WORK_POOL,
    client_environment,
    ensure_prefect_database,
    plain_environment,
    server_environment,
    worker_environment,
)
from reingest.cli.edge import describe
from reingest.errors import PrefectUnavailable, ReingestError
from reingest.settings import Settings, environment_name, load_settings
from reingest.store.server import ensure_database

PORT: Final = 4200
_PARTS: Final = ("server", "worker", "register")


def main() -> int:
    """Become the process that the command line names; return an exit code only where that is refused."""
    arguments = _parser().parse_args()
    try:
        _become(arguments, load_settings())
    except ReingestError as error:
        typer.echo(describe(error), err=True)
        return error.exit_code


def _become(arguments: argparse.Namespace, settings: Settings) -> NoReturn:
    settings.prefect_folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    command, environment = _command(arguments), _environment(arguments, settings)
    # Not the folder it was started in: Prefect reads the settings of whatever project that is.
    os.chdir(settings.prefect_folder)
    os.execve(sys.executable, (sys.executable, "-m", *command), environment)  # noqa: S606  (no shell is wanted)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="deployments.start", description=(__doc__ or "").split("\n\n", maxsplit=1)[0])
    parts = parser.add_subparsers(dest="part", required=True, metavar="|".join(_PARTS))
    server = parts.add_parser("server", help="Prefect's server, with its UI")
    server.add_argument("--host", default=LOOPBACK, help="the interface on which it listens")
    server.add_argument("--port", type=int, default=PORT)
    worker = parts.add_parser("worker", help="a worker, which runs what is submitted")
    worker.add_argument("--name", help="under which Prefect lists it; without it, one is made up")
    worker.add_argument("--limit", type=int, help="flow runs at a time")
    worker.add_argument("--healthcheck", action="store_true", help="answer at port 8080 whether it still asks for work")
    register = parts.add_parser("register", help="register work pool, deployments and automations")
    register.add_argument("--schedules", choices=("kept", "on", "off"), default="kept", help="whether they run")
    return parser


def command_of(words: Sequence[str]) -> tuple[str, ...]:
    """Return the module, with its words, that these words of the command line start."""
    return _command(_parser().parse_args(words))


def _command(arguments: argparse.Namespace) -> tuple[str, ...]:
    if arguments.part == "server":
        return ("prefect", "server", "start", "--host", arguments.host, "--port", str(arguments.port))
    if arguments.part == "register":
        return ("deployments.register", "--schedules", arguments.schedules)
    name = ("--name", arguments.name) if arguments.name else ()
    limit = ("--limit", str(arguments.limit)) if arguments.limit else ()
    healthcheck = ("--with-healthcheck",) if arguments.healthcheck else ()
    return ("prefect", "worker", "start", "--pool", WORK_POOL, "--type", "process", *name, *limit, *healthcheck)


def _environment(arguments: argparse.Namespace, settings: Settings) -> dict[str, str]:
    """Return the whole environment of the process.

    Raises:
        PrefectUnavailable: no server is known.
        DatabaseError: Postgres cannot be used.
    """
    given = {name: value for name, value in os.environ.items() if name.startswith("PREFECT_")}
    folder, api_url = settings.prefect_folder, given.get("PREFECT_API_URL")
    # The process stands in another folder, where a relative home would be another one.
    own = plain_environment() | {environment_name("home"): str(settings.home)}
    if arguments.part == "server":
        api_url = api_url or f"http://{arguments.host}:{arguments.port}/api"
        return own | server_environment(folder, api_url, _prefect_database(settings)) | given
    api_url = api_url or _api_url_of_up(folder)
    of_part = worker_environment if arguments.part == "worker" else client_environment
    return own | of_part(folder, api_url) | given


def _prefect_database(settings: Settings) -> str:
    if settings.prefect_database_url:
        return settings.prefect_database_url
    return ensure_prefect_database(settings, ensure_database(settings))


def _api_url_of_up(folder: Path) -> str:
    try:
        found: str = json.loads((folder / "up.json").read_text(encoding="utf-8"))["prefect_api"]
    except FileNotFoundError:
        raise PrefectUnavailable(
            "PREFECT_API_URL is not set, and nothing is up in this home",
            next_command="PREFECT_API_URL=http://HOST:4200/api make deploy",
        ) from None
    return found


if __name__ == "__main__":
    sys.exit(main())
