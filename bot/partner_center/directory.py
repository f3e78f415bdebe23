"""All customers of the partner, held here so that typing a name needs no call to Microsoft.

The index answers from memory: names and words by their beginning from sorted lists, everything
else by trigrams. It is read from Partner Center at start and again every so often, in the
background; until the first reading is complete there is no index, and Partner Center is asked.
"""

import asyncio
from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Iterator
from itertools import chain

import structlog

from bot.domain.subscription import Customer
from bot.errors import PartnerCenterError
from bot.partner_center import Customers, Trace, is_guid

log = structlog.get_logger()

REFRESH_EVERY = 15 * 60.0
"""Seconds between two readings of all customers."""

AFTER_TROUBLE = 60.0


COMMON = ".onmicrosoft.com"
"""What nearly all domains end in; it is not indexed, which saves a third of the memory."""

NOWHERE = array("I")


class Index:
    """An unchanging index over customers.

    All names and domains are one long string and all positions are plain arrays, because
    100,000 customers as objects would take more memory than the rest of the bot. Making it
    takes some seconds, finding something in it a tenth of a millisecond.
    """

    def __init__(self, customers: Iterable[Customer]) -> None:
        lines = sorted(_line(customer) for customer in customers)
        self._size = len(lines)
        self._folded, self._folded_at = _joined(line.partition("\0")[0] for line in lines)
        self._said, self._said_at = _joined(line.partition("\0")[2] for line in lines)
        del lines
        numbers = range(self._size)
        self._by_id = array("I", sorted(numbers, key=self._id))
        self._by_domain = array("I", sorted(numbers, key=self._domain))
        self._having_word: dict[str, array[int]] = {}
        self._having_trigram: dict[str, array[int]] = {}
        for n in numbers:
            text = self._text(n)
            for word in text.rpartition(" ")[0].split():
                _note(self._having_word, word, n)
            stem = text.removesuffix(COMMON)
            for start in range(len(stem) - 2):
                _note(self._having_trigram, stem[start : start + 3], n)
        self._words = sorted(self._having_word)

    def __len__(self) -> int:
        return self._size

    def find(self, text: str, limit: int = 100) -> list[Customer]:
        """The customers that `text` may mean, the best first: by tenant id; whose name begins
        with it; that have a word which does; that have it anywhere in name or domain."""
        text = _folded(text)
        if not text:
            return [self._customer(n) for n in range(min(limit, self._size))]
        if is_guid(text):
            return self._with_id(text)
        found: dict[int, None] = {}
        for n in chain(self._beginning(text), self._with_word(text), self._anywhere(text)):
            found[n] = None
            if len(found) == limit:
                break
        return [self._customer(n) for n in found]

    def nearest(self, text: str, limit: int = 3) -> list[Customer]:
        """Customers whose names look most like `text`, for when nothing is found."""
        from rapidfuzz import fuzz, process  # most bots never need its three megabytes

        text = _folded(text)
        shared: dict[int, int] = {}
        for start in range(len(text) - 2):
            for n in self._having_trigram.get(text[start : start + 3], ()):
                shared[n] = shared.get(n, 0) + 1
        likely = sorted(shared, key=lambda n: -shared[n])[:200]
        near = process.extract(
            text,
            {n: self._text(n).rpartition(" ")[0] for n in likely},
            scorer=fuzz.WRatio,
            limit=limit,
            score_cutoff=60,
        )
        return [self._customer(n) for _name, _score, n in near]

    def _text(self, n: int) -> str:
        """Name and domain as they are searched, one blank between them."""
        return self._folded[self._folded_at[n] : self._folded_at[n + 1] - 1]

    def _customer(self, n: int) -> Customer:
        name, domain, customer_id = self._said_of(n).split("\t")
        return Customer(customer_id, name, domain)

    def _said_of(self, n: int) -> str:
        return self._said[self._said_at[n] : self._said_at[n + 1] - 1]

    def _id(self, n: int) -> str:
        return self._said_of(n).rpartition("\t")[2]

    def _domain(self, n: int) -> str:
        return self._text(n).rpartition(" ")[2]

    def _with_id(self, text: str) -> list[Customer]:
        at = bisect_left(self._by_id, text, key=self._id)
        there = self._by_id[at : at + 1]
        return [self._customer(n) for n in there if self._id(n) == text]

    def _beginning(self, text: str) -> Iterator[int]:
        n = bisect_left(range(self._size), text, key=self._text)
        while n < self._size and self._folded.startswith(text, self._folded_at[n]):
            yield n
            n += 1

    def _with_word(self, text: str) -> Iterator[int]:
        """Whose name has a word that begins so, then whose domain begins so."""
        first, _, rest = text.partition(" ")
        at = bisect_left(self._words, first)
        while at < len(self._words) and self._words[at].startswith(first):
            for n in self._having_word[self._words[at]]:
                if not rest or f" {text}" in self._text(n):
                    yield n
            at += 1
        at = bisect_left(self._by_domain, text, key=self._domain)
        while at < self._size and self._domain(self._by_domain[at]).startswith(text):
            yield self._by_domain[at]
            at += 1

    def _anywhere(self, text: str) -> Iterator[int]:
        if len(text) < 3:
            return
        stem = _before_common(text)
        parts = [stem[start : start + 3] for start in range(len(stem) - 2)]
        if not parts:  # nothing but the beginning of what nearly all domains end in
            yield from self._wherever(text)
            return
        for n in min((self._having_trigram.get(part, NOWHERE) for part in parts), key=len):
            if self._folded.find(text, self._folded_at[n], self._folded_at[n + 1] - 1) >= 0:
                yield n

    def _wherever(self, text: str) -> Iterator[int]:
        """Without an index: from one place in the long string to the next."""
        at = self._folded.find(text)
        while at >= 0:
            n = bisect_right(self._folded_at, at) - 1
            yield n
            at = self._folded.find(text, self._folded_at[n + 1])


def _before_common(text: str) -> str:
    """The text without the part at its end that may be the beginning of `COMMON`."""
    if text in COMMON:
        return ""
    for length in range(min(len(COMMON), len(text)), 0, -1):
        if text.endswith(COMMON[:length]):
            return text[:-length]
    return text


def _folded(text: str) -> str:
    """As it is searched: in one case, with single blanks."""
    return " ".join(text.casefold().split())


def _line(customer: Customer) -> str:
    """What is searched and sorted by, then what is told: name, domain, id."""
    domain = "".join(customer.domain.split())
    name = " ".join(customer.name.split())
    return f"{_folded(name)} {domain.casefold()}\0{name}\t{domain}\t{customer.id.lower()}"


def _joined(texts: Iterable[str]) -> tuple[str, "array[int]"]:
    """All texts as one, a line each, and where each begins."""
    offsets, at, lines = array("L", (0,)), 0, []
    for text in texts:
        at += len(text) + 1
        offsets.append(at)
        lines.append(text)
    return "\n".join(lines) + "\n", offsets


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
