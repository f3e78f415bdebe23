"""What was delivered lately, and which line told what: so that it is said once."""

import sqlalchemy as sa
from alembic import op

from bot.store.migrations.frozen import TIME

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """A table of deliveries; the place of the last line beside its version; and the last version
    that was told privately, because the channel could not be written to."""
    op.create_table(
        "deliveries",
        sa.Column("delivery", sa.Text, primary_key=True),
        sa.Column("at", TIME, nullable=False),
    )
    op.create_index("deliveries_by_age", "deliveries", ["at"])
    op.add_column(
        "requests", sa.Column("told_privately", sa.Integer, server_default="0", nullable=False)
    )
    op.add_column("shown", sa.Column("told_ts", sa.Text, server_default="", nullable=False))
