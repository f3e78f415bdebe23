"""A request has a sealed history of its own beside those of its items, and all of it is proved."""

# ruff: noqa: S608 - the statements are put together of what stands here

import asyncio
import json
import sqlite3
from contextlib import closing
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

from bot.domain import lifecycle, steps
from bot.domain.item import State
from bot.domain.request import Request, RequestStep
from bot.store import JOURNAL, PostedCard, Store, Tie
from bot.store.trail import Broken, Line
from tests.factories import ALICE, CAROL, DAY, NO_LIMIT, NOW, another, came_back
from tests.store.taking import (
    approve,
    confirm,
    decline,
    follow_up,
    moved,
    perform_next,
    withdraw,
)

of_one_and_of_two = pytest.mark.parametrize("items", [1, 2])

LATER = DAY + timedelta(hours=1)


async def confirmed(store: Store, items: int, number: int = 1) -> Request:
    """A request in the store that was approved and confirmed."""
    request = await store.requests.add(another(number, items), most=NO_LIMIT)
    await store.requests.take(request.id, approve())
    return (await store.requests.take(request.id, confirm())).request


async def lines_of(store: Store, chain: str) -> list[Line]:
    """The lines of one chain."""
    return [line async for line in store.trail.lines(None) if line.of == chain]


async def broken(store: Store, known: Tie | None = None) -> list[Broken]:
    """What is not as it was written."""
    return (await store.trail.verify(known)).broken


@of_one_and_of_two
async def test_what_happens_to_a_request_itself_is_in_its_own_chain(
    store: Store, items: int
) -> None:
    """Who asked for what and where, and who confirmed which items; in the chain of each item stand
    the steps of that item."""
    request = await confirmed(store, items)
    asked, confirm_line = await lines_of(store, f"request/{request.id}")
    assert [asked.what, confirm_line.what] == [RequestStep.ASK, RequestStep.CONFIRM]
    assert asked.personal == {"by": {"team_id": ALICE.team_id, "user_id": ALICE.user_id}}
    assert asked.facts["items"] == confirm_line.facts["items"] == list(request.item_ids)
    vouched = asked.facts["request"]
    assert (vouched["workspace"], vouched["channel_id"]) == (request.workspace, request.channel_id)
    assert (vouched["evidence"], vouched["correlation_id"]) == (
        request.evidence,
        request.correlation_id,
    )
    for each in request.item_ids:
        assert [line.what for line in await lines_of(store, each)] == ["ask", "approve"]
    proof = await store.trail.verify()
    assert (proof.lines, proof.broken) == (2 + 2 * items, [])


@of_one_and_of_two
async def test_the_chains_of_requests_are_tied_with_those_of_items(
    store: Store, items: int
) -> None:
    """A tie names the newest seal of each that has grown, and where the card stands."""
    request = await confirmed(store, items)
    await store.cards.record(request.id, None, PostedCard("C", "1.1", 1, 0))
    tie = await store.trail.tie()
    assert tie
    (line,) = await lines_of(store, JOURNAL)
    chains = {*request.item_ids, f"request/{request.id}"}
    heads = line.facts["heads"]
    assert {head[0] for head in heads} == chains
    for chain, version, seal, channel_id, ts in heads:
        newest = (await lines_of(store, chain))[-1]
        assert (version, seal, channel_id, ts) == (newest.number, newest.seal, "C", "1.1")
    assert await store.trail.tie() is None
    await store.requests.take(request.id, steps.claim_next)
    assert await store.trail.tie()
    (_, newer) = await lines_of(store, JOURNAL)
    assert [head[0] for head in newer.facts["heads"]] == [request.item_ids[0]]
    assert await broken(store, tie) == []


async def touch(store: Store, path: Path, *statements: str) -> None:
    """Change rows past the store, by a person who takes the guards of the database away."""
    if store.is_shared:
        replica = "SET LOCAL session_replication_role = replica"
        for statement in statements:

            def change(connection: sa.Connection, statement: str = statement) -> None:
                connection.exec_driver_sql(replica)
                connection.exec_driver_sql(statement)

            await store._database.write(change)
        return
    with closing(sqlite3.connect(path)) as database, database:
        guards = "SELECT name FROM sqlite_master WHERE type = 'trigger'"
        for (name,) in database.execute(guards).fetchall():
            database.execute(f"DROP TRIGGER {name}")
        for statement in statements:
            database.execute(statement)


NOT_AS_WRITTEN = "it is not as it was written"
NOT_WHAT_IT_MADE = "the request is not what this line made of it"
MISSING = "its history is missing"

