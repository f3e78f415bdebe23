"""Steps are compare-and-set, history only grows, and migrations make the tables of the code."""

import asyncio
import threading
import uuid
from contextlib import AsyncExitStack
from dataclasses import replace
from datetime import timedelta
from operator import methodcaller
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from structlog.typing import EventDict

from bot.domain import lifecycle
from bot.domain.policy import Person
from bot.domain.upgrade import State, Step, UpgradeRequest
from bot.errors import Reason, Refused, Unavailable
from bot.store import PostedCard, Store, indexes
from bot.store.postgres import CONNECTIONS, Postgres
from bot.store.sqlite import ENOUGH, Sqlite
from bot.store.tables import metadata
from tests.domain.test_the_states import CAROL, NOW, request_in
from tests.postgres import PostgresServer
from tests.requests import NO_LIMIT


async def added(store: Store, approvals: int = 1, **facts: Any) -> UpgradeRequest:
    """A new request in the store, which a day ends, with these `facts`."""
    request = replace(request_in(State.AWAITING_APPROVAL), confirmed_at=None, sent_at=None, **facts)
    request = replace(request, policy=replace(request.policy, approvals=approvals))
    now = await store.now()
    request = replace(request, created_at=now, expires_at=now + timedelta(days=1))
    return await store.add(lifecycle.ask(request), most=NO_LIMIT)


async def test_what_is_stored_is_read_again(store: Store) -> None:
    """All of it, votes and times included."""
    request = await added(store)
    after = await store.take(request.id, lambda r, now: lifecycle.approve(r, CAROL, now, 1))
    assert await store.request(request.id) == after
    assert [event.step for _, event in await store.history(request.id)] == [Step.ASK, Step.APPROVE]
    assert [version for version, _ in await store.history(request.id, after=1)] == [2]


async def test_of_fifty_steps_at_once_each_sees_the_one_before(store: Store) -> None:
    """No vote is lost and none is counted twice."""
    request = await added(store, approvals=50)

    async def vote(number: int) -> None:
        who = Person("T1", f"U{number}")
        await store.take(request.id, lambda r, now: lifecycle.approve(r, who, now, 1))

    await asyncio.gather(*(vote(number) for number in range(50)))
    after = await store.request(request.id)
    assert after.state is State.APPROVED
    assert after.version == 51
    assert len({approval.by for approval in after.approvals}) == 50


async def test_a_refused_step_leaves_no_trace(store: Store) -> None:
    """The transaction ends as if nothing had been tried."""
    request = await added(store)
    with pytest.raises(Refused):
        await store.take(request.id, lambda r, now: lifecycle.claim(r, CAROL, now, 1, 0))
    assert await store.request(request.id) == request
    assert len(await store.history(request.id)) == 1


async def test_an_unknown_request_is_refused(store: Store) -> None:
    """By its reason, not by an error of the database."""
    with pytest.raises(Refused) as refused:
        await store.request("nobody")
    assert refused.value.reason is Reason.UNKNOWN_REQUEST


@pytest.mark.parametrize("statement", ["UPDATE history SET step = 'x'", "DELETE FROM history"])
async def test_history_can_only_grow(store: Store, statement: str) -> None:
    """The database itself refuses to change or to forget a line."""
    request = await added(store)
    with pytest.raises(sa.exc.DBAPIError, match="history can only grow"):
        await store._database.write(lambda connection: connection.exec_driver_sql(statement))
    assert len(await store.history(request.id)) == 1


async def test_every_commit_is_on_the_disk(path: Path) -> None:
    """WAL, and a sync at every commit: what was told to somebody survives a power cut."""
    database = await Sqlite.open(path, lambda: NOW)

    def settings(connection: sa.Connection) -> tuple[object, ...]:
        names = ("journal_mode", "synchronous")
        return tuple(connection.exec_driver_sql(f"PRAGMA {name}").scalar() for name in names)

    assert await database.write(settings) == await database.read(settings) == ("wal", 2)
    await database.close()


