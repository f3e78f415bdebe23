"""How fast a name is found among 100,000 customers."""

import asyncio
import gc
import random
import resource
import sqlite3
import string
import uuid
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from time import perf_counter

from rapidfuzz import fuzz, process

from bot.directory import Index
from bot.domain.subscription import Customer
from tests.bench.figure import Figure, Goal, Measured, percentile

CUSTOMERS = 100_000
ASKERS = 32
COMMON = [
    "contoso",
    "fabrikam",
    "northwind",
    "traders",
    "adventure",
    "works",
    "toys",
    "litware",
    "group",
    "ltd",
    "gmbh",
]


def made_up(seed: int) -> list[Customer]:
    """Believable customers, the same for the same seed."""
    chance = random.Random(seed)  # noqa: S311 - nothing secret about it
    letters = string.ascii_lowercase
    words = COMMON + ["".join(chance.choices(letters, k=6)) for _ in range(5000)]
    return [
        Customer(
            str(uuid.UUID(int=chance.getrandbits(128))),
            " ".join(chance.choices(words, k=3)).title(),
            "".join(chance.choices(letters, k=10)) + ".onmicrosoft.com",
        )
        for _ in range(CUSTOMERS)
    ]


def typed(customers: list[Customer], count: int) -> list[str]:
    """What people type: the beginning of a word, something inside, a domain, and nonsense."""
    chance = random.Random(7)  # noqa: S311 - the same
    texts = []
    for customer in chance.sample(customers, count):
        word = chance.choice(customer.name.split())
        texts.append(chance.choice([word[:3], word[1:5], customer.domain[:4], word + "qz"]))
    return texts


async def p99(find: Callable[[str], object], texts: list[str]) -> float:
    """Milliseconds until an asker has the answer, 32 asking at once, the slowest of a hundred."""
    waits: list[float] = []

    async def ask(text: str, asked: float) -> None:
        find(text)
        waits.append((perf_counter() - asked) * 1000)

    for start in range(0, len(texts), ASKERS):
        now = perf_counter()
        await asyncio.gather(*(ask(text, now) for text in texts[start : start + ASKERS]))
    return percentile(waits, 0.99)


def with_rapidfuzz(customers: list[Customer]) -> Callable[[str], object]:
    """The same names, searched by `rapidfuzz` in this thread."""
    names = [customer.name.casefold() for customer in customers]
    return lambda text: process.extract(text, names, scorer=fuzz.partial_ratio, limit=100)


def with_sqlite(customers: list[Customer]) -> Callable[[str], object]:
    """The same names in an FTS5 table with trigrams."""
    database = sqlite3.connect(":memory:")
    database.execute("CREATE VIRTUAL TABLE names USING fts5(name, tokenize='trigram')")
    database.executemany(
        "INSERT INTO names VALUES (?)", ((f"{c.name} {c.domain}",) for c in customers)
    )
    query = "SELECT rowid FROM names WHERE name LIKE ? LIMIT 100"
    return lambda text: database.execute(query, (f"%{text}%",)).fetchall()


def megabytes() -> float:
    """The memory of this process that is in use now."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * resource.getpagesize() / 1e6


async def type_ahead(*, quick: bool) -> Measured:
    """In a process of its own, in which nothing else is."""
    loop = asyncio.get_running_loop()
    with ProcessPoolExecutor(1, get_context("spawn")) as alone:
        return await loop.run_in_executor(alone, _measured, 320 if quick else 6400)


def _measured(questions: int) -> Measured:
    """The index beside both references, and what it takes of the memory."""
    import bot.app  # noqa: F401 - its memory is part of the figure

    before = megabytes()
    index = Index(made_up(1))
    gc.collect()
    after = megabytes()
    customers = made_up(1)
    texts = typed(customers, questions)
    ours = asyncio.run(p99(index.find, texts))
    fts = asyncio.run(p99(with_sqlite(customers), texts))
    fuzzy = asyncio.run(
        p99(with_rapidfuzz(customers), texts[: ASKERS * (1 if questions < 1000 else 4)])
    )
    name = f"type-ahead over {CUSTOMERS:,} customers, p99"
    return Measured(
        [
            Figure(name, ours, "ms", None, 20, Goal.BELOW),
            Figure("type-ahead beside SQLite FTS5 trigram", ours, "ms", fts, 1.0),
            Figure("type-ahead beside rapidfuzz", ours, "ms", fuzzy, 1.0),
            Figure("memory of the bot with the index", after, "MB", before, 150, Goal.BELOW),
        ]
    )
