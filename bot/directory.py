"""All customers of the partner, held here so that typing a name needs no call to Microsoft.

The index answers from memory: names and words by their beginning from sorted lists, everything
else by trigrams. It is read from Partner Center at start and again every so often, in the
background; until the first reading is complete there is no index, and Partner Center is asked.
"""

import asyncio
from array import array
from bisect import bisect_left
from collections.abc import Callable, Iterator
from itertools import chain, islice

import structlog
from rapidfuzz import fuzz, process

from bot.domain.subscription import Customer
from bot.errors import PartnerCenterError
from bot.partner_center import Customers, Trace, is_guid

log = structlog.get_logger()

REFRESH_EVERY = 30 * 60.0
"""Seconds between two readings of all customers."""

AFTER_TROUBLE = 60.0


class Index:
    """An unchanging index over customers. Making one of 100,000 takes about a second."""

    def __init__(self, customers: list[Customer]) -> None:
        self.customers = sorted(customers, key=lambda c: (c.name.casefold(), c.domain.casefold()))
        self._texts = [f"{c.name} {c.domain}".casefold() for c in self.customers]
        numbers = range(len(self.customers))
        self._by_id = array("I", sorted(numbers, key=self._id))
        self._by_domain = array("I", sorted(numbers, key=self._domain))
        self._having_word: dict[str, array[int]] = {}
        self._having_trigram: dict[str, array[int]] = {}
        for n, (customer, text) in enumerate(zip(self.customers, self._texts, strict=True)):
            for word in customer.name.casefold().split():
                _note(self._having_word, word, n)
            for start in range(len(text) - 2):
                _note(self._having_trigram, text[start : start + 3], n)
        self._words = sorted(self._having_word)

    def find(self, text: str, limit: int = 100) -> list[Customer]:
        """The customers that `text` may mean, the best first: by tenant id; whose name begins
        with it; that have a word which does; that have it anywhere in name or domain."""
        text = " ".join(text.casefold().split())
        if not text:
            return self.customers[:limit]
        if is_guid(text):
            return self._with_id(text)
        matches = chain(self._beginning(text), self._with_word(text), self._anywhere(text))
        numbers = list(islice(dict.fromkeys(islice(matches, limit * 4)), limit))
        return [self.customers[n] for n in numbers]

    def nearest(self, text: str, limit: int = 3) -> list[Customer]:
        """Customers whose names look most like `text`, for when nothing is found."""
        text = " ".join(text.casefold().split())
        shared: dict[int, int] = {}
        for start in range(len(text) - 2):
            for n in self._having_trigram.get(text[start : start + 3], ()):
                shared[n] = shared.get(n, 0) + 1
        likely = sorted(shared, key=lambda n: -shared[n])[:200]
        near = process.extract(
            text,
            {n: self.customers[n].name.casefold() for n in likely},
            scorer=fuzz.WRatio,
            limit=limit,
            score_cutoff=60,
        )
        return [self.customers[n] for _name, _score, n in near]

    def _id(self, n: int) -> str:
        return self.customers[n].id

    def _domain(self, n: int) -> str:
        return self.customers[n].domain.casefold()

    def _with_id(self, text: str) -> list[Customer]:
        at = bisect_left(self._by_id, text, key=self._id)
        there = self._by_id[at : at + 1]
        return [self.customers[n] for n in there if self._id(n) == text]

    def _beginning(self, text: str) -> Iterator[int]:
        n = bisect_left(self._texts, text)
        while n < len(self._texts) and self._texts[n].startswith(text):
            yield n
            n += 1

    def _with_word(self, text: str) -> Iterator[int]:
        """Whose name has a word that begins so, then whose domain begins so."""
        first, _, rest = text.partition(" ")
        at = bisect_left(self._words, first)
        while at < len(self._words) and self._words[at].startswith(first):
            for n in self._having_word[self._words[at]]:
                if not rest or f" {text}" in self._texts[n]:
                    yield n
            at += 1
        at = bisect_left(self._by_domain, text, key=self._domain)
        while at < len(self._by_domain) and self._domain(self._by_domain[at]).startswith(text):
            yield self._by_domain[at]
            at += 1

    def _anywhere(self, text: str) -> Iterator[int]:
        if len(text) < 3:
            return
        parts = [text[start : start + 3] for start in range(len(text) - 2)]
        rarest = min((self._having_trigram.get(part, array("I")) for part in parts), key=len)
        yield from (n for n in rarest if text in self._texts[n])


def _note(having: dict[str, "array[int]"], part: str, n: int) -> None:
    there = having.get(part)
    if there is None:
        having[part] = array("I", (n,))
    elif there[-1] != n:
        there.append(n)


class Directory:
    """Keeps an index of the partner's customers up to date. `index` is None until the first
    reading is complete."""

    def __init__(self, customers: Customers, new_id: Callable[[], str]) -> None:
        self._customers = customers
        self._new_id = new_id
        self._task: asyncio.Task[None] | None = None
        self.index: Index | None = None

    def start(self) -> None:
        """Begin to read, in the background."""
        self._task = asyncio.create_task(self._keep_fresh(), name="reading customers")

    def stop(self) -> None:
        """Read no more."""
        if self._task:
            self._task.cancel()

    async def refresh(self) -> None:
        """Read all customers and make a new index. Raises PartnerCenterError."""
        read: list[Customer] = []
        async for page in self._customers.all(Trace(self._new_id())):
            read += page
        self.index = await asyncio.to_thread(Index, read)
        log.info("directory.read", customers=len(read))

    async def _keep_fresh(self) -> None:
        while True:
            try:
                await self.refresh()
                pause = REFRESH_EVERY
            except PartnerCenterError as error:
                log.warning("directory.not_read", trouble=str(error))
                pause = AFTER_TROUBLE
            except Exception:
                log.exception("directory.mistake")
                pause = REFRESH_EVERY
            await asyncio.sleep(pause)