@pytest.mark.parametrize("length", [1, 400, 1100, 1400])
async def test_a_vote_does_not_write_its_neighbours_again(path: Path, length: int) -> None:
    """However long the requests are, and so however they fill their pages: some that lie apart get
    a vote each, in one commit, and for each of them little is written."""
    ids = [str(uuid.UUID(int=number)) for number in range(240)]
    voted, log = ids[::8], path.with_name(f"{path.name}-wal")
    store = await Store.open(f"sqlite:///{path}", lambda: NOW)
    await asyncio.gather(*(added(store, id=each, reason="b" * length) for each in ids))
    await store.close()
    store = await Store.open(f"sqlite:///{path}", lambda: NOW)
    before = size(log)
    await asyncio.gather(
        *(store.take(each, lambda r, now: lifecycle.approve(r, CAROL, now, 1)) for each in voted)
    )
    assert size(log) - before < 16_000 * len(voted)
    await store.close()


async def test_no_commit_copies_the_log_but_soon_it_is_copied(path: Path) -> None:
    """Five megabytes at once are in the log alone when they are committed; soon the file has them
    and the log is short again, while others go on reading and writing."""
    database = await Sqlite.open(path, lambda: NOW)
    log = path.with_name(f"{path.name}-wal")
    await database.write(lambda c: c.exec_driver_sql("CREATE TABLE t (k TEXT, v BLOB)"))
    before, small = size(path), 0
    await asyncio.gather(*(database.write(_fifty_kilobytes) for _ in range(100)))
    assert size(path) == before
    assert size(log) > 5_000_000
    async with asyncio.timeout(20):
        while size(path) < 5_000_000 or size(log) > ENOUGH:
            await database.write(lambda c: c.exec_driver_sql("INSERT INTO t VALUES ('y', '')"))
            small += 1
            for _ in range(100):
                assert await database.read(_count_of_t) == 100 + small
    await database.close()


async def test_a_log_that_cannot_be_copied_is_said_and_copied_later(
    path: Path, log: list[EventDict]
) -> None:
    """As long as the disk has room for it people can go on."""
    database = await Sqlite.open(path, lambda: NOW)
    await database.write(lambda c: c.exec_driver_sql("CREATE TABLE t (k TEXT, v BLOB)"))
    assert await database.read(_count_of_t) == 0
    there, away = (path.with_name(f"{path.name}-{end}") for end in ("wal", "away"))
    there.rename(away)  # who has it open has it still
    await asyncio.gather(*(database.write(_fifty_kilobytes) for _ in range(100)))
    async with asyncio.timeout(20):
        while not log:
            assert await database.read(_count_of_t) == 100
    assert [each["event"] for each in log] == ["store.log_not_copied"]
    away.rename(there)
    async with asyncio.timeout(20):
        while size(path) < 5_000_000:
            await database.write(database.now)
    await database.close()


async def test_whoever_closes_the_store_waits_for_the_copy_of_the_log(path: Path) -> None:
    """Afterwards nothing has the file open, so that it can be moved."""
    database = await Sqlite.open(path, lambda: NOW)
    await database.write(lambda c: c.exec_driver_sql("CREATE TABLE t (k TEXT, v BLOB)"))
    opened: list[object] = []
    copied, may_end = threading.Event(), threading.Event()

    def end(raw: object, _: object) -> None:
        if raw in opened:  # it is not the writer's
            copied.set()
            assert may_end.wait(20)

    def close(raw: object, _: object) -> None:
        if raw in opened:
            opened.remove(raw)

    sa.event.listen(database._engine, "connect", lambda raw, _: opened.append(raw))
    sa.event.listen(database._engine, "checkin", end)
    sa.event.listen(database._engine, "close", close)
    await asyncio.gather(*(database.write(_fifty_kilobytes) for _ in range(100)))
    assert await asyncio.to_thread(copied.wait, 20)
    assert len(opened) == 1
    asyncio.get_running_loop().call_later(0.2, may_end.set)
    await database.close()
    assert may_end.is_set()
    assert opened == []


