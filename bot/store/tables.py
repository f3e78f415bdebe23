"""The tables. A change here needs a migration in `migrations/versions`; a test compares them.

Requests and items are stored as one JSON document each; the columns beside it are what they are
searched by. The lines of the histories and of `journal` are sealed, and their personal data stands
apart: see `hash_chain.py`.
"""

from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Dialect

metadata = sa.MetaData()


class UtcDateTime(sa.TypeDecorator[datetime]):
    """A point in time, always with its zone in Python. SQLite would forget it."""

    impl = sa.DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002 - SQLAlchemy's signature
        return value.astimezone(UTC) if value else None

    def process_result_value(self, value: Any | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002 - the same
        return value.replace(tzinfo=UTC) if value and value.tzinfo is None else value


requests = sa.Table(
    "requests",
    metadata,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("version", sa.Integer, nullable=False),
    sa.Column("revision", sa.Integer, nullable=False),
    sa.Column("team_id", sa.Text, nullable=False),
    sa.Column("requester_id", sa.Text, nullable=False),
    sa.Column("channel_id", sa.Text, nullable=False),
    sa.Column("created_at", UtcDateTime, nullable=False),
    sa.Column("changed_at", UtcDateTime),
    sa.Column("due_at", UtcDateTime),
    sa.Column("shown_revision", sa.Integer, server_default="0", nullable=False),
    sa.Column("rests_until", UtcDateTime),
    sa.Column("troubles", sa.Integer, server_default="0", nullable=False),
    sa.Column("told_privately", sa.Integer, server_default="0", nullable=False),
    sa.Column("body", sa.Text, nullable=False),
    sa.Column("tied_version", sa.Integer, server_default="0", nullable=False),
    sa.Column("seal", sa.Text, server_default="", nullable=False),
)

items = sa.Table(
    "items",
    metadata,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("request_id", sa.Text, server_default="", nullable=False),
    sa.Column("version", sa.Integer, nullable=False),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("team_id", sa.Text, nullable=False),
    sa.Column("requester_id", sa.Text, nullable=False),
    sa.Column("channel_id", sa.Text, nullable=False),
    sa.Column("partner_id", sa.Text, server_default="", nullable=False),
    sa.Column("customer_id", sa.Text, nullable=False),
    sa.Column("subscription_id", sa.Text, nullable=False),
    sa.Column("created_at", UtcDateTime, nullable=False),
    sa.Column("due_at", UtcDateTime),
    sa.Column("rests_until", UtcDateTime),
    sa.Column("troubles", sa.Integer, server_default="0", nullable=False),
    sa.Column("body", sa.Text, nullable=False),
    sa.Column("tied_version", sa.Integer, server_default="0", nullable=False),
    sa.Column("seal", sa.Text, server_default="", nullable=False),
)

OPEN = sa.text("state IN ('awaiting_approval', 'approved')")
IN_FLIGHT = sa.text("state IN ('performing', 'unknown')")
"""Literal, because a partial index serves only a query that repeats its condition."""

votes = sa.Table(
    "votes",
    metadata,
    sa.Column("item_id", sa.Text, sa.ForeignKey("items.id"), primary_key=True),
    sa.Column("round", sa.Integer, primary_key=True),
    sa.Column("team_id", sa.Text, primary_key=True),
    sa.Column("user_id", sa.Text, primary_key=True),
    sa.Column("at", UtcDateTime, nullable=False),
    sa.Column("fingerprint", sa.Text, nullable=False),
)


def _history(name: str, of: sa.Column[str], revision: sa.Column[int]) -> sa.Table:
    """Lines of sealed history; `revision` is that of the request after the line's transaction."""
    return sa.Table(
        name,
        metadata,
        of,
        sa.Column("version", sa.Integer, primary_key=True),
        sa.Column("step", sa.Text, nullable=False),
        sa.Column("at", UtcDateTime, nullable=False),
        sa.Column("body", sa.Text, nullable=False),
        sa.Column("personal", sa.Text),
        sa.Column("personal_hash", sa.Text, server_default="", nullable=False),
        sa.Column("seal", sa.Text, server_default="", nullable=False),
        revision,
    )


item_history = _history(
    "item_history",
    sa.Column("item_id", sa.Text, sa.ForeignKey("items.id"), primary_key=True),
    sa.Column("revision", sa.Integer),
)
"""Of an item that was once a request of its own, old lines have no revision: it is the version."""

request_history = _history(
    "request_history",
    sa.Column("request_id", sa.Text, sa.ForeignKey("requests.id"), primary_key=True),
    sa.Column("revision", sa.Integer, nullable=False),
)

journal = sa.Table(
    "journal",
    metadata,
    sa.Column("number", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("at", UtcDateTime, nullable=False),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("body", sa.Text, nullable=False),
    sa.Column("personal", sa.Text),
    sa.Column("personal_hash", sa.Text, nullable=False),
    sa.Column("seal", sa.Text, nullable=False),
)

offered = sa.Table(
    "offered",
    metadata,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("offered_at", UtcDateTime, nullable=False),
    sa.Column("body", sa.Text, nullable=False),
)

deliveries = sa.Table(
    "deliveries",
    metadata,
    sa.Column("delivery", sa.Text, primary_key=True),
    sa.Column("at", UtcDateTime, nullable=False),
)

cards = sa.Table(
    "cards",
    metadata,
    sa.Column("request_id", sa.Text, sa.ForeignKey("requests.id"), primary_key=True),
    sa.Column("channel_id", sa.Text, nullable=False),
    sa.Column("ts", sa.Text, nullable=False),
    sa.Column("card_revision", sa.Integer, nullable=False),
    sa.Column("told_revision", sa.Integer, nullable=False),
    sa.Column("told_ts", sa.Text, server_default="", nullable=False),
    sa.Column("link", sa.Text, server_default="", nullable=False),
)

homes = sa.Table(
    "homes",
    metadata,
    sa.Column("team_id", sa.Text, primary_key=True),
    sa.Column("user_id", sa.Text, primary_key=True),
    sa.Column("opened_at", UtcDateTime, nullable=False),
)

drafts = sa.Table(
    "drafts",
    metadata,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("made_at", UtcDateTime, nullable=False),
    sa.Column("body", sa.Text, nullable=False),
)

secrets = sa.Table(
    "secrets",
    metadata,
    sa.Column("name", sa.Text, primary_key=True),
    sa.Column("sealed", sa.LargeBinary, nullable=False),
    sa.Column("kept_at", UtcDateTime, nullable=False),
)
