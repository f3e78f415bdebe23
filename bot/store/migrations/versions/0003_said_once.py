"""What was delivered lately, and which line told what: so that it is said once."""

import sqlalchemy as sa
from alembic import op

from bot.store.tables import UtcDateTime

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """A table of deliveries, and the place of the last line beside its version."""
    op.create_table(
        "deliveries",
        sa.Column("delivery", sa.Text, primary_key=True),
        sa.Column("at", UtcDateTime, nullable=False),
    )
    op.create_index("deliveries_by_age", "deliveries", ["at"])
    op.add_column("shown", sa.Column("told_ts", sa.Text, server_default="", nullable=False))
