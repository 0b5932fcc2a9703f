"""The foundation: payloads, fetches, units, mining inputs, versions, leases, views and roles."""

from alembic import op

from reingest.store.migrate import run_sql_of

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make every table, view and role of the first release."""
    run_sql_of(__file__, op.get_bind())
