"""The database, opened, with one repository a concept."""

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeVar

from bot.errors import Unavailable
from bot.retry import retried
from bot.store.cards import Cards
from bot.store.database import Database, revision
from bot.store.deliveries import Deliveries
from bot.store.homes import Homes
from bot.store.lists import Lists
from bot.store.offers import Offers
from bot.store.queue import Queue
from bot.store.requests import Requests
from bot.store.schedule import Schedule
from bot.store.secrets import Secrets
from bot.store.sqlite import Sqlite
from bot.store.trail import Trail

T = TypeVar("T")


class Store:
    """Open it with `Store.open`, end with `close`. Everything raises Unavailable while the database
    cannot be reached."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self.requests = Requests(database)
        self.lists = Lists(database)
        self.cards = Cards(database)
        self.schedule = Schedule(database)
        self.offers = Offers(database)
        self.deliveries = Deliveries(database)
        self.homes = Homes(database)
        self.secrets = Secrets(database)
        self.trail = Trail(database)

    @classmethod
    async def open(
        cls,
        url: str,
        clock: Callable[[], datetime] | None = None,
        *,
        only_if_new: bool = False,
    ) -> "Store":
        """Open the database at `url` (`sqlite:///path` or `postgresql://…`) and bring it to this
        version; with `only_if_new` one that has older tables keeps them.

        The time stamps every step and decides what is late: `clock`, or where there is none the
        database's. Raises OSError, SQLAlchemyError, Unavailable, NewerTables.
        """
        if url.startswith("sqlite:///"):
            path = Path(url.removeprefix("sqlite:///"))
            clock = clock or (lambda: datetime.now(UTC))
            return cls(await Sqlite.open(path, clock, only_if_new=only_if_new))
        from bot.store.postgres import Postgres  # its driver takes time to load

        return cls(await Postgres.open(url, clock, only_if_new=only_if_new))

    async def close(self) -> None:
        """Let a write that has begun come to its end, then close every connection."""
        await self._database.close()

    async def revision(self) -> str:
        """The revision of the tables."""
        return await self._database.read(revision)

    @property
    def queue(self) -> Queue:
        """The jobs that the steps put."""
        return self._database.queue

    @property
    def is_shared(self) -> bool:
        """Whether other bots may work on the same rows."""
        return self._database.is_shared

    async def now(self) -> datetime:
        """The time that decides what is late."""
        return await self._database.time()


async def patiently(work: Callable[[], Awaitable[T]]) -> T:
    """What `work` returns; it is done again for as long as the database is away."""
    return await retried(
        work, Unavailable, attempts=None, timeout=None, wait_initial=0.1, wait_max=2.0
    )
