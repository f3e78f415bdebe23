"""Where a card is, as a link; who looks at their Home; and what waits for approval."""

import sqlalchemy as sa
from alembic import op

from bot.store.migrations.frozen import TIME

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    """A link beside each card, people with the time they opened their Home, and an index of the
    requests that somebody has to decide about."""
    op.add_column("shown", sa.Column("link", sa.Text, server_default="", nullable=False))
    op.create_table(
        "homes",
        sa.Column("team_id", sa.Text, primary_key=True),
        sa.Column("user_id", sa.Text, primary_key=True),
        sa.Column("opened_at", TIME, nullable=False),
    )
    op.create_index("homes_by_age", "homes", ["opened_at"])
    undecided = sa.text("state IN ('awaiting_approval', 'approved')")
    op.create_index(
        "requests_open",
        "requests",
        ["team_id", "created_at"],
        sqlite_where=undecided,
        postgresql_where=undecided,
    )
