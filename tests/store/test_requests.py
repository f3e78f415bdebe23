"""A step of a request is one transaction: it sees all that was there before, and is whole or not at
all."""

import asyncio
from dataclasses import replace

import pytest
import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError

from bot.domain import lifecycle, steps
from bot.domain.item import State, Step
from bot.domain.policy import Confirm, Person
from bot.domain.refusals import RefusedStep
from bot.domain.request import MOST_ITEMS, Request, RequestStep
from bot.errors import Reason, Refused
from bot.store import PostedCard, Store
from bot.store.postgres import Postgres
from tests.factories import (
    ALICE,
    BOB,
    CAROL,
    NO_LIMIT,
    NOW,
    POLICY,
    another,
    came_back,
    item_id,
)
from tests.postgres import PostgresServer
from tests.store.taking import approve, confirm, decline, moved, withdraw

of_one_and_of_two = pytest.mark.parametrize("items", [1, 2])


async def added(store: Store, items: int = 1, number: int = 1, approvals: int = 1) -> Request:
    """A new request in the store."""
    asked = another(number, items, policy=replace(POLICY, approvals=approvals))
    return await store.requests.add(asked, most=NO_LIMIT)


@of_one_and_of_two
async def test_what_is_stored_is_read_again(store: Store, items: int) -> None:
    """All of it, with votes and times, and the items in their order."""
    request = await added(store, items)
    assert await store.requests.get(request.id) == request
    assert request.item_ids == tuple(item_id(100 + n) for n in range(items))
    taken = await store.requests.take(request.id, approve())
    assert taken.request != request
    assert {item.state for item in taken.request.items} == {State.APPROVED}
    assert await store.requests.get(request.id) == taken.request
    for each in request.item_ids:
        assert await store.requests.of_item(each) == taken.request
        events = await store.requests.item_history(each)
        assert [event.step for event in events] == [Step.ASK, Step.APPROVE]


@of_one_and_of_two
async def test_what_happened_in_one_transaction_is_one_turn(store: Store, items: int) -> None:
    """The steps of the items in their order, and with them the line of the request's own history
    where there is one."""
    request = await added(store, items)
    await store.requests.take(request.id, approve())
    await store.requests.take(request.id, confirm())
    await store.requests.take(request.id, steps.claim_next)
    turns = await store.requests.history(request.id)
    first = request.item_ids[0]
    assert [
        ([(of, event.step) for of, event in turn.items], turn.event and turn.event.step)
        for turn in turns
    ] == [
        ([(each, Step.ASK) for each in request.item_ids], RequestStep.ASK),
        ([(each, Step.APPROVE) for each in request.item_ids], None),
        ([], RequestStep.CONFIRM),
        ([(first, Step.CLAIM)], None),
    ]
    assert [turn.revision for turn in turns] == [1, 2, 3, 4]
    assert (await store.requests.get(request.id)).revision == 4
    assert await store.requests.history(request.id, after=2) == turns[2:]
    assert turns[2].event
    assert (turns[2].event.by, turns[2].event.items) == (ALICE, request.item_ids)


@of_one_and_of_two
async def test_the_last_yes_confirms_in_the_same_turn(store: Store, items: int) -> None:
    """Where the policy wants no further click."""
    policy = replace(POLICY, confirm=Confirm.NOBODY)
    request = await store.requests.add(another(1, items, policy=policy), most=NO_LIMIT)
    after = (await store.requests.take(request.id, approve())).request
    (_, turn) = await store.requests.history(request.id)
    assert turn.event
    assert (turn.event.step, turn.event.by) == (RequestStep.CONFIRM, CAROL)
    assert [event.step for _, event in turn.items] == [Step.APPROVE] * items
    assert (after.version, after.revision, turn.revision) == (2, 2, 2)
    assert await store.requests.get(request.id) == after


