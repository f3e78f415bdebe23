"""What was asked for, to be listed by who asked, where, and for whom."""

from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """An index for each question, so that the answer costs by what is shown."""
    op.create_index("requests_by_requester", "requests", ["team_id", "requester_id", "created_at"])
    op.create_index("requests_by_subscription", "requests", ["subscription_id", "created_at"])
    op.create_index("requests_by_channel", "requests", ["channel_id", "created_at"])
    op.create_index("requests_by_customer", "requests", ["channel_id", "customer_id", "created_at"])
