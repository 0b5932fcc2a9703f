"""Delivery of the outbox: attempts, dead letters, positions in the feed."""

from alembic import op

from reingest.store.migrate import run_sql_of

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply the revision."""
    run_sql_of(__file__, op.get_bind())