@of_one_and_of_two
async def test_a_snapshot_has_all_that_showing_needs(store: Store, items: int) -> None:
    """The request, what Slack shows of it, the turns since, and the database's time."""
    request = await added(store, items)
    snapshot = await store.requests.snapshot(request.id)
    assert (snapshot.request, snapshot.posted, snapshot.now) == (request, None, NOW)
    assert snapshot.turns == await store.requests.history(request.id)

    posted = PostedCard("C", "1.1", 1, 0, "", "https://s/1")
    await store.cards.record(request.id, None, posted)
    after = (await store.requests.take(request.id, approve())).request
    snapshot = await store.requests.snapshot(request.id)
    assert (snapshot.request, snapshot.posted) == (after, posted)
    assert [turn.revision for turn in snapshot.turns] == [1, 2], "the thread has told none"

    told = posted._replace(told_revision=1)
    await store.cards.record(request.id, posted, told)
    assert [t.revision for t in (await store.requests.snapshot(request.id)).turns] == [2]
    await store.cards.record(request.id, told, told._replace(card_revision=2, told_revision=2))
    assert (await store.requests.snapshot(request.id)).turns == ()


@of_one_and_of_two
async def test_of_fifty_steps_at_once_each_sees_the_one_before(store: Store, items: int) -> None:
    """No vote is lost and none is counted twice."""
    request = await added(store, items, approvals=50)
    voters = [Person("T1", f"U{number}") for number in range(50)]
    await asyncio.gather(*(store.requests.take(request.id, approve(who)) for who in voters))
    after = await store.requests.get(request.id)
    assert (after.version, after.revision) == (1, 51)
    for item in after.items:
        assert item.state is State.APPROVED
        assert item.version == 51
        assert len({approval.by for approval in item.votes.approvals}) == 50


async def test_steps_of_people_and_of_items_at_once_are_all_kept(store: Store) -> None:
    """Everyone's step comes to its end, none is lost, and the revisions have no gap."""
    request = await added(store, items=8, approvals=20)

    async def by_itself(number: int) -> None:
        who = Person("T1", f"ITEM{number}")
        one = request.item_ids[number % 8]
        step = moved(one, lambda item, now: lifecycle.approve(item, who, now))
        await store.requests.take(request.id, step)

    async def by_all(number: int) -> None:
        await store.requests.take(request.id, approve(Person("T1", f"ALL{number}")))

    await asyncio.gather(*(by_itself(n) for n in range(24)), *(by_all(n) for n in range(8)))
    after = await store.requests.get(request.id)
    assert [len(item.votes.approvals) for item in after.items] == [11] * 8
    revisions = [turn.revision for turn in await store.requests.history(request.id)]
    assert revisions == list(range(1, 1 + 24 + 8 + 1)) == list(range(1, after.revision + 1))
    assert (await store.trail.verify()).broken == []


@of_one_and_of_two
async def test_a_refused_step_leaves_no_trace(store: Store, items: int) -> None:
    """The transaction ends as if nothing had been tried."""
    request = await added(store, items)
    with pytest.raises(Refused):
        await store.requests.take(request.id, confirm())
    assert await store.requests.get(request.id) == request
    assert len(await store.requests.history(request.id)) == 1


async def test_an_unknown_request_is_refused(store: Store) -> None:
    """By its reason, not by an error of the database."""
    requests = store.requests
    reads = (requests.get, requests.snapshot, requests.of_item, requests.history)
    for read in (*reads, lambda id: requests.take(id, approve())):
        with pytest.raises(Refused) as refused:
            await read("unknown")
        assert refused.value.reason is Reason.UNKNOWN_REQUEST


@pytest.mark.parametrize("table", ["item_history", "request_history"])
@pytest.mark.parametrize("statement", ["UPDATE {} SET step = 'x'", "DELETE FROM {}"])
async def test_history_can_only_grow(store: Store, statement: str, table: str) -> None:
    """The database itself refuses to change or to forget a line."""
    request = await added(store)
    text = statement.format(table)
    with pytest.raises(sa.exc.DBAPIError, match="history can only grow"):
        await store._database.write(lambda connection: connection.exec_driver_sql(text))
    assert len(await store.requests.history(request.id)) == 1


