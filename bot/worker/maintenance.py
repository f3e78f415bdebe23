"""What is done now and then, whoever clicks: the audit trail is tied together, and people in what
is long settled are forgotten, as are deliveries that are not repeated any more.

The seal of every tie goes into the log. Whoever changes the database cannot change what was logged
elsewhere, so `upgrade-bot audit verify --tie` proves that nothing before it was made anew.
"""

import asyncio
from datetime import timedelta

import structlog

from bot.errors import Unavailable
from bot.store import Store, Tie

log = structlog.get_logger()

EVERY = 60.0
"""Seconds between two times."""

BREATHE = 0.05
"""Seconds between two writes of many, in which people's clicks are written."""


class Maintenance:
    """Keeps the trail, over the store. People are forgotten once what they asked for is settled and
    `people_kept` have passed since; never without it."""

    def __init__(self, store: Store, people_kept: timedelta | None) -> None:
        self._store = store
        self._people_kept = people_kept

    async def for_ever(self) -> None:
        """Do `once` again and again."""
        while True:
            try:
                await self.once()
            except Unavailable:
                log.warning("maintenance.no_database")
            except Exception:
                log.exception("maintenance.failed")
            await asyncio.sleep(EVERY)

    async def once(self) -> Tie | None:
        """All that there is to do now; the last tie, if there was one. Raises Unavailable."""
        last = None
        while tie := await self._store.trail.tie():
            log.info("audit.tied", number=tie.number, seal=tie.seal)
            last = tie
            await asyncio.sleep(BREATHE)
        await self._store.deliveries.forget()
        if self._people_kept:
            before = await self._store.now() - self._people_kept
            while True:
                if not await self._store.trail.forget(before):
                    break
                await asyncio.sleep(BREATHE)
        return last
