"""Notices: what people are told, and what became of each message."""

from alembic import op

from reingest.store.migrate import run_sql_of

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply the revision."""
    run_sql_of(__file__, op.get_bind())
