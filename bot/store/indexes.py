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


_requests, _items = tables.requests.c, tables.items.c

for _table in (tables.requests, tables.items):
    sa.Index(f"{_table.name}_due", _table.c.due_at, **only(_table.c.due_at.is_not(None)))
    sa.Index(f"{_table.name}_untied", _table.c.id, **only(sa.text("tied_version < version")))
    sa.Index(
        f"{_table.name}_with_people", _table.c.created_at, **only(sa.text("requester_id <> ''"))
    )
sa.Index("requests_unshown", _requests.id, **only(_requests.shown_revision < _requests.revision))
sa.Index("items_by_request", _items.request_id)
sa.Index("items_by_state", _items.state)
sa.Index("items_by_requester", _items.team_id, _items.requester_id, _items.created_at)
sa.Index("items_by_subscription", _items.subscription_id, _items.created_at)
sa.Index("items_by_channel", _items.channel_id, _items.created_at)
sa.Index("items_by_customer", _items.channel_id, _items.customer_id, _items.created_at)
sa.Index("items_open", _items.team_id, _items.created_at, **only(tables.OPEN))
sa.Index("items_open_by_requester", _items.team_id, _items.requester_id, **only(tables.OPEN))
sa.Index("items_one_at_a_time", _items.subscription_id, unique=True, **only(tables.IN_FLIGHT))
sa.Index("journal_by_kind", tables.journal.c.kind, tables.journal.c.number)
sa.Index("journal_with_people", tables.journal.c.at, **only(tables.journal.c.personal.is_not(None)))
sa.Index("offered_by_age", tables.offered.c.offered_at)
sa.Index("deliveries_by_age", tables.deliveries.c.at)
sa.Index("homes_by_age", tables.homes.c.opened_at)
sa.Index("cards_by_place", tables.cards.c.channel_id, tables.cards.c.ts)
sa.Index("drafts_by_age", tables.drafts.c.made_at)
