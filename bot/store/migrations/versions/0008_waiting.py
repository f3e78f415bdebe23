"""What waits of one person is counted whenever they ask for more."""

import sqlalchemy as sa
from alembic import op

from bot.store.migrations.frozen import only

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    """Without an index all that they ever asked for would be looked through."""
    of_open = only(sa.text("state IN ('awaiting_approval', 'approved')"))
    columns = ["team_id", "requester_id"]
    op.create_index("requests_open_by_requester", "requests", columns, **of_open)
