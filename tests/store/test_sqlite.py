"""A bot with a file: every commit is on the disk, and little is written for it."""

import asyncio
import threading
from pathlib import Path

import pytest
import sqlalchemy as sa
from structlog.typing import EventDict

from bot.domain.request import Request
from bot.errors import Unavailable
from bot.store import Store
from bot.store.sqlite import ENOUGH, Sqlite
from tests.factories import NO_LIMIT, NOW, another
from tests.store.taking import approve


async def test_every_commit_is_on_the_disk(path: Path) -> None:
    """WAL, and a sync at every commit: what a person was told survives a power cut."""
    database = await Sqlite.open(path, lambda: NOW)

    def settings(connection: sa.Connection) -> tuple[object, ...]:
        names = ("journal_mode", "synchronous")
        return tuple(connection.exec_driver_sql(f"PRAGMA {name}").scalar() for name in names)

    assert await database.write(settings) == await database.read(settings) == ("wal", 2)
    await database.close()


@pytest.mark.parametrize("length", [1, 400, 1100, 1400])
@pytest.mark.parametrize(("items", "bytes_a_vote"), [(1, 16_000), (2, 20_000)])
async def test_a_vote_does_not_write_its_neighbours_again(
    path: Path, length: int, items: int, bytes_a_vote: int
) -> None:
    """Requests of any length, which fill their pages in any way: some that lie apart get a vote
    each, in one commit, and for each of them little is written."""
    numbers, log = range(1, 241), path.with_name(f"{path.name}-wal")
    store = await Store.open(f"sqlite:///{path}", lambda: NOW)

    async def added(number: int) -> Request:
        asked = another(number, items, reason="b" * length)
        return await store.requests.add(asked, most=NO_LIMIT)

    requests = await asyncio.gather(*map(added, numbers))
    await store.close()
    store = await Store.open(f"sqlite:///{path}", lambda: NOW)
    before, voted = size(log), requests[::8]
    await asyncio.gather(*(store.requests.take(each.id, approve()) for each in voted))
    assert size(log) - before < bytes_a_vote * len(voted)
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


async def test_closing_the_store_waits_for_the_copy_of_the_log(path: Path) -> None:
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


async def test_when_sqlite_gives_up_a_transaction_no_caller_is_told_that_theirs_is_stored(
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


async def test_a_caller_after_the_end_is_told(tmp_path: Path) -> None:
    """And does not wait for ever."""
    database = await Sqlite.open(tmp_path / "closed.db", lambda: NOW)
    await database.close()
    for use in (database.read, database.write):
        with pytest.raises(RuntimeError):
            await asyncio.wait_for(use(database.now), 2)
