"""PostgreSQL serves any number of bots: they make its tables once, share its clock, and find in its
queue what a step has put there."""

import asyncio
from contextlib import AsyncExitStack
from dataclasses import replace
from operator import methodcaller
from pathlib import Path

import asyncpg
import pytest

from bot.domain import steps
from bot.domain.item import State
from bot.domain.request import Request
from bot.errors import Reason, Refused, Unavailable
from bot.store import NEWEST, Store, item_job
from bot.store.postgres import CONNECTIONS, Postgres
from tests.factories import BOB, DAY, NO_LIMIT, NOW, POLICY, asked, came_back, item_id, item_in
from tests.postgres import PostgresServer
from tests.store.old_version import database_of
from tests.store.taking import approve, confirm, moved

of_one_and_of_two = pytest.mark.parametrize("items", [1, 2])


async def added(store: Store, items: int = 1, approvals: int = 1) -> Request:
    """A new request in the store, of the database's time; a day later it expires."""
    now, policy = await store.now(), replace(POLICY, approvals=approvals)
    waiting = item_in(State.AWAITING_APPROVAL, version=0, policy=policy, created_at=now)
    waiting = replace(waiting, expires_at=now + DAY)
    new = [replace(waiting, id=item_id(n + 1)) for n in range(items)]
    return await store.requests.add(asked(items=new, created_at=now), most=NO_LIMIT)


async def test_many_that_open_an_empty_database_at_once_all_find_it_made(
    postgres: PostgresServer,
) -> None:
    """One makes the tables, the others wait for it."""
    url = await postgres.new_database()
    stores = await asyncio.gather(*(Store.open(url) for _ in range(5)))
    request = await added(stores[0])
    assert await stores[4].requests.get(request.id) == request
    for store in stores:
        await store.close()


async def test_a_migration_may_take_longer_than_a_person_waits(
    postgres: PostgresServer, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """As that of a large database does; here another connection holds a table for a second."""
    monkeypatch.setattr("bot.store.postgres.ANSWER_WITHIN", 0.3)
    url = await database_of("0008", tmp_path, postgres)
    other = await asyncpg.connect(url)
    held = asyncio.Event()

    async def hold() -> None:
        async with other.transaction():
            await other.execute("LOCK TABLE requests")
            held.set()
            await other.execute("SELECT pg_sleep(1)")

    async with asyncio.TaskGroup() as group:
        group.create_task(hold())
        await held.wait()
        store = await Store.open(url)
    assert await store.revision() == NEWEST
    await store.close()
    await other.close()


async def test_the_database_is_away_while_every_connection_is_taken(
    postgres: PostgresServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A caller does not wait longer for one than for an answer."""
    monkeypatch.setattr("bot.store.postgres.ANSWER_WITHIN", 0.3)
    database = await Postgres.open(await postgres.new_database(), None)
    async with AsyncExitStack() as taken:
        for _ in range(CONNECTIONS):
            await taken.enter_async_context(database._transaction())
        with pytest.raises(Unavailable):
            await database.read(database.now)
    assert await database.read(database.now) > NOW
    await database.close()


@of_one_and_of_two
async def test_the_databases_clock_decides_what_is_late(
    postgres: PostgresServer, items: int
) -> None:
    """And not the clock of the machine on which a bot runs."""
    store = await Store.open(await postgres.new_database())
    request = await added(store, items, approvals=2)
    await store.requests.take(request.id, approve())
    assert (await store.requests.snapshot(request.id)).now < request.created_at + DAY
    await hours_pass_in_the_database(store, 30)
    with pytest.raises(Refused) as refused:
        await store.requests.take(request.id, approve(BOB))
    assert refused.value.reason is Reason.EXPIRED
    assert await store.schedule.due() == [request.id]
    assert (await store.requests.snapshot(request.id)).now > request.created_at + DAY
    await store.close()


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE requests SET troubles = 0 WHERE id = %r",
        "SELECT 1 FROM requests WHERE id = %r FOR UPDATE",
    ],
    ids=["that changed it", "that was refused"],
)
async def test_a_step_that_waited_for_another_is_later(
    postgres: PostgresServer, statement: str
) -> None:
    """Its time is that after the wait: what has become late meanwhile is late."""
    url = await postgres.new_database()
    store, other = await Store.open(url), await Postgres.open(url, None)
    request = await added(store)
    async with other._transaction() as connection:
        await connection.exec_driver_sql(statement % request.id)
        waiting = asyncio.create_task(store.requests.take(request.id, approve()))
        await asyncio.wait({waiting}, timeout=0.3)
        assert not waiting.done()
        before = await connection.run_sync(other.now)
    after = (await waiting).request
    assert after.changed_at
    assert after.changed_at > before
    await other.close()
    await store.close()


@of_one_and_of_two
async def test_a_step_and_its_job_are_one_commit(postgres: PostgresServer, items: int) -> None:
    """A refused step leaves no job, and while one waits there is no second for the request."""
    store = await Store.open(await postgres.new_database())
    request = await added(store, items)
    assert await jobs(store) == [request.id]
    await store._database.write(methodcaller("exec_driver_sql", "DELETE FROM pgqueuer"))
    with pytest.raises(Refused):
        await store.requests.take(request.id, confirm())
    assert await jobs(store) == []
    await store.requests.take(request.id, approve())
    await store.schedule.attend([request.id])
    assert await jobs(store) == [request.id]
    await store.close()


@of_one_and_of_two
async def test_a_step_puts_the_jobs_that_it_says(postgres: PostgresServer, items: int) -> None:
    """An item that is claimed gets a job of its own, and the request none."""
    store = await Store.open(await postgres.new_database())
    request = await added(store, items)
    await store.requests.take(request.id, approve())
    await store.requests.take(request.id, confirm())
    await store._database.write(methodcaller("exec_driver_sql", "DELETE FROM pgqueuer"))
    job = item_job(request.item_ids[0])
    await store.requests.take(request.id, steps.claim_next, attend=[job])
    assert await jobs(store) == [job]
    await store.requests.take(request.id, moved(request.item_ids[0], came_back), attend=[])
    assert await jobs(store) == [job]
    await store.close()


async def jobs(store: Store) -> list[str]:
    """What waits in the queue."""
    query = "SELECT entrypoint, payload FROM pgqueuer WHERE status = 'queued'"
    found = await store._database.read(lambda c: c.exec_driver_sql(query).all())
    assert {row.entrypoint for row in found} <= {"attend"}
    return [row.payload.decode() for row in found]


async def hours_pass_in_the_database(store: Store, hours: int) -> None:
    """From now on its clock is ahead of every other."""
    for statement in (
        "CREATE SCHEMA ahead",
        "CREATE FUNCTION ahead.clock_timestamp() RETURNS timestamptz LANGUAGE sql AS "
        f"$$ SELECT pg_catalog.clock_timestamp() + interval '{hours} hours' $$",
        "DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET search_path = public, ahead, "
        "pg_catalog', current_database()); END $$",
    ):
        await store._database.write(methodcaller("exec_driver_sql", statement))
    assert isinstance(store._database, Postgres)
    await store._database._engine.dispose()  # the next connections see it
