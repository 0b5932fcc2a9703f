"""Telling people: a notice is written in the transaction of what it tells of, and delivered after its commit.

It is written whether or not a channel is configured here: another machine may have one, and `reingest notices list`
shows it all the same.
"""

from reingest.store.database import Connection
from reingest.store.notices import Notice, add_notice

__all__ = ["Notice", "notify"]


def notify(connection: Connection, notice: Notice) -> bool:
    """Tell people, unless they were told of the same cause before; return whether it is new.

    Args:
        connection: in the caller's transaction; the notice is told if and only if that commits.
        notice: what to tell.

    Raises:
        DatabaseError: Postgres cannot be used.
    """
    return add_notice(connection, notice)
