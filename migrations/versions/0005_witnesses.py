"""Witnesses: what other datasets of Elexon say of a version, and what differs."""

from alembic import op

from reingest.store.migrate import run_sql_of

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply the revision."""
    run_sql_of(__file__, op.get_bind())
