"""An empty home: what `make demo` begins with, so that every demo is the same."""

import shutil
from typing import Final

import psycopg
from psycopg import sql
from psycopg.conninfo import make_conninfo

from deployments.parts import Source
from deployments.prefect_settings import DATABASE as PREFECT_DATABASE
from reingest.errors import Refused
from reingest.settings import Settings
from reingest.store.embedded import DATABASE, EmbeddedPostgres

_MAINTENANCE: Final = "postgres"


def empty_home(settings: Settings, source: Source) -> None:
    """Drop the databases of the embedded server, which runs then, and remove the archive.

    Raises:
        Refused: the database is not the embedded one, so it is not ours to empty; or it is for real days.
        EmbeddedServerFailed: the embedded server could not be started.
    """
    if settings.database_url or settings.prefect_database_url:
        raise Refused("only the embedded database is emptied", next_command="make up")
    if source == "live":
        raise Refused("only the stand-in's days, which are made up, are removed", next_command="make up SOURCE=live")
    url = EmbeddedPostgres(settings.postgres_folder).start()
    with psycopg.connect(make_conninfo(url, dbname=_MAINTENANCE), autocommit=True) as server:
        for name in (DATABASE, PREFECT_DATABASE):
            server.execute(sql.SQL("drop database if exists {} with (force)").format(sql.Identifier(name)))
    shutil.rmtree(settings.archive_folder, ignore_errors=True)
