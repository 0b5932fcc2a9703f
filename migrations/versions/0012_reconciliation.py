"""Reconciliation: when dates are due, and what was found."""

from alembic import op

from reingest.store.migrate import run_sql_of

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply the revision."""
    run_sql_of(__file__, op.get_bind())
