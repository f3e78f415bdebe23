"""How many requests of one person wait: never more than may, whoever adds them, and how."""

import asyncio
from contextlib import AsyncExitStack
from dataclasses import replace
from functools import partial

import pytest
import sqlalchemy as sa

from bot.domain import bundle as steps
from bot.domain import lifecycle
from bot.domain.bundle import Bundle
from bot.domain.policy import Person
from bot.domain.upgrade import UpgradeRequest
from bot.errors import Reason, Refused
from bot.store import Store, rows, waiting
from bot.store.postgres import Postgres
from tests.domain.test_several_at_once import row
from tests.domain.test_the_states import ALICE, CAROL, NOW
from tests.postgres import PostgresServer
from tests.requests import NO_LIMIT

BOB = Person("T1", "BOB")
SAME_ID_ELSEWHERE = Person("T2", ALICE.user_id)


async def ask(store: Store, id: str, most: int, who: Person = ALICE) -> UpgradeRequest:
    """One request more."""
    return await store.add(lifecycle.ask(replace(row(id), requester=who)), most=most)


async def ask_for_several(store: Store, id: str, number: int, most: int) -> Bundle:
    """One bundle more, with so many rows."""
    wanted = tuple(replace(row(f"{id}-{n}"), bundle_id=f"bundle/{id}") for n in range(number))
    empty = Bundle(f"bundle/{id}", 0, ALICE, "C", "Because.", "", (), 0, NOW, NOW)
    return await store.bundles.add(steps.ask(empty, wanted), most=most)


async def has_room(store: Store, most: int, who: Person = ALICE) -> bool:
    """Whether one more of theirs may wait, where that many may."""

    try:
        await store._database.read(lambda c: waiting.require_room(c, who, most))
    except Refused as refused:
        return refused.reason is not Reason.TOO_MANY_OPEN
    return True


async def test_of_a_hundred_at_once_twenty_wait(store: Store) -> None:
    """Requests and bundles, each of which could be the twentieth."""
    submitter = [ask(store, f"r{n}", 20) for n in range(90)]
    bundles = [ask_for_several(store, f"b{n}", 3, 20) for n in range(10)]
    ends = await asyncio.gather(*submitter[:45], *bundles, *submitter[45:], return_exceptions=True)
    refused = [end for end in ends if isinstance(end, Refused)]
    assert {each.reason for each in refused} == {Reason.TOO_MANY_OPEN}
    assert len(ends) - len(refused) == 20


async def test_a_bundle_is_one_for_as_long_as_a_row_is_open(store: Store) -> None:
    """However many rows it has, and however many other requests are newer."""
    for number in range(2):
        await ask_for_several(store, f"b{number}", 50, NO_LIMIT)
    await ask(store, "r", NO_LIMIT)
    assert await has_room(store, 4)
    assert not await has_room(store, 3)
    for number in range(49):
        await store.take(
            f"b0-{number}", lambda newest, now: lifecycle.decline(newest, CAROL, now, 1, "No.")
        )
    assert not await has_room(store, 3)
    await store.take("b0-49", lambda newest, now: lifecycle.decline(newest, CAROL, now, 1, "No."))
    assert await has_room(store, 3)
    await store.take("r", lambda newest, now: lifecycle.withdraw(newest, ALICE, now))
    assert await has_room(store, 2)
    assert not await has_room(store, 1)


async def test_what_is_there_already_is_no_more(store: Store) -> None:
    """A form that comes again when nothing has room any more has its request all the same."""
    request = await ask(store, "r", 2)
    bundle = await ask_for_several(store, "b", 3, 2)
    assert await ask(store, "r", 2) == request
    assert await ask_for_several(store, "b", 3, 2) == bundle
    with pytest.raises(Refused):
        await ask(store, "another", 2)
    assert len(await store.history("r")) == len(await store.bundles.history("bundle/b")) == 1


async def test_everybody_has_room_of_their_own(store: Store) -> None:
    """Also somebody who has the same id in another workspace."""
    await ask(store, "r", 1)
    assert not await has_room(store, 1)
    for who in (BOB, SAME_ID_ELSEWHERE):
        assert await has_room(store, 1, who)
    await ask(store, "r2", 1, BOB)


async def test_whoever_counts_has_a_turn_without_which_two_would_find_room(
    postgres: PostgresServer,
) -> None:
    """In PostgreSQL, where two that count at the same time do not see each other's."""
    database = await Postgres.open(await postgres.new_database(), lambda: NOW)

    def ask_without_a_turn(id: str, connection: sa.Connection) -> None:
        waiting.require_room(connection, ALICE, 1)
        rows.add(connection, *lifecycle.ask(row(id)))

    def take_turn(connection: sa.Connection) -> None:
        waiting.take_turn(connection, ALICE)

    async with AsyncExitStack() as first, AsyncExitStack() as second:
        one = await first.enter_async_context(database._transaction())
        another = await second.enter_async_context(database._transaction())
        await one.run_sync(partial(ask_without_a_turn, "r1"))
        await another.run_sync(partial(ask_without_a_turn, "r2"))
        await one.run_sync(take_turn)
        turn = asyncio.create_task(another.run_sync(take_turn))
        await asyncio.wait({turn}, timeout=0.2)
        assert not turn.done()
        await first.aclose()
        await turn
    await database.close()


async def test_what_waits_is_found_by_its_index(store: Store) -> None:
    """However much somebody has asked for in the past."""
    if store.is_shared:
        explain = "EXPLAIN "
        prepare = "SET LOCAL enable_seqscan = off"
    else:
        explain, prepare = "EXPLAIN QUERY PLAN ", "SELECT 1"

    def plan(connection: sa.Connection) -> str:
        connection.exec_driver_sql(prepare)
        key = {"team_id": ALICE.team_id, "user_id": ALICE.user_id}
        compiled = waiting._COUNT.params(**key).compile(
            connection, compile_kwargs={"literal_binds": True}
        )
        return str(connection.exec_driver_sql(explain + str(compiled)).all())

    assert "requests_open_by_requester" in await store._database.read(plan)
