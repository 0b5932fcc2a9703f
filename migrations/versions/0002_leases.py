"""Leases for more than dates; stored moves of versions and fetches."""

from alembic import op

from reingest.store.migrate import run_sql_of

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply the revision."""
    run_sql_of(__file__, op.get_bind())