def size(path: Path) -> int:
    """Bytes."""
    return path.stat().st_size


def _fifty_kilobytes(connection: sa.Connection) -> None:
    connection.exec_driver_sql("INSERT INTO t VALUES ('x', randomblob(50000))")


async def test_of_many_writes_at_once_one_that_fails_harms_no_other(store: Store) -> None:
    """They may be committed together, but each is whole or not at all."""
    request = await added(store, approvals=50)

    async def vote(number: int) -> None:
        who = request.requester if number % 3 == 0 else Person("T1", f"U{number}")
        await store.take(request.id, lambda r, now: lifecycle.approve(r, who, now, 1))

    ends = await asyncio.gather(*(vote(number) for number in range(30)), return_exceptions=True)
    assert [isinstance(end, Refused) for end in ends] == [n % 3 == 0 for n in range(30)]
    assert len((await store.request(request.id)).approvals) == 20
    assert len(await store.history(request.id)) == 21


async def test_a_write_that_nobody_waits_for_any_more_comes_to_its_end(
    store: Store, url: str
) -> None:
    """Whoever clicked may be gone; what has begun is whole."""
    request = await added(store)
    step = store.take(request.id, lambda r, now: lifecycle.approve(r, CAROL, now, 1))
    waiting = asyncio.create_task(step)
    await asyncio.sleep(0)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    await store.close()  # which waits for it
    again = await Store.open(url, lambda: NOW)
    assert [version for version, _ in await again.history(request.id)] == [1, 2]
    await again.close()


async def test_what_is_not_shown_yet_is_known(store: Store) -> None:
    """Card and thread both have to be up to date."""
    request = await added(store)
    assert await store.unshown() == [request.id]
    card, both = PostedCard("C", "1.1", 1, 0), PostedCard("C", "1.1", 1, 1)
    assert await store.record_shown(request.id, None, card)
    assert await store.unshown() == [request.id]
    assert await store.record_shown(request.id, card, both)
    assert await store.unshown() == []
    await store.take(request.id, lambda r, now: lifecycle.approve(r, CAROL, now, 1))
    assert await store.unshown() == [request.id]


async def test_what_another_has_shown_meanwhile_is_not_overwritten(store: Store) -> None:
    """Two bots that show the same request: the second learns of the first."""
    request = await added(store)
    one, other = PostedCard("C", "1.1", 1, 0), PostedCard("C", "2.2", 1, 0)
    assert await store.record_shown(request.id, None, one)
    assert not await store.record_shown(request.id, None, other)
    assert not await store.record_shown(request.id, other, other._replace(told_version=1))
    assert await store.shown(request.id) == one


async def test_the_migrations_make_the_tables_of_the_code(store: Store) -> None:
    """A column or an index that was forgotten in a migration is found here."""
    assert indexes.only(None)

    def differences(connection: sa.Connection) -> list[object]:
        ours = {"compare_type": True, "include_name": lambda name, *_: "pgqueuer" not in str(name)}
        return list(compare_metadata(MigrationContext.configure(connection, opts=ours), metadata))

    assert await store._database.read(differences) == []


async def test_opening_it_again_changes_nothing(store: Store, url: str) -> None:
    """A restart finds everything."""
    request = await added(store)
    again = await Store.open(url, lambda: NOW)
    assert await again.request(request.id) == request
    await again.close()


async def test_many_that_open_an_empty_database_at_once_all_find_it_made(
    postgres: PostgresServer,
) -> None:
    """One makes the tables, the others wait for it."""
    url = await postgres.new_database()
    stores = await asyncio.gather(*(Store.open(url) for _ in range(5)))
    request = await added(stores[0])
    assert await stores[4].request(request.id) == request
    for store in stores:
        await store.close()


