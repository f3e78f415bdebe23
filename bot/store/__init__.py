"""What the bot knows for certain: requests with their items and histories, offers, and what Slack
shows.

Everything else is a projection of these rows. A request only changes by a step that has locked it,
written together with its lines of history in one transaction. One repository a concept.
"""

from bot.store.cards import PostedCard
from bot.store.database import NEWEST, NewerTables
from bot.store.requests import Snapshot, Turn
from bot.store.schedule import item_job
from bot.store.store import Store, patiently
from bot.store.trail import JOURNAL, Known, Line, Tie, Verification

__all__ = [
    "JOURNAL",
    "NEWEST",
    "Known",
    "Line",
    "NewerTables",
    "PostedCard",
    "Snapshot",
    "Store",
    "Tie",
    "Turn",
    "Verification",
    "item_job",
    "patiently",
]
