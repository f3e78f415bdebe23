"""Several upgrades at once: bundles with their history, and what was previewed of them."""

import sqlalchemy as sa
from alembic import op

from bot.store.migrations.frozen import TIME, only

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    """Requests name their bundle. What happened to a request is in its own history, sealed; that of
    a bundle is what its thread tells, and goes when its people are forgotten."""
    op.add_column("requests", sa.Column("bundle_id", sa.Text, server_default="", nullable=False))
    of_one = only(sa.text("bundle_id <> ''"))
    op.create_index("requests_by_bundle", "requests", ["bundle_id"], **of_one)
    bundles = op.create_table(
        "bundles",
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("team_id", sa.Text, nullable=False),
        sa.Column("requester_id", sa.Text, nullable=False),
        sa.Column("channel_id", sa.Text, nullable=False),
        sa.Column("created_at", TIME, nullable=False),
        sa.Column("due_at", TIME),
        sa.Column("shown_version", sa.Integer, nullable=False),
        sa.Column("rests_until", TIME),
        sa.Column("troubles", sa.Integer, server_default="0", nullable=False),
        sa.Column("told_privately", sa.Integer, server_default="0", nullable=False),
        sa.Column("body", sa.Text, nullable=False),
    )
    op.create_index("bundles_due", "bundles", ["due_at"], **only(bundles.c.due_at.is_not(None)))
    behind = only(bundles.c.shown_version < bundles.c.version)
    op.create_index("bundles_unshown", "bundles", ["id"], **behind)
    op.create_table(
        "bundle_history",
        sa.Column("bundle_id", sa.Text, sa.ForeignKey("bundles.id"), primary_key=True),
        sa.Column("version", sa.Integer, primary_key=True),
        sa.Column("step", sa.Text, nullable=False),
        sa.Column("at", TIME, nullable=False),
        sa.Column("body", sa.Text, nullable=False),
    )
    op.create_table(
        "bundles_shown",
        sa.Column("bundle_id", sa.Text, sa.ForeignKey("bundles.id"), primary_key=True),
        sa.Column("channel_id", sa.Text, nullable=False),
        sa.Column("ts", sa.Text, nullable=False),
        sa.Column("card_version", sa.Integer, nullable=False),
        sa.Column("told_version", sa.Integer, nullable=False),
        sa.Column("told_ts", sa.Text, server_default="", nullable=False),
        sa.Column("link", sa.Text, server_default="", nullable=False),
    )
    op.create_table(
        "drafts",
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("made_at", TIME, nullable=False),
        sa.Column("body", sa.Text, nullable=False),
    )
    op.create_index("drafts_by_age", "drafts", ["made_at"])