async def test_whoever_finds_every_connection_taken_learns_that_the_database_is_away(
    postgres: PostgresServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And does not wait longer than anybody waits for an answer."""
    monkeypatch.setattr("bot.store.postgres.ANSWER_WITHIN", 0.3)
    database = await Postgres.open(await postgres.new_database(), None)
    async with AsyncExitStack() as taken:
        for _ in range(CONNECTIONS):
            await taken.enter_async_context(database._transaction())
        with pytest.raises(Unavailable):
            await database.read(database.now)
    assert await database.read(database.now) > NOW
    await database.close()


async def test_the_databases_clock_decides_what_is_late(postgres: PostgresServer) -> None:
    """Whatever the clock of the machine says on which a bot runs."""
    store = await Store.open(await postgres.new_database())
    request = await added(store, approvals=2)
    await store.take(request.id, lambda r, now: lifecycle.approve(r, CAROL, now, 1))
    await hours_pass_in_the_database(store, 30)
    with pytest.raises(Refused) as refused:
        await store.take(
            request.id, lambda r, now: lifecycle.approve(r, Person("T1", "U2"), now, 1)
        )
    assert refused.value.reason is Reason.EXPIRED
    assert await store.due() == [request.id]
    await store.close()


async def test_a_step_and_its_job_are_one_commit(postgres: PostgresServer) -> None:
    """A refused step leaves no job, and while one waits there is no second for the request."""
    store = await Store.open(await postgres.new_database())
    request = await added(store)
    await store._database.write(methodcaller("exec_driver_sql", "DELETE FROM pgqueuer"))
    with pytest.raises(Refused):
        await store.take(request.id, lambda r, now: lifecycle.claim(r, CAROL, now, 1, 0))
    assert await worker(store) == []
    await store.take(request.id, lambda r, now: lifecycle.approve(r, CAROL, now, 1))
    await store.attend([request.id])
    assert await worker(store) == [("attend", request.id.encode())]
    await store.close()


async def worker(store: Store) -> list[tuple[object, ...]]:
    """What waits in the queue."""
    query = "SELECT entrypoint, payload FROM pgqueuer WHERE status = 'queued'"
    found = await store._database.read(lambda c: c.exec_driver_sql(query).all())
    return [tuple(row) for row in found]


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


async def test_when_sqlite_gives_up_a_transaction_nobody_is_told_that_theirs_is_stored(
    tmp_path: Path, log: list[EventDict]
) -> None:
    """A full disk ends all of it, and not only the step that filled it."""
    database = await Sqlite.open(tmp_path / "full.db", lambda: NOW)
    await database.write(lambda c: c.exec_driver_sql("CREATE TABLE t (k TEXT, v BLOB)"))

    def small(connection: sa.Connection) -> None:
        connection.exec_driver_sql("INSERT INTO t VALUES ('small', 'x')")

    def too_large(connection: sa.Connection) -> None:
        pages = connection.exec_driver_sql("PRAGMA page_count").scalar()
        connection.exec_driver_sql(f"PRAGMA max_page_count = {pages}")
        try:
            connection.exec_driver_sql("INSERT INTO t VALUES ('large', zeroblob(200000))")
        finally:
            connection.exec_driver_sql("PRAGMA max_page_count = 1000000")

    works = (small, too_large, small)
    told = await asyncio.gather(*map(database.write, works), return_exceptions=True)
    assert [type(each) for each in told] == [Unavailable] * len(works)
    assert {each["event"] for each in log} == {"store.unavailable"}
    assert await database.read(_count_of_t) == 0
    await database.write(small)
    assert await database.read(_count_of_t) == 1
    await database.close()


def _count_of_t(connection: sa.Connection) -> int:
    return int(connection.exec_driver_sql("SELECT count(*) FROM t").scalar_one())


async def test_whoever_comes_after_the_end_is_told(tmp_path: Path) -> None:
    """And does not wait for ever."""
    database = await Sqlite.open(tmp_path / "closed.db", lambda: NOW)
    await database.close()
    for use in (database.read, database.write):
        with pytest.raises(RuntimeError):
            await asyncio.wait_for(use(database.now), 2)
