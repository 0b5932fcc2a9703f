"""Undo, purges and resets: numbers are never used twice, published rows stay."""

from alembic import op

from reingest.store.migrate import run_sql_of

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply the revision."""
    run_sql_of(__file__, op.get_bind())
