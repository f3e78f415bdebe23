"""Sealed secrets; one upgrade of a subscription at a time; a rest after trouble."""

import sqlalchemy as sa
from alembic import op

from bot.store.migrations.frozen import TIME, only

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """What is sealed cannot be read without the operator's key. Two requests for the same
    subscription can never be performed at once: the database itself refuses the second."""
    op.create_table(
        "secrets",
        sa.Column("name", sa.Text, primary_key=True),
        sa.Column("sealed", sa.LargeBinary, nullable=False),
        sa.Column("kept_at", TIME, nullable=False),
    )
    op.add_column("requests", sa.Column("rests_until", TIME))
    op.add_column("requests", sa.Column("troubles", sa.Integer, server_default="0", nullable=False))
    op.create_index(
        "requests_one_at_a_time",
        "requests",
        ["subscription_id"],
        unique=True,
        **only(sa.text("state IN ('performing', 'unknown')")),
    )
