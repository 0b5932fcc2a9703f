"""Databases for tests: made in the run's one server, dropped when the test is over."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import count
from typing import LiteralString
from urllib.parse import urlsplit

import psycopg
from psycopg import sql

TEMPLATE_LOCK = 0x74656D706C617465


class Databases:
    """The databases of one worker of one run, all of whose names begin with the run's."""

    def __init__(self, server_url: str, run: str, worker: str) -> None:
        self.server_url = server_url
        self.run = run.replace("-", "_")
        self.worker = worker
        self._numbers = count()

    def template(self, fill: Callable[[str], None]) -> str:
        """Return the name of the run's filled database; the first worker to ask makes it, the others wait."""
        name = f"{self.run}_template"
        with self._server() as server:
            server.execute("select pg_advisory_lock(%s)", [TEMPLATE_LOCK])
            if server.execute("select 1 from pg_database where datname = %s", [name]).fetchone() is None:
                unfinished = f"{name}_unfinished"
                _execute(server, "create database {}", unfinished)
                fill(self._url(unfinished))
                _execute(server, "alter database {} rename to {}", unfinished, name)
        return name

    @contextmanager
    def database(self, copied_from: str = "template0") -> Iterator[str]:
        """Give the URL of a new database."""
        name = f"{self.run}_{self.worker}_{next(self._numbers)}"
        with self._server() as server:
            # File by file: through the log, as is the default, it takes twice as long.
            _execute(server, "create database {} template {} strategy file_copy", name, copied_from)
        try:
            yield self._url(name)
        finally:
            with self._server() as server:
                _execute(server, "drop database {} with (force)", name)

    def drop_all(self) -> None:
        """Drop what the run's workers left."""
        with self._server() as server:
            found = server.execute("select datname from pg_database where starts_with(datname, %s)", [self.run])
            for (name,) in found.fetchall():
                _execute(server, "drop database {} with (force)", str(name))

    def _server(self) -> psycopg.Connection[tuple[object, ...]]:
        return psycopg.connect(self.server_url, autocommit=True)

    def _url(self, name: str) -> str:
        return urlsplit(self.server_url)._replace(path=f"/{name}").geturl()


def _execute(server: psycopg.Connection[tuple[object, ...]], statement: LiteralString, *names: str) -> None:
    server.execute(sql.SQL(statement).format(*map(sql.Identifier, names)))
