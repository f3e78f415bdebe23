"""The tables. A change here needs a migration in `migrations/versions`; a test compares them.

A request is stored as one JSON document; the columns beside it are what it is searched by. The
lines of `history` and `journal` are sealed, and their personal data stands apart: see `seals.py`.
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
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("team_id", sa.Text, nullable=False),
    sa.Column("requester_id", sa.Text, nullable=False),
    sa.Column("channel_id", sa.Text, nullable=False),
    sa.Column("customer_id", sa.Text, nullable=False),
    sa.Column("subscription_id", sa.Text, nullable=False),
    sa.Column("created_at", UtcDateTime, nullable=False),
    sa.Column("due_at", UtcDateTime),
    sa.Column("shown_version", sa.Integer, nullable=False),
    sa.Column("rests_until", UtcDateTime),
    sa.Column("troubles", sa.Integer, server_default="0", nullable=False),
    sa.Column("told_privately", sa.Integer, server_default="0", nullable=False),
    sa.Column("bundle_id", sa.Text, server_default="", nullable=False),
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
    sa.Column("request_id", sa.Text, sa.ForeignKey("requests.id"), primary_key=True),
    sa.Column("round", sa.Integer, primary_key=True),
    sa.Column("team_id", sa.Text, primary_key=True),
    sa.Column("user_id", sa.Text, primary_key=True),
    sa.Column("at", UtcDateTime, nullable=False),
    sa.Column("fingerprint", sa.Text, nullable=False),
)

history = sa.Table(
    "history",
    metadata,
    sa.Column("request_id", sa.Text, sa.ForeignKey("requests.id"), primary_key=True),
    sa.Column("version", sa.Integer, primary_key=True),
    sa.Column("step", sa.Text, nullable=False),
    sa.Column("at", UtcDateTime, nullable=False),
    sa.Column("body", sa.Text, nullable=False),
    sa.Column("personal", sa.Text),
    sa.Column("personal_hash", sa.Text, server_default="", nullable=False),
    sa.Column("seal", sa.Text, server_default="", nullable=False),
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

shown = sa.Table(
    "shown",
    metadata,
    sa.Column("request_id", sa.Text, sa.ForeignKey("requests.id"), primary_key=True),
    sa.Column("channel_id", sa.Text, nullable=False),
    sa.Column("ts", sa.Text, nullable=False),
    sa.Column("card_version", sa.Integer, nullable=False),
    sa.Column("told_version", sa.Integer, nullable=False),
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
bundles = sa.Table(
    "bundles",
    metadata,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("version", sa.Integer, nullable=False),
    sa.Column("team_id", sa.Text, nullable=False),
    sa.Column("requester_id", sa.Text, nullable=False),
    sa.Column("channel_id", sa.Text, nullable=False),
    sa.Column("created_at", UtcDateTime, nullable=False),
    sa.Column("due_at", UtcDateTime),
    sa.Column("shown_version", sa.Integer, nullable=False),
    sa.Column("rests_until", UtcDateTime),
    sa.Column("troubles", sa.Integer, server_default="0", nullable=False),
    sa.Column("told_privately", sa.Integer, server_default="0", nullable=False),
    sa.Column("body", sa.Text, nullable=False),
)

bundle_history = sa.Table(
    "bundle_history",
    metadata,
    sa.Column("bundle_id", sa.Text, sa.ForeignKey("bundles.id"), primary_key=True),
    sa.Column("version", sa.Integer, primary_key=True),
    sa.Column("step", sa.Text, nullable=False),
    sa.Column("at", UtcDateTime, nullable=False),
    sa.Column("body", sa.Text, nullable=False),
)

bundles_shown = sa.Table(
    "bundles_shown",
    metadata,
    sa.Column("bundle_id", sa.Text, sa.ForeignKey("bundles.id"), primary_key=True),
    sa.Column("channel_id", sa.Text, nullable=False),
    sa.Column("ts", sa.Text, nullable=False),
    sa.Column("card_version", sa.Integer, nullable=False),
    sa.Column("told_version", sa.Integer, nullable=False),
    sa.Column("told_ts", sa.Text, server_default="", nullable=False),
    sa.Column("link", sa.Text, server_default="", nullable=False),
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
