"""Staged periods: what people fetched of a date, to be published when its calendar is complete."""

from alembic import op

from reingest.store.migrate import run_sql_of

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply the revision."""
    run_sql_of(__file__, op.get_bind())
