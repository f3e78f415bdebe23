"""How many requests of one person wait: never more than may, by every bot and every way."""

import asyncio
from contextlib import AsyncExitStack
from functools import partial

import pytest
import sqlalchemy as sa

from bot.domain import lifecycle
from bot.domain.policy import Person
from bot.domain.refusals import TooMany
from bot.domain.request import Request
from bot.errors import Reason, Refused
from bot.store import Store, requests, rows
from bot.store.postgres import Postgres
from tests.factories import ALICE, BOB, CAROL, NO_LIMIT, NOW, another, item_id
from tests.postgres import PostgresServer
from tests.store.taking import decline, moved, withdraw

SAME_ID_ELSEWHERE = Person("T2", ALICE.user_id)


async def ask(store: Store, number: int, most: int, items: int = 1, who: Person = ALICE) -> Request:
    """One request more."""
    asked = another(number, items, requester=who, workspace=who.team_id)
    return await store.requests.add(asked, most=most)


async def has_room(store: Store, most: int, who: Person = ALICE) -> bool:
    """Whether one more of theirs may wait, where that many may."""
    try:
        await store._database.read(lambda c: requests.require_room(c, who, most))
    except TooMany as refused:
        return (refused.reason, refused.most) != (Reason.TOO_MANY_OPEN, most)
    return True


async def test_of_a_hundred_at_once_twenty_wait(store: Store) -> None:
    """Requests of one item and of several, each of which could be the twentieth."""
    asking = (ask(store, n, 20, items=3 if n % 10 == 0 else 1) for n in range(1, 101))
    ends = await asyncio.gather(*asking, return_exceptions=True)
    refused = [end for end in ends if isinstance(end, Refused)]
    assert {each.reason for each in refused} == {Reason.TOO_MANY_OPEN}
    assert len(ends) - len(refused) == 20


@pytest.mark.parametrize("items", [1, 2, 50])
async def test_a_request_waits_for_as_long_as_an_item_is_open(store: Store, items: int) -> None:
    """However many items it has, and however many other requests are newer."""
    one, other = [await ask(store, number, NO_LIMIT, items) for number in (1, 2)]
    last = await ask(store, 3, NO_LIMIT)
    assert await has_room(store, 4)
    assert not await has_room(store, 3)
    if items > 1:
        await store.requests.take(one.id, decline(*one.item_ids[1:]))
    assert not await has_room(store, 3)
    step = moved(one.id, lambda item, now: lifecycle.decline(item, CAROL, now, "No."))
    await store.requests.take(one.id, step)
    assert await has_room(store, 3)
    await store.requests.take(last.id, withdraw())
    assert await has_room(store, 2)
    assert not await has_room(store, 1)
    assert (await store.requests.get(other.id)).revision == 1


@pytest.mark.parametrize("items", [1, 2])
async def test_what_is_there_already_is_no_more(store: Store, items: int) -> None:
    """A form that comes again when nothing has room any more has its request all the same."""
    request = await ask(store, 1, 1, items)
    assert await ask(store, 1, 1, items) == request
    with pytest.raises(Refused):
        await ask(store, 2, 1, items)
    with pytest.raises(Refused):
        await store.requests.get(item_id(200))
    assert len(await store.requests.history(request.id)) == 1


async def test_each_person_has_room_of_their_own(store: Store) -> None:
    """Also one who has the same id in another workspace."""
    await ask(store, 1, 1)
    assert not await has_room(store, 1)
    for number, who in enumerate((BOB, SAME_ID_ELSEWHERE), 2):
        assert await has_room(store, 1, who)
        await ask(store, number, 1, who=who)
        assert not await has_room(store, 1, who)


async def test_each_that_counts_has_a_turn_without_which_two_would_find_room(
    postgres: PostgresServer,
) -> None:
    """In PostgreSQL, where two that count at the same time do not see each other's."""
    database = await Postgres.open(await postgres.new_database(), lambda: NOW)

    def ask_without_a_turn(number: int, connection: sa.Connection) -> None:
        requests.require_room(connection, ALICE, 1)
        rows.add(connection, another(number))

    def take_turn(connection: sa.Connection) -> None:
        requests._take_turn(connection, ALICE)

    async with AsyncExitStack() as first, AsyncExitStack() as second:
        one = await first.enter_async_context(database._transaction())
        two = await second.enter_async_context(database._transaction())
        await one.run_sync(partial(ask_without_a_turn, 1))
        await two.run_sync(partial(ask_without_a_turn, 2))
        await one.run_sync(take_turn)
        turn = asyncio.create_task(two.run_sync(take_turn))
        await asyncio.wait({turn}, timeout=0.2)
        assert not turn.done()
        await first.aclose()
        await turn
    await database.close()


async def test_what_waits_is_found_by_its_index(store: Store) -> None:
    """However much a person has asked for in the past."""
    if store.is_shared:
        explain, prepare = "EXPLAIN ", "SET LOCAL enable_seqscan = off"
    else:
        explain, prepare = "EXPLAIN QUERY PLAN ", "SELECT 1"

    def plan(connection: sa.Connection) -> str:
        connection.exec_driver_sql(prepare)
        key = {"team_id": ALICE.team_id, "user_id": ALICE.user_id}
        compiled = requests.COUNT_OPEN.params(**key).compile(
            connection, compile_kwargs={"literal_binds": True}
        )
        return str(connection.exec_driver_sql(explain + str(compiled)).all())

    assert "items_open_by_requester" in await store._database.read(plan)