TOUCHED: dict[str, tuple[tuple[str, ...], int, str]] = {
    "another item was confirmed": (
        ("""UPDATE requests SET body = replace(body, '"attempt":0', '"attempt":1')""",),
        2,
        NOT_WHAT_IT_MADE,
    ),
    "nothing was confirmed": (
        ("""UPDATE requests SET body = replace(body, '"run":{', '"walk":{')""",),
        2,
        NOT_WHAT_IT_MADE,
    ),
    "an item was skipped": (
        ("""UPDATE requests SET body = replace(body, '"skipped":[]', '"skipped":["x"]')""",),
        2,
        NOT_WHAT_IT_MADE,
    ),
    "it was stopped": (
        ("""UPDATE requests SET body = replace(body, '"is_stopped":false', '"is_stopped":1')""",),
        2,
        NOT_WHAT_IT_MADE,
    ),
    "it was asked for elsewhere": (
        ("UPDATE requests SET body = replace(body, 'C0UPGRADES', 'C0OTHER')",),
        2,
        NOT_WHAT_IT_MADE,
    ),
    "other items were confirmed, says the line": (
        ("UPDATE request_history SET body = replace(body, '0000100', '0000900') "
         "WHERE version = 2",),
        2,
        NOT_AS_WRITTEN,
    ),
    "another step was taken, says the line": (
        ("UPDATE request_history SET step = 'end' WHERE version = 2",),
        2,
        NOT_AS_WRITTEN,
    ),
    "another person confirmed": (
        ("UPDATE request_history SET personal = replace(personal, 'ALICE', 'MALLORY') "
         "WHERE version = 2",),
        2,
        "what it says of people is not what was written",
    ),
    "the first line is gone": (
        ("DELETE FROM request_history WHERE version = 1",),
        2,
        "the lines from 1 to here are missing",
    ),
    "the last line is gone": (
        ("DELETE FROM request_history WHERE version = 2",),
        2,
        "the lines from here on are missing",
    ),
    "there is a line too many": (
        ("INSERT INTO request_history SELECT request_id, 3, 'end', at, body, personal, "
         "personal_hash, seal, 4 FROM request_history WHERE version = 2",),
        3,
        NOT_AS_WRITTEN,
    ),
    "all lines are gone": (("DELETE FROM request_history",), 1, MISSING),
    "all lines are gone, and the confirmation": (
        (
            "DELETE FROM request_history",
            "UPDATE requests SET version = 0",
            """UPDATE requests SET body = replace(body, '"run":{', '"walk":{')""",
            """UPDATE requests SET body = replace(body, '"version":2', '"version":0')""",
        ),
        1,
        MISSING,
    ),
    "the request is gone": (("DELETE FROM requests",), 1, "its request is gone"),
}  # fmt: skip


@pytest.mark.parametrize("what", TOUCHED)
@of_one_and_of_two
async def test_what_is_touched_of_a_request_is_named(
    store: Store, path: Path, what: str, items: int
) -> None:
    """Before it was tied to anything; its items are as they were."""
    statements, number, how = TOUCHED[what]
    request = await confirmed(store, items)
    await touch(store, path, *statements)
    found = await broken(store)
    assert found
    assert {each.of.removeprefix("request/") for each in found} == {request.id}
    assert any(each.number == number and how in each.how for each in found), found


@of_one_and_of_two
async def test_a_request_that_waits_is_missed_a_history_of_too(
    store: Store, path: Path, items: int
) -> None:
    """Although nothing has happened to it yet, and although its document could be that of a time
    when requests had no history of their own."""
    asked = another(1, items)
    same = replace(asked.request, correlation_id=asked.request.items[0].correlation_id)
    request = await store.requests.add(replace(asked, request=same), most=NO_LIMIT)
    await touch(
        store,
        path,
        "DELETE FROM request_history",
        "UPDATE requests SET version = 0",
        """UPDATE requests SET body = replace(body, '"version":1', '"version":0')""",
    )
    (found,) = await broken(store)
    assert (found.of, found.how) == (f"request/{request.id}", MISSING)


@of_one_and_of_two
async def test_a_request_that_is_gone_with_all_its_lines_is_missed_by_its_tie(
    store: Store, path: Path, items: int
) -> None:
    """With the items and their lines."""
    request = await confirmed(store, items)
    await store.trail.tie()
    tables = ("votes", "item_history", "items", "request_history", "requests")
    await touch(store, path, *(f"DELETE FROM {table}" for table in tables))
    found = await broken(store)
    assert {each.of for each in found} == {*request.item_ids, f"request/{request.id}"}
    assert all("the journal knows it" in each.how for each in found)