@of_one_and_of_two
async def test_of_many_writes_at_once_one_that_fails_harms_no_other(
    store: Store, items: int
) -> None:
    """They may be committed together, but each is whole or not at all."""
    request = await added(store, items, approvals=50)

    async def vote(number: int) -> None:
        who = request.requester if number % 3 == 0 else Person("T1", f"U{number}")
        await store.requests.take(request.id, approve(who))

    ends = await asyncio.gather(*(vote(number) for number in range(30)), return_exceptions=True)
    assert [isinstance(end, Refused) for end in ends] == [n % 3 == 0 for n in range(30)]
    after = await store.requests.get(request.id)
    assert [len(item.votes.approvals) for item in after.items] == [20] * items
    assert len(await store.requests.history(request.id)) == 21


@of_one_and_of_two
async def test_a_write_goes_on_when_its_caller_is_gone(store: Store, url: str, items: int) -> None:
    """The person who clicked may have left; what has begun is whole."""
    request = await added(store, items)
    waiting = asyncio.create_task(store.requests.take(request.id, approve()))
    await asyncio.sleep(0)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    await store.close()  # which waits for it
    again = await Store.open(url, lambda: NOW)
    turns = await again.requests.history(request.id)
    assert [(turn.revision, len(turn.items)) for turn in turns] == [(1, items), (2, items)]
    await again.close()


@of_one_and_of_two
async def test_opening_it_again_changes_nothing(store: Store, url: str, items: int) -> None:
    """A restart finds everything."""
    request = await added(store, items)
    again = await Store.open(url, lambda: NOW)
    assert await again.requests.get(request.id) == request
    await again.close()


async def test_a_request_of_fifty_items_is_one_transaction(store: Store) -> None:
    """As many as there may be."""
    request = await added(store, items=MOST_ITEMS)
    await store.requests.take(request.id, approve())
    after = (await store.requests.take(request.id, confirm())).request
    assert [each.item_id for each in after.run.items] == list(after.item_ids)  # type: ignore[union-attr]
    assert await store.requests.get(request.id) == after
    assert (await store.trail.verify()).broken == []


async def test_one_item_that_cannot_be_stored_stores_none(store: Store) -> None:
    """And no request: one of its items is there already, and the request is not."""
    there = await added(store)
    both = another(2, items=2)
    first, event = both.items[0]
    same = (replace(first, id=there.items[0].id), event)
    ids = (both.items[1][0].id, there.items[0].id)
    with pytest.raises(IntegrityError):
        await store.requests.add(
            replace(
                both,
                request=replace(both.request, item_ids=ids),
                items=(both.items[1], same),
            ),
            most=NO_LIMIT,
        )
    for read in (store.requests.get(both.request.id), store.requests.of_item(ids[0])):
        with pytest.raises(Refused):
            await read
    assert await store.requests.get(there.id) == there


@of_one_and_of_two
async def test_a_request_that_is_there_is_not_stored_twice(store: Store, items: int) -> None:
    """The form was delivered again; the request is as it is by now."""
    request = await added(store, items)
    after = (await store.requests.take(request.id, approve())).request
    assert await store.requests.add(another(1, items), most=NO_LIMIT) == after
    assert len(await store.requests.history(request.id)) == 2


async def test_one_whose_items_are_there_under_another_id_is_not_stored_twice(
    store: Store,
) -> None:
    """The preview of a table is pressed again, after an update that names its request otherwise."""
    asked = another(1, 2)
    first = await store.requests.add(asked, most=NO_LIMIT)
    renamed = replace(asked, request=replace(asked.request, id=item_id(7)))
    assert await store.requests.add(renamed, most=NO_LIMIT) == first


@of_one_and_of_two
async def test_a_delivery_asks_once(store: Store, items: int) -> None:
    """Of two requests that one delivery asks for, the second is refused."""
    await store.requests.add(another(1, items), "d", most=NO_LIMIT)
    with pytest.raises(Refused) as refused:
        await store.requests.add(another(2, items), "d", most=NO_LIMIT)
    assert refused.value.reason is Reason.DELIVERED_AGAIN
    with pytest.raises(Refused):
        await store.requests.get(item_id(200))


