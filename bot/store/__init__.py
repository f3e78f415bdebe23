"""What the bot knows for certain: requests, votes, history, offers, and what was shown where.

Everything else is a projection of these rows. A request only changes by a step that is
compare-and-set on its version, written together with its line of history in one transaction.
"""

from bot.store.database import NEWEST, NewerTables
from bot.store.store import PostedCard, Store, patiently
from bot.store.trail import JOURNAL, Known, Line, Tie, Verification

__all__ = [
    "JOURNAL",
    "NEWEST",
    "Known",
    "Line",
    "NewerTables",
    "PostedCard",
    "Store",
    "Tie",
    "Verification",
    "patiently",
]
