"""Open connections of one process, lent to whatever needs one next.

A new connection is a new server process, which reads the catalogs and plans every statement anew: most of what Postgres
does for a small date. One that is lent again has its statements prepared.
"""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from types import TracebackType
from typing import Final, Self

import psycopg
from psycopg.pq import TransactionStatus

from reingest.store.database import Connection, application_name, connect, was_cut

MOST_KEPT: Final = 8
"""Connections that are kept while nobody uses them; what is given back beyond that is closed."""


class Connections:
    """Connections to one database, as the application's role; those that nobody uses are closed at the block's end.

    One thread's own, of one process: a connection does not survive a fork.
    """

    def __init__(self, url: str, *, most_kept: int = MOST_KEPT) -> None:
        """Lend connections to the database of that URL; with none kept, each is opened for whoever takes it."""
        self._url = url
        self._most_kept = most_kept
        self._idle: list[Connection] = []

    def __enter__(self) -> Self:
        """Give the lender."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close what nobody uses."""
        while self._idle:
            self._idle.pop().close()

    def take(self, purpose: str) -> Connection:
        """Lend a connection: one that was used before and still holds, or a new one.

        Args:
            purpose: what it is for; it is seen in `pg_stat_activity`.

        Raises:
            DatabaseUnreachable: no server answers, or it refuses the login.
            SchemaBehind: the application's role does not exist.
        """
        while self._idle:
            connection = self._idle.pop()
            if not was_cut(connection) and _renamed(connection, purpose):
                return connection
            connection.close()
        return connect(self._url, purpose=purpose)

    def give_back(self, connection: Connection) -> None:
        """Take a connection back; one that broke, or that was left in a transaction, is closed."""
        whole = not connection.closed and connection.info.transaction_status == TransactionStatus.IDLE
        if whole and len(self._idle) < self._most_kept:
            self._idle.append(connection)
        else:
            connection.close()

    @contextmanager
    def lend(self, purpose: str) -> Iterator[Connection]:
        """Lend a connection for the block.

        Raises:
            DatabaseUnreachable: no server answers, or it refuses the login.
            SchemaBehind: the application's role does not exist.
        """
        connection = self.take(purpose)
        try:
            yield connection
        finally:
            self.give_back(connection)


def _renamed(connection: Connection, purpose: str) -> bool:
    """Say what the connection is for now, with no limit or lock of before; tell whether it still answers."""
    with suppress(psycopg.Error):
        connection.execute(
            "select set_config('application_name', %s, false), set_config('lock_timeout', '0', false), "
            "pg_advisory_unlock_all()",
            [application_name(purpose)],
        )
        return True
    return False
