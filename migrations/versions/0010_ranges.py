"""Ranges: which dates a run loops over, and how each ended."""

from alembic import op

from reingest.store.migrate import run_sql_of

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply the revision."""
    run_sql_of(__file__, op.get_bind())
