"""Which Postgres this run uses: the one that `DATABASE_URL` names, or the embedded one."""

from reingest.settings import Settings
from reingest.store.embedded import EmbeddedPostgres
from reingest.store.migrate import schema_revision, upgrade


def ensure_database(settings: Settings) -> str:
    """Return the URL of the database: the configured one, else that of the embedded server, started if need be.

    An embedded database that was never migrated is migrated here: it is nobody else's. One that is behind is left
    for `reingest db upgrade`, and so is every configured one. Beside a running server this costs two connections.

    Raises:
        EmbeddedServerFailed: the embedded server could not be started.
    """
    if settings.database_url:
        return settings.database_url
    url = EmbeddedPostgres(settings.postgres_folder).start()
    if schema_revision(url) is None:
        upgrade(url)
    return url
