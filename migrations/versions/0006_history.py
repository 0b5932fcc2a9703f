"""History: what was served at an instant, and rows that are gone."""

from alembic import op

from reingest.store.migrate import run_sql_of

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply the revision."""
    run_sql_of(__file__, op.get_bind())
