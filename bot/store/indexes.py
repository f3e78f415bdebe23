"""The indexes of the tables. A change here needs a migration; a test compares them.

They stand apart because only a migration needs them: to describe one for PostgreSQL loads all that
SQLAlchemy knows of it, which a bot with a file would carry for nothing.
"""

from typing import Any

import sqlalchemy as sa

from bot.store import tables


def only(condition: Any) -> dict[str, Any]:
    """Makes an index one over the rows that meet the condition."""
    return {"sqlite_where": condition, "postgresql_where": condition}


sa.Index("requests_due", tables.requests.c.due_at, **only(tables.requests.c.due_at.is_not(None)))
sa.Index(
    "requests_unshown",
    tables.requests.c.id,
    **only(tables.requests.c.shown_version < tables.requests.c.version),
)
sa.Index("requests_untied", tables.requests.c.id, **only(sa.text("tied_version < version")))
sa.Index("requests_by_state", tables.requests.c.state)
sa.Index(
    "requests_with_people", tables.requests.c.created_at, **only(sa.text("requester_id <> ''"))
)
sa.Index(
    "requests_by_requester",
    tables.requests.c.team_id,
    tables.requests.c.requester_id,
    tables.requests.c.created_at,
)
sa.Index(
    "requests_by_subscription", tables.requests.c.subscription_id, tables.requests.c.created_at
)
sa.Index("requests_by_channel", tables.requests.c.channel_id, tables.requests.c.created_at)
sa.Index(
    "requests_by_customer",
    tables.requests.c.channel_id,
    tables.requests.c.customer_id,
    tables.requests.c.created_at,
)
sa.Index(
    "requests_open",
    tables.requests.c.team_id,
    tables.requests.c.created_at,
    **only(tables.OPEN),
)
sa.Index(
    "requests_open_by_requester",
    tables.requests.c.team_id,
    tables.requests.c.requester_id,
    **only(tables.OPEN),
)
sa.Index("requests_by_bundle", tables.requests.c.bundle_id, **only(sa.text("bundle_id <> ''")))
sa.Index(
    "requests_one_at_a_time",
    tables.requests.c.subscription_id,
    unique=True,
    **only(tables.IN_FLIGHT),
)
sa.Index("journal_by_kind", tables.journal.c.kind, tables.journal.c.number)
sa.Index("journal_with_people", tables.journal.c.at, **only(tables.journal.c.personal.is_not(None)))
sa.Index("offered_by_age", tables.offered.c.offered_at)
sa.Index("deliveries_by_age", tables.deliveries.c.at)
sa.Index("homes_by_age", tables.homes.c.opened_at)
sa.Index("bundles_due", tables.bundles.c.due_at, **only(tables.bundles.c.due_at.is_not(None)))
sa.Index(
    "bundles_unshown",
    tables.bundles.c.id,
    **only(tables.bundles.c.shown_version < tables.bundles.c.version),
)
sa.Index("drafts_by_age", tables.drafts.c.made_at)
