"""Which Postgres this run uses: the one that `DATABASE_URL` names, or the embedded one."""

from reingest.settings import Settings
from reingest.store.embedded import EmbeddedPostgres


def ensure_database(settings: Settings) -> str:
    """Return the URL of the database: the configured one, else that of the embedded server, started if need be.

    Beside a running server this costs one connection (3 ms); the configured one is not tried here.

    Raises:
        EmbeddedServerFailed: the embedded server could not be started.
    """
    return settings.database_url or EmbeddedPostgres(settings.postgres_folder).start()
