"""The foundation: payloads, fetches, units, mining inputs, versions, leases, views and roles."""

from pathlib import Path

from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make every table, view and role of the first release."""
    sql = Path(__file__).parents[1] / "sql" / "0001_foundation.sql"
    # Past SQLAlchemy, which would read a percent sign in the text as a parameter.
    op.get_bind().connection.driver_connection.execute(sql.read_text(encoding="utf-8"))
