"""The schema: its migrations, the revision that this code needs, and the facts it ships with."""

from pathlib import Path
from typing import TYPE_CHECKING

import psycopg

import reingest
from reingest.checkpoints import checkpoint
from reingest.curtailment.difficulty import shipped_difficulty
from reingest.errors import DatabaseError, DatabaseUnreachable, SchemaBehind
from reingest.store.database import Connection, connect, database_errors
from reingest.store.mining_inputs import save_difficulty

if TYPE_CHECKING:
    import sqlalchemy
    from alembic.config import Config

REVISION = "0013"
# Two upgrades at once would both find no schema; the second waits for this advisory lock and finds it made.
_UPGRADE_LOCK = 0x7265696E67657374


def upgrade(url: str) -> None:
    """Bring the database to `REVISION` and load the facts that the project ships (difficulty epochs).

    Safe to repeat and safe to run from several processes at once.

    Raises:
        DatabaseUnreachable: no server answers.
        DatabaseError: the server refuses: a right, or an extension that is not installed there.
    """
    # Slow to import, and of no use to anyone but an upgrade.
    from alembic import command  # noqa: PLC0415
    from sqlalchemy import create_engine  # noqa: PLC0415
    from sqlalchemy.exc import DBAPIError  # noqa: PLC0415
    from sqlalchemy.pool import NullPool  # noqa: PLC0415

    with connect(url, purpose="upgrade", role=None) as lock:
        lock.execute("select pg_advisory_lock(%s)", [_UPGRADE_LOCK])
        engine = create_engine("postgresql+psycopg://", creator=lambda: psycopg.connect(url), poolclass=NullPool)
        with engine.connect() as connection:
            config = alembic_config()
            config.attributes["connection"] = connection
            try:
                with database_errors():
                    command.upgrade(config, "head")
            except DBAPIError as error:  # of Alembic's own statements
                raise DatabaseError(str(error.orig).strip()) from error
            checkpoint("before_upgrade_commit")
            connection.commit()
        checkpoint("after_upgrade")
        save_difficulty(lock, shipped_difficulty())


def run_sql_of(revision_file: str, bind: "sqlalchemy.Connection") -> None:
    """Run the SQL of a revision: the file of its name in `migrations/sql/`."""
    sql = Path(revision_file).parents[1] / "sql" / f"{Path(revision_file).stem}.sql"
    # Past SQLAlchemy, which would read a percent sign in the text as a parameter.
    bind.connection.driver_connection.execute(sql.read_text(encoding="utf-8"))  # type: ignore[union-attr]


def alembic_config() -> "Config":
    """Return Alembic's configuration for the migrations beside the package, or inside it once built."""
    from alembic.config import Config  # noqa: PLC0415  (slow to import)

    package = Path(reingest.__file__).parent
    inside = package / "migrations"
    config = Config()
    config.set_main_option("script_location", str(inside if inside.is_dir() else package.parent / "migrations"))
    return config


def schema_revision(url: str) -> str | None:
    """Return the database's revision, or None where it was never migrated.

    Raises:
        DatabaseUnreachable: no server answers.
    """
    with connect(url, purpose="revision", role=None) as connection:
        return _revision(connection)


def require_schema(connection: Connection) -> None:
    """Refuse to go on with another schema than this code's.

    Raises:
        SchemaBehind: the schema is missing, older or newer; it names both revisions.
    """
    found = _revision(connection)
    if found != REVISION:
        raise SchemaBehind(f"the database is at revision {found or 'none'}, this code needs {REVISION}")


def _revision(connection: Connection) -> str | None:
    try:
        row = connection.execute("select version_num from alembic_version").fetchone()
    except psycopg.errors.UndefinedTable:
        return None
    except psycopg.errors.InsufficientPrivilege:
        return None
    except psycopg.OperationalError as error:
        raise DatabaseUnreachable(str(error).strip()) from error
    return str(row[0]) if row else None
