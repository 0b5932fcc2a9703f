"""SQLAlchemy sessions for reads through the SQLModel tables; slow to import, so only commands that list rows do."""

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import create_engine
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import NullPool
from sqlmodel import Session

from reingest.store.database import BEFORE_A_SNAPSHOT, connect, database_errors
from reingest.store.migrate import require_schema


@contextmanager
def reading_session(url: str, *, purpose: str) -> Iterator[Session]:
    """Give a session that sees one moment of the database, as the application's role.

    Args:
        url: a Postgres URL or conninfo.
        purpose: what the connection is for; it is seen in `pg_stat_activity`.

    Raises:
        DatabaseUnreachable: no server answers, or the connection broke.
        SchemaBehind: the schema is not the one that this code needs.
    """
    with connect(url, purpose=purpose) as connection:
        require_schema(connection)
        engine = create_engine(
            "postgresql+psycopg://",
            creator=lambda: connection,
            poolclass=NullPool,
            isolation_level="REPEATABLE READ",
            use_native_hstore=False,  # it would be looked up, and no table has it
        )
        with database_errors(), Session(engine, expire_on_commit=False) as session:
            try:
                session.connection().exec_driver_sql(BEFORE_A_SNAPSHOT)
                yield session
            except DBAPIError as error:
                raise error.orig or error from error
