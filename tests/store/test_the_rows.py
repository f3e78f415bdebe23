"""Steps are compare-and-set, history only grows, and migrations make the tables of the code."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext

from bot.domain import story
from bot.domain.policy import Person
from bot.domain.upgrade import State, Step, UpgradeRequest
from bot.errors import Reason, Refused
from bot.store import Shown, Store
from bot.store.tables import metadata
from tests.domain.test_the_states import CAROL, NOW, request_in


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where the database is."""
    return tmp_path / "new folder" / "upgrade-bot.db"


@pytest.fixture
async def store(path: Path) -> AsyncIterator[Store]:
    """An empty database."""
    store = await Store.open(f"sqlite:///{path}", lambda: NOW)
    yield store
    await store.close()


async def added(store: Store, approvals: int = 1) -> UpgradeRequest:
    """A new request in the store."""
    request = replace(request_in(State.AWAITING_APPROVAL), confirmed_at=None, sent_at=None)
    request = replace(request, policy=replace(request.policy, approvals=approvals))
    return await store.add(story.ask(request))


async def test_what_is_stored_is_read_again(store: Store) -> None:
    """All of it, votes and times included."""
    request = await added(store)
    after = await store.take(request.id, lambda r, now: story.approve(r, CAROL, now, 1))
    assert await store.request(request.id) == after
    assert [event.step for _, event in await store.history(request.id)] == [Step.ASK, Step.APPROVE]
    assert [version for version, _ in await store.history(request.id, after=1)] == [2]


async def test_of_fifty_steps_at_once_each_sees_the_one_before(store: Store) -> None:
    """No vote is lost and none is counted twice."""
    request = await added(store, approvals=50)

    async def vote(number: int) -> None:
        who = Person("T1", f"U{number}")
        await store.take(request.id, lambda r, now: story.approve(r, who, now, 1))

    await asyncio.gather(*(vote(number) for number in range(50)))
    after = await store.request(request.id)
    assert after.state is State.APPROVED
    assert after.version == 51
    assert len({approval.by for approval in after.approvals}) == 50


async def test_a_refused_step_leaves_no_trace(store: Store) -> None:
    """The transaction ends as if nothing had been tried."""
    request = await added(store)
    with pytest.raises(Refused):
        await store.take(request.id, lambda r, now: story.claim(r, CAROL, now, 1, 0))
    assert await store.request(request.id) == request
    assert len(await store.history(request.id)) == 1


async def test_an_unknown_request_is_refused(store: Store) -> None:
    """By its reason, not by an error of the database."""
    with pytest.raises(Refused) as refused:
        await store.request("nobody")
    assert refused.value.reason is Reason.UNKNOWN_REQUEST


async def test_history_can_only_grow(store: Store, path: Path) -> None:
    """The database itself refuses to change or to forget a line."""
    await added(store)
    connection = sqlite3.connect(path)
    for statement in ("UPDATE history SET step = 'x'", "DELETE FROM history"):
        with pytest.raises(sqlite3.IntegrityError, match="history can only grow"):
            connection.execute(statement)
    connection.close()


async def test_every_commit_is_on_the_disk(store: Store) -> None:
    """WAL, and a sync at every commit: what was told to somebody survives a power cut."""
    async with store._engine.connect() as connection:
        journal = (await connection.exec_driver_sql("PRAGMA journal_mode")).scalar()
        sync = (await connection.exec_driver_sql("PRAGMA synchronous")).scalar()
    assert (journal, sync) == ("wal", 2)


async def test_what_is_not_shown_yet_is_known(store: Store) -> None:
    """Card and thread both have to be up to date."""
    request = await added(store)
    assert await store.unshown() == [request.id]
    await store.record_shown(request.id, Shown("C", "1.1", card_version=1, told_version=0))
    assert await store.unshown() == [request.id]
    await store.record_shown(request.id, Shown("C", "1.1", card_version=1, told_version=1))
    assert await store.unshown() == []
    await store.take(request.id, lambda r, now: story.approve(r, CAROL, now, 1))
    assert await store.unshown() == [request.id]


def test_the_migrations_make_the_tables_of_the_code(path: Path) -> None:
    """A column that was forgotten in a migration is found here."""

    async def make() -> None:
        await (await Store.open(f"sqlite:///{path}", lambda: NOW)).close()

    asyncio.run(make())
    engine = sa.create_engine(f"sqlite:///{path}")
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, metadata) == []
    engine.dispose()


async def test_opening_it_again_changes_nothing(store: Store, path: Path) -> None:
    """A restart finds everything."""
    request = await added(store)
    again = await Store.open(f"sqlite:///{path}", lambda: NOW)
    assert await again.request(request.id) == request
    await again.close()
