"""A bundle and its rows are changed together or not at all, whoever else changes them."""

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy.exc import IntegrityError

from bot.domain import bundle as steps
from bot.domain import lifecycle
from bot.domain.bundle import Bundle
from bot.domain.policy import Person
from bot.domain.upgrade import State
from bot.errors import Reason, Refused
from bot.store import Store
from tests.domain.test_several_at_once import row
from tests.domain.test_the_states import ALICE, CAROL, NOW
from tests.requests import NO_LIMIT

ID = "bundle/b"


async def added(store: Store, number: int = 3, approvals: int = 1) -> Bundle:
    """A bundle in the store."""
    rows = tuple(replace(row(f"r{n}"), bundle_id=ID) for n in range(number))
    rows = tuple(replace(each, policy=replace(each.policy, approvals=approvals)) for each in rows)
    empty = Bundle(ID, 0, ALICE, "C", "Because.", "", (), 0, NOW, NOW)
    return await store.bundles.add(steps.ask(empty, rows), most=NO_LIMIT)


async def approve(store: Store, who: Person, delivery: str = "") -> Bundle:
    """Somebody approves all rows."""
    after, _ = await store.bundles.take(
        ID,
        lambda newest, now: steps.approve(newest, who, now, newest.card_ref.round, lambda _: None),
        delivery=delivery,
    )
    return after


async def test_what_is_stored_is_read_again_with_its_rows(store: Store) -> None:
    """In their order; the rows are shown and attended to by the bundle alone."""
    bundle = await added(store)
    assert await store.bundles.bundle(ID) == bundle
    assert [each.id for each in bundle.rows] == ["r0", "r1", "r2"]
    after = await approve(store, CAROL)
    assert await store.bundles.bundle(ID) == after
    assert {each.state for each in after.rows} == {State.APPROVED}
    assert await store.unshown() == [ID]
    assert await store.due() == []


async def test_one_row_that_cannot_be_stored_stores_none(store: Store) -> None:
    """And no bundle."""
    await store.add(lifecycle.ask(row("r1")), most=NO_LIMIT)
    with pytest.raises(IntegrityError):
        await added(store)  # one of its rows is there already, and the bundle is not
    for read in (store.request("r0"), store.bundles.bundle(ID)):
        with pytest.raises(Refused):
            await read


async def test_of_two_rows_in_flight_for_one_subscription_the_second_is_refused(
    store: Store,
) -> None:
    """With everything else that the step would have done."""
    await added(store)
    await approve(store, CAROL)
    other = replace(row("other"), subscription=row("r0").subscription)
    other, _ = lifecycle.approve(lifecycle.ask(other)[0], CAROL, NOW, 1)
    await store.add(lifecycle.claim(other, ALICE, NOW, 1, 0), most=NO_LIMIT)
    before, _ = await store.bundles.take(
        ID, lambda newest, now: steps.confirm(newest, ALICE, now, 3, 0, lambda _: None)
    )
    with pytest.raises(Refused) as refused:
        await store.bundles.take(ID, steps.begin)
    assert refused.value.reason is Reason.SUBSCRIPTION_BUSY
    assert await store.bundles.bundle(ID) == before


async def test_steps_of_people_and_of_rows_at_once_are_all_kept(store: Store) -> None:
    """Nobody waits for ever, no step is lost, and the history has no gap."""
    await added(store, number=8, approvals=20)

    async def by_itself(number: int) -> None:
        who = Person("T1", f"ROW{number}")
        await store.take(f"r{number % 8}", lambda r, now: lifecycle.approve(r, who, now, 1))

    async def by_all(number: int) -> None:
        await approve(store, Person("T1", f"ALL{number}"))

    await asyncio.gather(*(by_itself(n) for n in range(24)), *(by_all(n) for n in range(8)))
    after = await store.bundles.bundle(ID)
    assert [len(each.approvals) for each in after.rows] == [11] * 8
    versions = [version for version, _ in await store.bundles.history(ID)]
    assert versions == list(range(1, 1 + 24 + 8 + 1)) == list(range(1, after.version + 1))


async def test_a_delivery_decides_once(store: Store) -> None:
    """Whatever it would do the second time."""
    await added(store, approvals=2)
    await approve(store, CAROL, delivery="d")
    with pytest.raises(Refused) as refused:
        await approve(store, Person("T1", "DAVE"), delivery="d")
    assert refused.value.reason is Reason.DELIVERED_AGAIN
    assert [len(each.approvals) for each in (await store.bundles.bundle(ID)).rows] == [1, 1, 1]


async def test_people_are_forgotten_with_the_last_row(store: Store) -> None:
    """What is settled long ago names nobody any more, neither in the bundle nor in its history."""
    await added(store)
    await approve(store, CAROL)
    later = NOW + timedelta(days=1)
    await store.trail.forget(later)
    assert (await store.bundles.bundle(ID)).requester == ALICE  # it is not settled
    after, _ = await store.bundles.take(ID, lambda newest, now: steps.withdraw(newest, ALICE, now))
    assert after.is_settled
    await store.trail.forget(later)
    query = "SELECT body FROM bundles UNION ALL SELECT body FROM bundle_history"
    query += " UNION ALL SELECT body FROM requests"
    left = await store._database.read(lambda c: c.exec_driver_sql(query).scalars().all())
    assert len(left) == 4
    assert not [body for body in left if "ALICE" in body or "CAROL" in body]
    assert (await store.trail.verify()).broken == []
