"""Connections to Postgres, and the translation of its errors into the project's own."""

import os
import select
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any, Final

import psycopg
from psycopg import IsolationLevel
from psycopg.conninfo import make_conninfo
from psycopg.rows import TupleRow

from reingest.errors import DatabaseError, DatabaseUnreachable, SchemaBehind

Connection = psycopg.Connection[TupleRow]

# Putting a backup back makes the tables anew, and to a snapshot from before that they would look empty. It locks this
# table first, and a lock is taken before the snapshot is: a reader sees all of the one database, or all of the other.
BEFORE_A_SNAPSHOT: Final = "lock table settlement_day in access share mode"
APPLICATION_ROLE = "reingest_app"
# A lost network is noticed within a minute, far below the hour that TCP would take by itself.
_KEEPALIVES = {"keepalives_idle": 10, "keepalives_interval": 5, "keepalives_count": 6}
CONNECT_SECONDS = 10


def connect(
    url: str, *, purpose: str, role: str | None = APPLICATION_ROLE, seconds: int = CONNECT_SECONDS
) -> Connection:
    """Open an autocommitting connection as the application's role.

    Args:
        url: a Postgres URL or conninfo.
        purpose: what the connection is for; it is seen in `pg_stat_activity`.
        role: the role to act as; None keeps the one that logs in (migrations need it).
        seconds: how long to try; libpq takes one as two.

    Raises:
        DatabaseUnreachable: no server answers, or it refuses the login.
        SchemaBehind: the role does not exist, so the database was never migrated.
    """
    options: dict[str, Any] = {**_KEEPALIVES, "connect_timeout": seconds}
    options["application_name"] = application_name(purpose)
    try:
        connection = psycopg.connect(url, autocommit=True, **options)
    except psycopg.OperationalError as error:
        raise DatabaseUnreachable(str(error).strip()) from error
    try:
        if role is not None:
            connection.execute("select set_config('role', %s, false)", [role])
        connection.execute("set timezone to 'UTC'")
    except psycopg.OperationalError as error:  # the server goes down just now
        connection.close()
        raise DatabaseUnreachable(str(error).strip()) from error
    except psycopg.Error as error:
        connection.close()
        raise SchemaBehind(f"cannot act as {role}: {str(error).strip()}") from error
    return connection


def application_name(purpose: str) -> str:
    """Return how `pg_stat_activity` names a connection for that purpose; Postgres keeps 63 bytes of it."""
    return f"reingest {purpose}"[:63]


def bound_lock_waits(connection: Connection, seconds: float) -> None:
    """Let no statement of the connection wait for a row or table that another holds for longer than so many seconds.

    Raises:
        DatabaseUnreachable: the connection broke.
    """
    with database_errors():
        connection.execute("select set_config('lock_timeout', %s, false)", [f"{int(seconds * 1000)}ms"])


def addresses_of(connection: Connection) -> frozenset[str | tuple[str, int]]:
    """Return where the connection leads: the path of a Unix socket, or host and port by name and by number."""
    info = connection.info
    if info.host.startswith("/"):
        return frozenset({f"{info.host}/.s.PGSQL.{info.port}"})
    return frozenset({(info.host, info.port), (info.hostaddr, info.port)})


def url_of(connection: Connection) -> str:
    """Return how to open another connection to where this one leads, its password included."""
    info = connection.info
    return make_conninfo(**info.get_parameters(), password=info.password or None)


def cut(connection: Connection) -> None:
    """Shut the connection's socket, so that whoever waits on it in another thread hears of its end at once."""
    with suppress(psycopg.OperationalError, OSError):  # closed, or never open
        ours = os.dup(connection.fileno())
        with socket.socket(fileno=ours) as end:
            end.shutdown(socket.SHUT_RDWR)


def was_cut(connection: Connection) -> bool:
    """Tell whether the connection is closed or the server ended it: little else makes an idle one readable."""
    if connection.closed:
        return True
    look = select.poll()
    look.register(connection.fileno(), select.POLLIN)
    return bool(look.poll(0))


@contextmanager
def within(connection: Connection, seconds: float) -> Iterator[None]:
    """Cut the connection where the block takes longer: a network that swallows everything would hold it for ever."""
    timer = threading.Timer(seconds, cut, [connection])
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


@contextmanager
def database_errors() -> Iterator[None]:
    """Turn a broken connection or a missing table inside the block into the project's error.

    Raises:
        DatabaseUnreachable: the connection broke, the server is going down, or it gave the statement up.
        SchemaBehind: a table or column that this code needs is not there.
        DatabaseError: Postgres refused: a right, a constraint, a database that takes no writes.
    """
    try:
        yield
    except (psycopg.errors.UndefinedTable, psycopg.errors.UndefinedColumn, psycopg.errors.UndefinedFunction) as error:
        raise SchemaBehind(str(error).strip()) from error
    except (
        psycopg.OperationalError,
        psycopg.InterfaceError,
        # Postgres ended a transaction whose process slept: the connection is gone with it.
        psycopg.errors.IdleInTransactionSessionTimeout,
    ) as error:
        raise DatabaseUnreachable(str(error).strip()) from error
    except psycopg.Error as error:
        raise DatabaseError(str(error).strip()) from error


@contextmanager
def snapshot(connection: Connection) -> Iterator[None]:
    """Let every statement of the block see the database as it was at the first of them, and change nothing.

    A reader that needs two statements must not see a date before a publish with one and after it with the other.

    Args:
        connection: an autocommitting connection; it keeps to this isolation afterwards.
    """
    connection.isolation_level = IsolationLevel.REPEATABLE_READ
    connection.read_only = True
    with database_errors(), connection.transaction():
        connection.execute(BEFORE_A_SNAPSHOT)
        yield