@of_one_and_of_two
async def test_people_are_forgotten_with_the_last_item(store: Store, items: int) -> None:
    """What is settled long ago names no person any more, neither in the request and its items nor
    in any history. While an item is open the request keeps its people."""
    request = await confirmed(store, items)
    await store.requests.take(request.id, steps.claim_next)
    first = request.item_ids[0]
    await store.requests.take(request.id, moved(first, came_back))
    if items > 1:
        other = await perform_next(store, request.id)
        for _ in lifecycle.FOLLOW_UP_AFTER:
            await store.requests.take(request.id, follow_up(other))
    later = request.created_at + LATER
    assert await store.trail.forget(later) == items - 1
    assert (await store.requests.get(request.id)).requester == ALICE
    after = (await store.requests.take(request.id, decline(first))).request
    assert after.is_settled
    assert await store.trail.forget(later) == 1
    assert await store.trail.forget(later) == 0

    left = await all_that_is_said(store)
    assert not [text for text in left if "ALICE" in text or "CAROL" in text or "Office on" in text]
    forgotten = await store.requests.get(request.id)
    assert forgotten.requester.user_id == forgotten.reason == ""
    assert forgotten.run
    assert {each.by.user_id for each in forgotten.run.items} == {""}
    assert forgotten.item(first).state is State.DECLINED
    proof = await store.trail.verify()
    assert proof.broken == []
    assert proof.forgotten > 2 * items
    assert [line.personal for line in await lines_of(store, f"request/{request.id}")][:2] == [
        None,
        None,
    ]


async def all_that_is_said(store: Store) -> list[str]:
    """Documents, lines of histories, and columns, of requests and items."""
    tables = ("requests", "items", "item_history", "request_history", "votes")

    def read(connection: sa.Connection) -> list[str]:
        return [
            json.dumps([str(value) for value in row])
            for table in tables
            for row in connection.exec_driver_sql(f"SELECT * FROM {table}")
        ]

    return await store._database.read(read)


@of_one_and_of_two
async def test_what_is_known_of_a_line_is_its_request_and_for_an_items_line_the_item(
    store: Store, items: int
) -> None:
    """With the place of the card, and the policy that was in force."""
    request = await confirmed(store, items)
    await store.requests.take(request.id, withdraw())
    await store.cards.record(request.id, None, PostedCard("C", "1.1", 1, 0))
    of_request = await store.trail.known_of(f"request/{request.id}")
    assert (of_request.request["id"], of_request.item, of_request.card) == (
        request.id,
        {},
        ("C", "1.1"),
    )
    assert of_request.policy_at(1) is None
    for each in request.item_ids:
        known = await store.trail.known_of(each)
        assert (known.request["id"], known.item["id"], known.card) == (
            request.id,
            each,
            ("C", "1.1"),
        )
        policy = known.policy_at(2)
        assert policy
        assert policy["approvals"] == 1


async def test_ties_cards_and_forgetting_harm_no_step_beside_them(store: Store) -> None:
    """All of it at once, on the same requests: nothing waits for ever, and the trail is whole."""
    numbers = range(1, 6)
    requests = [await store.requests.add(another(n, 2), most=NO_LIMIT) for n in numbers]

    async def steps_of(request: Request) -> None:
        for step in (approve(), confirm(), steps.claim_next, withdraw_the_rest):
            await store.requests.take(request.id, step)

    async def shown(request: Request) -> None:
        card = PostedCard("C", request.id, 1, 1)
        await store.cards.record(request.id, None, card)
        for revision in range(2, 5):
            newer = card._replace(card_revision=revision)
            await store.cards.record(request.id, card, newer)
            card = newer

    async def kept() -> None:
        for _ in range(5):
            await store.trail.tie()
            await store.trail.forget(NOW + LATER)

    withdraw_the_rest = withdraw()
    async with asyncio.timeout(60):
        works = [work(request) for request in requests for work in (steps_of, shown)]
        await asyncio.gather(*works, kept(), kept())
    for request in requests:
        after = await store.requests.get(request.id)
        assert after.revision == 5
        assert [item.state for item in after.items] == [State.PERFORMING, State.WITHDRAWN]
    while await store.trail.tie():
        pass
    assert await broken(store) == []


async def test_the_journal_is_a_chain_of_its_own(store: Store) -> None:
    """What is noted comes after what was noted before."""
    await store.trail.note("looked", {"customer": "c"}, CAROL)
    await store.trail.note("started", {"version": "1"})
    one, two = await lines_of(store, JOURNAL)
    assert (one.number, one.what, one.facts) == (1, "looked", {"customer": "c"})
    assert (two.number, two.what, two.personal) == (2, "started", {})
    assert await store.trail.newest("started") == {"version": "1"}
    assert await broken(store) == []