@of_one_and_of_two
async def test_a_delivery_decides_once(store: Store, items: int) -> None:
    """Also where a second step would be possible."""
    request = await added(store, items, approvals=2)
    await store.requests.take(request.id, approve(), delivery="d")
    with pytest.raises(Refused) as refused:
        await store.requests.take(request.id, approve(BOB), delivery="d")
    assert refused.value.reason is Reason.DELIVERED_AGAIN
    after = await store.requests.get(request.id)
    assert [len(item.votes.approvals) for item in after.items] == [1] * items


@of_one_and_of_two
async def test_of_two_items_in_flight_for_one_subscription_the_second_is_refused(
    store: Store, items: int
) -> None:
    """The refusal has the item as it is, and nothing else of the step is done."""
    one = await added(store, items)
    asked = another(2, items)
    (item, event), *others = asked.items
    busy = replace(item, subscription=one.items[0].subscription)
    asked = replace(asked, items=((busy, event), *others))
    other = await store.requests.add(asked, most=NO_LIMIT)
    for each in (one, other):
        await store.requests.take(each.id, approve())
        await store.requests.take(each.id, confirm())
    await store.requests.take(one.id, steps.claim_next)
    before = await store.requests.get(other.id)
    with pytest.raises(RefusedStep) as refused:
        await store.requests.take(other.id, steps.claim_next)
    assert refused.value.reason is Reason.SUBSCRIPTION_BUSY
    assert refused.value.item == before.items[0]
    assert await store.requests.get(other.id) == before
    await store.requests.take(one.id, moved(one.item_ids[0], came_back))
    after = (await store.requests.take(other.id, steps.claim_next)).request
    assert after.items[0].state is State.PERFORMING


async def test_only_the_items_that_took_a_step_are_written(store: Store) -> None:
    """The history of the others has no line of it."""
    request = await added(store, items=3)
    one = request.item_ids[1]
    after = (await store.requests.take(request.id, decline(one))).request
    assert [item.version for item in after.items] == [1, 2, 1]
    for each in request.item_ids:
        assert len(await store.requests.item_history(each)) == (2 if each == one else 1)


async def test_a_request_that_is_changed_is_locked_first(postgres: PostgresServer) -> None:
    """A step waits for the lock before it has read or written anything of the request; a step of
    another request does not wait."""
    url = await postgres.new_database()
    store = await Store.open(url, lambda: NOW)
    locked = await added(store, items=2)
    free = await added(store, items=2, number=2)
    other = await Postgres.open(url, lambda: NOW)
    async with other._transaction() as connection:
        query = "SELECT 1 FROM requests WHERE id = %r FOR UPDATE"
        await connection.exec_driver_sql(query % locked.id)
        one = moved(locked.item_ids[0], lambda item, now: lifecycle.approve(item, CAROL, now))
        waiting = {
            asyncio.create_task(store.requests.take(locked.id, one)),
            asyncio.create_task(store.requests.take(locked.id, withdraw())),
        }
        await asyncio.wait_for(store.requests.take(free.id, approve()), 5)
        _, still_waiting = await asyncio.wait(waiting, timeout=0.2)
        assert still_waiting == waiting
        free_items = "SELECT id FROM items WHERE request_id = %r FOR UPDATE NOWAIT"
        found = await connection.exec_driver_sql(free_items % locked.id)
        assert len(found.all()) == 2, "they have locked no item"
    await asyncio.wait(waiting, timeout=5)
    after = await store.requests.get(locked.id)
    assert {item.state for item in after.items} == {State.WITHDRAWN}
    ends = [task.exception() for task in waiting]
    assert [type(end) for end in ends if end] in ([], [RefusedStep])
    await other.close()
    await store.close()


async def test_the_time_of_a_step_is_that_of_the_store(store: Store) -> None:
    """It stamps the step, and what was changed last."""
    request = await added(store)
    after = (await store.requests.take(request.id, approve())).request
    assert after.changed_at == after.items[0].votes.approvals[0].at == NOW
    assert await store.now() == NOW
