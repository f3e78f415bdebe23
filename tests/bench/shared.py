"""As `stored.py`, in a PostgreSQL of its own, for several bots."""

import asyncio
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import asyncpg

from tests.bench.people import ask, quiet, workspace
from tests.bench.stored import Stored
from tests.postgres import PostgresServer

COPIED = "lpad(to_hex(n), 8, '0') || '-0000-4000-8000-' || lpad(to_hex(n), 12, '0')"


@asynccontextmanager
async def shared(count: int) -> AsyncIterator[tuple[Stored, str]]:
    """So many requests that wait for an approval, and no bot yet; and where they are."""
    server = PostgresServer()
    await asyncio.to_thread(server.start)
    try:
        async with workspace() as practice:
            url = await server.new_database()
            practice.variables["UPGRADE_BOT_DATABASE_URL"] = url
            await practice.start_bot()
            card = await ask(practice)
            await quiet(practice, 0.5)
            await practice.stop_bot()
            await _copy_request(url, count)
            anywhere = random.Random(7).sample(range(1, count + 1), count)  # noqa: S311 - no secret
            yield Stored(practice, card, practice.folder, iter(anywhere)), url
    finally:
        await asyncio.to_thread(server.stop)


async def _copy_request(url: str, count: int) -> None:
    """Copy the only request, tied and shown, to so many ids."""
    database = await asyncpg.connect(url)
    await database.execute(
        "UPDATE requests SET due_at = now() + interval '10 years', "
        "tied_version = version, shown_version = version"
    )
    original = await database.fetchval("SELECT id FROM requests")
    for table, key in (("requests", "id"), ("history", "request_id"), ("shown", "request_id")):
        columns = [each for (each,) in await database.fetch(COLUMNS, table)]
        copied = ", ".join(
            f"replace({column}, $1, {COPIED})" if column in (key, "body") else column
            for column in columns
        )
        await database.execute(
            f"INSERT INTO {table} ({', '.join(columns)}) SELECT {copied} "  # noqa: S608 - our own names
            f"FROM {table}, generate_series(1, {count}) AS n WHERE {key} = $1",
            original,
        )
    await database.execute("ANALYZE")
    await database.close()


COLUMNS = """
SELECT column_name::text FROM information_schema.columns
WHERE table_name = $1 AND table_schema = 'public'
"""
