"""The way of every read: the database is found (and started, where it is the embedded one), then read at one moment."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from reingest.settings import load_settings
from reingest.store.database import Connection, connect, snapshot
from reingest.store.migrate import require_schema
from reingest.store.server import ensure_database

if TYPE_CHECKING:
    from sqlmodel import Session


@contextmanager
def reading() -> Iterator[Connection]:
    """Give a connection whose every statement sees the database at one moment.

    Raises:
        DatabaseError: no database, or one whose schema is another.
    """
    with connected() as connection, snapshot(connection):
        yield connection


@contextmanager
def connected() -> Iterator[Connection]:
    """Give an autocommitting connection to a database of this code's schema.

    Raises:
        DatabaseError: no database, or one whose schema is another.
    """
    with connect(ensure_database(load_settings()), purpose="command") as connection:
        require_schema(connection)
        yield connection


@contextmanager
def listing() -> "Iterator[Session]":
    """Give a session for reads through the SQLModel tables, which sees the database at one moment.

    Raises:
        DatabaseError: no database, or one whose schema is another.
    """
    from reingest.store.sessions import reading_session

    with reading_session(ensure_database(load_settings()), purpose="command") as session:
        yield session
