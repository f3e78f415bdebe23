"""How fast a name is found among 100,000 customers.

It is measured in a process in which nothing else is (`python -m tests.bench.type_ahead 320`), by
rounds in which the index and SQLite answer the same in turns.
"""

import asyncio
import gc
import json
import random
import resource
import sqlite3
import string
import sys
import uuid
from asyncio.subprocess import PIPE
from collections.abc import Callable
from pathlib import Path
from time import perf_counter

from rapidfuzz import fuzz, process

from bot.domain.subscription import Customer
from bot.partner_center.directory import Index
from tests.bench.figure import Figure, Goal, Measured, middle, percentile

CUSTOMERS = 100_000
ASKERS = 32
NAME = f"type-ahead over {CUSTOMERS:,} customers, {ASKERS} askers, p99"
IN_A_ROUND = 2 * ASKERS
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
    """The index beside both references, and what it takes of the memory."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", __name__, "320" if quick else "6400", stdout=PIPE
    )
    said, _ = await process.communicate()
    found = json.loads(said)
    ours, before, after = found["ours"], found["before"], found["after"]
    return Measured(
        [
            Figure(NAME, ours, "ms", None, 20, Goal.BELOW),
            Figure("type-ahead beside SQLite FTS5 trigram", ours, "ms", found["sqlite"], 1.0),
            Figure("type-ahead beside rapidfuzz", ours, "ms", found["rapidfuzz"], 1.0),
            Figure("memory of the bot with the index", after, "MB", before, 150, Goal.BELOW),
        ]
    )


def measured(questions: int) -> dict[str, float]:
    """Milliseconds, and megabytes."""
    import bot.app  # noqa: F401 - its memory is part of the figure

    before = megabytes()
    index = Index(made_up(1))
    gc.collect()
    after = megabytes()
    customers = made_up(1)
    texts = typed(customers, questions)
    sqlite = with_sqlite(customers)
    ours, theirs = [], []
    for start in range(0, questions, IN_A_ROUND):
        part = texts[start : start + IN_A_ROUND]
        ours.append(asyncio.run(p99(index.find, part)))
        theirs.append(asyncio.run(p99(sqlite, part)))
    fuzzy = asyncio.run(p99(with_rapidfuzz(customers), texts[:ASKERS]))
    both = {"ours": middle(ours), "sqlite": middle(theirs), "rapidfuzz": fuzzy}
    return {**both, "before": before, "after": after}


if __name__ == "__main__":
    print(json.dumps(measured(int(sys.argv[1]))))  # noqa: T201 - whoever started it reads that
