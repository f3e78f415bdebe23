"""What older versions have stored is brought to this one as it was, on both databases.

`version_0004.sqlite` is a file as the version before the audit trail left it: one upgrade done,
with two licences that did not move, one request declined, and one that waits.

`version_0008.sql` is what `sqlite3`'s `iterdump` wrote of a file of the version before items, when
several requests could be asked for together as a *bundle* of rows. It was made with that version's
own store and steps: `Store.open` on a new file with a clock that stands still at
`tests.factories.NOW`, `store.add` and `store.bundles.add` for each id that is named below,
`store.take` and `store.bundles.take` for the steps of `lifecycle` and `bundle` that lead to its
state, `store.record_shown` for its card, at its newest version or one behind it. A tie of the
journal, the forgetting of what was asked for forty days ago, and one request more came last.
"""

# ruff: noqa: S608 - the statements are put together of what stands here

import ast
import json
import sqlite3
from collections.abc import AsyncIterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext

from bot.domain import lifecycle, steps
from bot.domain.change import Fact, TransitionNow, UpgradeNow
from bot.domain.item import State, Step
from bot.domain.policy import Person
from bot.domain.request import Confirmed, Request, RequestStep, Run
from bot.errors import Reason, Refused
from bot.store import JOURNAL, PostedCard, Store, indexes, item_job
from bot.store.database import MIGRATIONS
from bot.store.requests import Step as Take
from bot.store.tables import metadata
from bot.worker.maintenance import Maintenance
from tests.factories import ALICE, BOB, CAROL, DAY, NOW
from tests.postgres import PostgresServer
from tests.store.old_version import database_of, file_of
from tests.store.taking import (
    approve,
    confirm,
    decline,
    finish,
    follow_up,
    moved,
    perform_next,
    send,
    withdraw,
)

HOUR = timedelta(hours=1)
DAVID = Person("T0PRACTICE", "U0DAVID")
NOBODY = Person("", "")

of_both = pytest.mark.parametrize("server", ["sqlite", "postgresql"], indirect=True)


@pytest.fixture
def server(request: pytest.FixtureRequest) -> PostgresServer | None:
    """The server in which the old rows stand; None where it is a file."""
    return request.getfixturevalue("postgres") if request.param == "postgresql" else None


@pytest.fixture
def old(tmp_path: Path) -> "Old":
    """The rows of version 0008 as they were."""
    (tmp_path / "old").mkdir()
    return Old(file_of("0008", tmp_path / "old"))


@pytest.fixture
async def store(tmp_path: Path, server: PostgresServer | None) -> AsyncIterator[Store]:
    """The rows of version 0008, brought to this version."""
    store = await Store.open(await database_of("0008", tmp_path, server), lambda: NOW)
    yield store
    await store.close()


class Old:
    """Reads the file of the old version."""

    def __init__(self, file: Path) -> None:
        self._file = file

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        """What a query finds."""
        with closing(sqlite3.connect(self._file)) as database:
            return database.execute(query).fetchall()

    def documents(self, table: str) -> dict[str, dict[str, Any]]:
        """The document of each request, or bundle, by its id."""
        return {id: json.loads(body) for id, body in self.rows(f"SELECT id, body FROM {table}")}


async def rows(store: Store, query: str) -> list[tuple[Any, ...]]:
    """What a query finds now, with times as SQLite keeps them."""

    def plain(value: Any) -> Any:
        if isinstance(value, datetime):
            return value.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S.%f")
        return value

    def read(connection: sa.Connection) -> list[tuple[Any, ...]]:
        found = connection.exec_driver_sql(query).all()
        return [tuple(plain(value) for value in row) for row in found]

    return await store._database.read(read)


@of_both
async def test_every_item_is_as_it_was(store: Store, old: Old) -> None:
    """Its id, its state, and every byte of its document."""
    query = (
        "SELECT id, version, state, team_id, requester_id, channel_id, customer_id, "
        "subscription_id, created_at, rests_until, troubles, body, tied_version, seal FROM {} "
    )
    there = sorted(await rows(store, query.format("items")))
    assert there == sorted(old.rows(query.format("requests")))
    assert {row[2] for row in there} == set(State)
    due = "SELECT id, due_at FROM {} WHERE state NOT IN ('awaiting_approval', 'approved')"
    assert sorted(await rows(store, due.format("items"))) == sorted(
        old.rows(due.format("requests"))
    )
    assert await rows(store, "SELECT 1 FROM items WHERE partner_id <> ''") == []


@of_both
async def test_every_line_is_as_it_was(store: Store, old: Old) -> None:
    """The histories of items, the votes, and the journal."""
    sealed = "version, step, at, body, personal, personal_hash, seal"
    for new_query, old_query in (
        (
            f"SELECT item_id, {sealed} FROM item_history",
            f"SELECT request_id, {sealed} FROM history",
        ),
        (
            "SELECT item_id, round, team_id, user_id, at, fingerprint FROM votes",
            "SELECT request_id, round, team_id, user_id, at, fingerprint FROM votes",
        ),
        ("SELECT * FROM journal", "SELECT * FROM journal"),
        ("SELECT name, sealed, kept_at FROM secrets", "SELECT name, sealed, kept_at FROM secrets"),
    ):
        found = old.rows(old_query)
        assert found
        assert sorted(await rows(store, new_query), key=str) == sorted(found, key=str)


@of_both
async def test_the_trail_is_whole(store: Store, old: Old) -> None:
    """Every old line, and those of the requests, which are sealed now; also before the next tie and
    after it, and with a tie that was written down before."""
    ((lines,),) = old.rows("SELECT (SELECT count(*) FROM history) + (SELECT count(*) FROM journal)")
    ((own,),) = await rows(store, "SELECT count(*) FROM request_history")
    proof = await store.trail.verify()
    assert (proof.broken, proof.lines) == ([], lines + own)
    assert own > 10
    known = proof.last_tie
    assert known
    tie = await Maintenance(store, None).once()
    assert tie
    assert tie.number > known.number
    for each in (known, tie):
        assert (await store.trail.verify(each)).broken == []
    assert await Maintenance(store, None).once() is None


@of_both
async def test_requests_say_what_the_old_ones_said(store: Store, old: Old) -> None:
    """Who asked for what in which channel, and why; a bundle is one request, its rows are items."""
    bundles = old.documents("bundles")
    for id, said in old.documents("requests").items():
        request = await store.requests.of_item(id)
        bundle = bundles.get(said["bundle_id"], said)
        assert request.id == bundle["id"]
        assert request == await store.requests.get(request.id)
        assert [*request.item_ids] == bundle.get("request_ids", [id])
        assert (request.requester.user_id, request.reason, request.evidence) == (
            bundle["requester"]["user_id"],
            bundle["reason"],
            bundle["evidence"],
        )
        assert (request.channel_id, request.correlation_id, request.created_at) == (
            bundle["channel_id"],
            bundle["correlation_id"],
            datetime.fromisoformat(bundle["created_at"]),
        )
        is_forgotten = request.requester == NOBODY
        assert request.workspace == ("" if is_forgotten else ALICE.team_id)
        assert request.failures_allowed == bundle.get("failures_allowed", 0)
        assert request.revision == bundle["version"]
        same_item(request, id, said)


def same_item(request: Request, id: str, said: dict[str, Any]) -> None:
    """An item is read as what its document says."""
    item = request.item(id)
    assert (item.request_id, item.partner_id) == (request.id, "")
    assert (item.version, item.state) == (said["version"], said["state"])
    assert (item.customer.name, item.subscription.id) == ("Contoso", said["subscription"]["id"])
    assert (item.policy.approvals, item.policy.confirm) == (
        said["policy"]["approvals"],
        said["policy"]["confirm"],
    )
    assert (item.ms_request_id, item.correlation_id) == (
        said["ms_request_id"],
        said["correlation_id"],
    )
    assert item.price
    assert item.price.currency == "EUR"
    assert len(item.earlier) == len(said["earlier"])
    for approval in item.votes.approvals:
        assert approval.fingerprint == item.fingerprint(approval.formula)


EXPECTED_RUNS: dict[str, Run | None] = {
    "bundle/new": None,
    "bundle/waiting": None,
    "bundle/running": Run(
        ALICE,
        NOW,
        tuple(Confirmed(f"running-{n}", 1, 0, ALICE) for n in range(5)),
        skipped=("running-1",),
    ),
    "bundle/between": Run(
        ALICE, NOW, tuple(Confirmed(f"between-{n}", 1, 0, ALICE) for n in range(3))
    ),
    "bundle/stopped": Run(
        ALICE,
        NOW,
        tuple(Confirmed(f"stopped-{n}", 1, 0, ALICE) for n in range(4)),
        is_stopped=True,
        is_told=True,
    ),
    "bundle/ended": Run(
        ALICE, NOW, tuple(Confirmed(f"ended-{n}", 1, 0, ALICE) for n in range(3)), is_told=True
    ),
    "bundle/settled": Run(ALICE, NOW, (Confirmed("settled-0", 1, 0, ALICE),), is_told=True),
    "bundle/of one": Run(ALICE, NOW, (Confirmed("of one-0", 1, 0, ALICE),)),
    "bundle/forgotten": Run(
        NOBODY,
        NOW - 40 * DAY,
        tuple(Confirmed(f"forgotten-{n}", 1, 0, NOBODY) for n in range(2)),
        is_told=True,
    ),
}


@of_both
async def test_runs_go_on_where_they_were(store: Store) -> None:
    """What was confirmed, skipped and stopped, and which item comes next."""
    for id, run in EXPECTED_RUNS.items():
        assert (await store.requests.get(id)).run == run, id
    running, between, stopped, ended, settled, of_one = [
        await store.requests.get(f"bundle/{name}")
        for name in ("running", "between", "stopped", "ended", "settled", "of one")
    ]
    assert [item.id for item in running.at_work] == ["running-2"]
    assert running.next == Confirmed("running-3", 1, 0, ALICE)
    assert running.in_trouble == ()
    assert between.next == Confirmed("between-1", 1, 0, ALICE)
    assert steps.due(between, NOW) is Step.CLAIM
    assert (stopped.next, [item.id for item in stopped.in_trouble]) == (None, ["stopped-0"])
    assert [item.id for item in ended.in_trouble] == ["ended-0", "ended-2"]
    assert (steps.due(ended, NOW), ended.is_running) == (None, False)
    assert (settled.is_summed_up, settled.is_settled, steps.due(settled, NOW)) == (True, True, None)
    assert steps.due(of_one, NOW) is None
    for single in ("claimed", "sent", "approved"):
        assert (await store.requests.get(single)).run is None


@of_both
async def test_items_are_read_as_they_stood(store: Store) -> None:
    """How far each had come: votes, attempts and endings."""

    async def item(id: str) -> Any:
        return (await store.requests.of_item(id)).item(id)

    awaiting = await item("awaiting")
    assert [each.by for each in awaiting.votes.approvals] == [BOB]
    assert awaiting.votes.looking == (CAROL,)
    assert (awaiting.attempt.number, awaiting.ending, awaiting.is_open) == (0, None, True)
    assert awaiting.earlier[0].requester == CAROL
    assert (await item("reminded")).votes.reminders == 1
    drifted = await item("drifted")
    assert (drifted.votes.round, drifted.votes.asked_at, drifted.votes.approvals) == (2, NOW, ())
    assert (drifted.subscription.seats, drifted.change.seats, drifted.attempt.number) == (30, 30, 1)
    handed_back = await item("handed back")
    assert (handed_back.attempt.number, handed_back.attempt.lost_before) == (1, True)
    assert (handed_back.attempt.by, handed_back.attempt.sent_at) == (None, None)
    claimed = await item("claimed")
    assert (claimed.attempt.by, claimed.attempt.at, claimed.attempt.sent_at) == (ALICE, NOW, None)
    assert (await item("claimed by its approval")).attempt.by == CAROL
    sent = await item("sent")
    assert (sent.attempt.sent_at, sent.attempt.sent_by) == (NOW, "job-7")
    assert sent.attempt.licences_before[0].assigned == 20
    assert isinstance(sent.change, UpgradeNow)
    followed = await item("followed")
    assert (followed.attempt.operation_id, followed.attempt.looks) == ("operation", 1)
    assert isinstance(followed.change, TransitionNow)
    assert (followed.change.into_name, followed.change.term) == ("Microsoft 365 E3", "P1M")
    unknown = await item("unknown")
    assert (unknown.attempt.looks, unknown.attempt.looked_at) == (1, NOW)
    done = await item("done")
    assert (done.ending.at, done.ending.follow_ups) == (NOW - 2 * HOUR, 1)
    assert done.outcome.license_errors[0].email == "lee@contoso.example"
    failed = await item("failed")
    assert (failed.outcome.status, failed.ended_without_effect) == (400, True)
    declined = await item("declined")
    assert (declined.ending.by, declined.ending.because) == (CAROL, "Not now, says Lee Gu.")
    assert (await item("withdrawn")).ending.by == ALICE
    expired = await item("expired")
    assert (expired.ending.at, expired.ending.by) == (NOW, None)
    forgotten = await item("forgotten")
    assert (forgotten.attempt.by, forgotten.votes.approvals[0].by) == (None, NOBODY)
    assert forgotten.outcome.license_errors == ()


@of_both
async def test_histories_are_read_in_the_turns_in_which_they_were_written(store: Store) -> None:
    """Each turn of a bundle with the steps of its rows, and the request's own lines among them."""

    async def turns(id: str) -> list[Any]:
        return [
            (
                turn.revision,
                [(of, str(event.step)) for of, event in turn.items],
                str(turn.event.step) if turn.event else "",
            )
            for turn in await store.requests.history(id)
        ]

    every = [f"running-{n}" for n in range(6)]
    assert await turns("bundle/running") == [
        (1, [(each, "ask") for each in every], "ask"),
        (2, [("running-5", "decline")], ""),
        (3, [(each, "approve") for each in every[:5]], ""),
        (4, [], "confirm"),
        (5, [("running-0", "claim")], ""),
        (6, [("running-0", "send")], ""),
        (7, [("running-0", "finish")], ""),
        (8, [], "skip"),
        (9, [("running-2", "claim")], ""),
        (10, [("running-2", "send")], ""),
    ]
    assert await turns("bundle/settled") == [
        (1, [("settled-0", "ask"), ("settled-1", "ask")], "ask"),
        (2, [("settled-1", "decline")], ""),
        (3, [("settled-0", "approve")], ""),
        (4, [], "confirm"),
        (5, [("settled-0", "claim")], ""),
        (6, [("settled-0", "send")], ""),
        (7, [("settled-0", "finish")], ""),
        (8, [], "end"),
        (9, [], "sum_up"),
    ]
    assert await turns("handed back") == [
        (number, [("handed back", step)], "")
        for number, step in enumerate(
            ("ask", "approve", "claim", "send", "lose_answer", "look", "hand_back"), 1
        )
    ]
    skip = (await store.requests.history("bundle/running", after=7))[0].event
    assert skip
    assert (skip.step, skip.items, skip.note, skip.by) == (
        RequestStep.SKIP,
        ("running-1",),
        Reason.SUBSCRIPTION_BUSY,
        None,
    )
    confirmed = (await store.requests.history("bundle/between", after=2))[0].event
    assert confirmed
    assert (confirmed.by, confirmed.items) == (ALICE, ("between-0", "between-1", "between-2"))
    (asked,) = await store.requests.history("bundle/forgotten")
    assert asked.event
    assert (asked.event.by, asked.items) == (None, ())
    drift = (await store.requests.item_history("drifted"))[-1]
    assert [(each.fact, each.was, each.now) for each in drift.differences] == [
        (Fact.SEATS, "25", "30"),
        (Fact.TARGET_SEATS, "25", "30"),
    ]
    (*_, followed_up) = await store.requests.item_history("done")
    assert followed_up.aftermath
    assert followed_up.aftermath.record == "Succeeded"


@of_both
async def test_no_card_is_drawn_anew(store: Store, old: Old) -> None:
    """Every card stands where it stood, and only what was not shown before is to be shown."""
    names = "channel_id, ts, card_version, told_version, told_ts, link"
    shown = old.rows(f"SELECT request_id, {names} FROM shown")
    shown += old.rows(f"SELECT bundle_id, {names} FROM bundles_shown")
    assert len(shown) == 29
    for id, *posted in shown:
        card = PostedCard(*posted)
        assert await store.cards.get(id) == card
        assert await store.cards.request_at(card.channel_id, card.ts) == id
        assert (await store.requests.snapshot(id)).posted == card
    assert await store.cards.get("not shown") is None
    behind = "SELECT id FROM {} WHERE shown_version < version"
    unshown = {id for table in ("requests", "bundles") for (id,) in old.rows(behind.format(table))}
    found = await rows(store, "SELECT id FROM requests WHERE shown_revision < revision")
    assert {id for (id,) in found} == unshown
    assert unshown == {
        "not shown",
        "to be reminded",
        "approved, by two approvers",
        "bundle/new",
        "bundle/between",
    }
    for id in ("approved, by two approvers", "bundle/between"):
        assert len((await store.requests.snapshot(id)).turns) == 1
    assert not await store.cards.is_first_told("awaiting", 1)
    assert await store.cards.is_first_told("awaiting", 2)


@of_both
async def test_what_was_due_is_due(store: Store) -> None:
    """Requests where people decide or a run goes on, items where something was sent."""
    assert set(await store.schedule.due()) == {
        "to be reminded",
        "approved, by two approvers",
        "bundle/new",
        "bundle/between",
        item_job("claimed"),
        item_job("claimed by its approval"),
        item_job("in the way"),
        item_job("done, to be followed up"),
    }
    assert set(await store.schedule.in_flight()) == {
        "claimed",
        "claimed by its approval",
        "sent",
        "followed",
        "in the way",
        "running-2",
    }
    ((until,),) = await rows(store, "SELECT rests_until FROM requests WHERE id = 'not shown'")
    assert until == "2026-11-20 10:00:00.000000"


@of_both
async def test_a_request_is_due_whenever_this_version_would_be(store: Store) -> None:
    """The columns say what the code says; else a job would be put again and again for nothing."""
    due = dict(await rows(store, "SELECT id, due_at FROM requests"))
    for id, at in due.items():
        told = steps.due_at(await store.requests.get(id))
        assert at == (told and told.strftime("%Y-%m-%d %H:%M:%S.%f")), id


@of_both
async def test_what_else_there_was_is_there(store: Store) -> None:
    """Secrets, offers, previews, Homes and deliveries, and lists of it all."""
    assert await store.secrets.get("sign_in") == b"sealed"
    assert (await store.offers.get("an offer")).person == ALICE
    assert (await store.offers.draft("a draft")).wanted[0].number == 1
    assert await store.homes.people() == [CAROL]
    assert not await store.deliveries.is_first("a delivery")
    listed = {each.item.id: each for each in await store.lists.asked_by(ALICE, 100)}
    assert {"awaiting", "running-0", "settled-1"} <= listed.keys()
    card = await store.cards.get("bundle/running")
    assert card
    assert listed["running-3"].link == card.link != ""
    assert (await store.lists.asked_by(DAVID, 9))[0].item.id == "approved, by two approvers"
    assert (await store.lists.by_state())["performing"] == 6
    tied = [line async for line in store.trail.lines(None) if line.of == JOURNAL]
    assert [line.what for line in tied] == ["started", "looked", "tie", "forgot", "looked"]


NEXT_STEPS: dict[str, list[Take]] = {
    "awaiting": [approve(), confirm(), steps.claim_next, send("awaiting"), finish("awaiting")],
    "not shown": [decline()],
    "to be reminded": [steps.remind, approve(), withdraw()],
    "drifted": [approve(), confirm(), steps.claim_next],
    "approved": [confirm(), steps.claim_next, send("approved"), finish("approved")],
    "approved, by two approvers": [confirm(CAROL), steps.claim_next],
    "approved since the tie": [withdraw()],
    "handed back": [confirm(), steps.claim_next, send("handed back")],
    "claimed": [send("claimed"), finish("claimed"), follow_up("claimed"), follow_up("claimed")],
    "sent": [moved("sent", lifecycle.mark_unknown), moved("sent", lifecycle.look)],
    "followed": [finish("followed")],
    "unknown": [finish("unknown")],
    "done": [follow_up("done")],
    "done, to be followed up": [follow_up("done, to be followed up")],
    "bundle/new": [approve(), decline("new-1"), confirm(), steps.claim_next],
    "bundle/waiting": [approve(BOB), withdraw()],
    "bundle/running": [finish("running-2"), steps.claim_next, send("running-3")],
    "bundle/between": [steps.claim_next, send("between-1"), finish("between-1")],
    "bundle/stopped": [confirm(), steps.claim_next, send("stopped-1")],
    "bundle/ended": [decline("ended-1"), confirm(), steps.claim_next],
}


@of_both
async def test_old_requests_take_their_next_steps(store: Store) -> None:
    """People decide, the bot performs, and the trail stays whole after every step; the histories
    go on where they ended."""
    for id, path in NEXT_STEPS.items():
        before = await store.requests.get(id)
        turns = await store.requests.history(id)
        for number, step in enumerate(path, 1):
            after = (await store.requests.take(id, step)).request
            assert after == await store.requests.get(id), id
            assert after.revision == before.revision + number
            assert len(await store.requests.history(id, after=before.revision)) == number, id
        now = await store.requests.history(id)
        assert now[: len(turns)] == turns
        assert [turn.revision for turn in now[len(turns) :]] == [
            before.revision + number for number in range(1, len(path) + 1)
        ]
        assert (await store.trail.verify()).broken == [], id
        assert (await rows(store, f"SELECT due_at FROM requests WHERE id = '{id}'"))[0][0] == (
            (told := steps.due_at(after)) and told.strftime("%Y-%m-%d %H:%M:%S.%f")
        )
    while await store.trail.tie():
        pass
    assert (await store.trail.verify()).broken == []


@of_both
async def test_an_old_run_comes_to_its_end(store: Store) -> None:
    """One item after the other, and then it is summed up."""
    await store.requests.take("bundle/running", finish("running-2"))
    assert [await perform_next(store, "bundle/running") for _ in range(2)] == [
        "running-3",
        "running-4",
    ]
    after = await store.requests.get("bundle/running")
    assert steps.due(after, NOW) is RequestStep.END
    await store.requests.take("bundle/running", steps.end)
    await store.requests.take("bundle/running", withdraw())
    after = (await store.requests.take("bundle/running", steps.sum_up)).request
    assert after.is_summed_up
    assert (await store.trail.verify()).broken == []


@of_both
async def test_a_step_that_was_not_possible_is_not_possible(store: Store) -> None:
    """What was decided by a person is not decided by them again, and one subscription is changed
    once at a time."""
    for id, step, reason in (
        ("awaiting", approve(BOB), Reason.VOTED_ALREADY),
        ("awaiting", approve(ALICE), Reason.OWN_REQUEST),
        ("approved, by two approvers", confirm(DAVID), Reason.MAY_NOT_CONFIRM),
        ("declined", approve(), Reason.WRONG_STATE),
        ("bundle/running", confirm(), Reason.ALREADY_RUNNING),
    ):
        with pytest.raises(Refused) as refused:
            await store.requests.take(id, step)
        assert refused.value.reason is reason, id
    await store.requests.take("bundle/running", withdraw())
    ((own,),) = await rows(
        store, "SELECT count(*) FROM request_history WHERE request_id IN ('awaiting', 'declined')"
    )
    assert own == 0, "a step that is refused leaves no line"


@of_both
async def test_the_history_of_an_old_request_begins_with_its_next_step(store: Store) -> None:
    """Its first line says who asked for it, and when; it belongs to no turn that could be told."""
    await store.requests.take("awaiting", approve())
    lines = [line async for line in store.trail.lines(None) if line.of == "request/awaiting"]
    (asked,) = lines
    assert (asked.what, asked.at, asked.personal) == (
        RequestStep.ASK,
        NOW - HOUR,
        {"by": {"team_id": ALICE.team_id, "user_id": ALICE.user_id}},
    )
    assert [turn.revision for turn in await store.requests.history("awaiting")] == [1, 2, 3, 4]
    assert all(turn.event is None for turn in await store.requests.history("awaiting"))


@of_both
@pytest.mark.parametrize(
    "change",
    [
        """replace(body, 'Ms Gundersen', 'Mr Gundersen')""",
        """replace(body, 'U0ALICE', 'U0MALLORY')""",
        """replace(body, 'C0UPGRADES', 'C0OTHER')""",
        """replace(body, 'https://mail.example/42', '')""",
    ],
)
async def test_an_old_request_says_no_more_than_its_item(store: Store, change: str) -> None:
    """It has no history before its next step, so that its document is compared with the item's."""
    change = f"UPDATE requests SET body = {change} WHERE id = 'approved'"
    await store._database.write(lambda connection: connection.exec_driver_sql(change))
    (broken,) = (await store.trail.verify()).broken
    assert (broken.of, broken.how) == ("request/approved", "its history is missing")


@of_both
async def test_old_people_are_forgotten_with_what_they_asked_for(store: Store) -> None:
    """In what is settled, and in nothing else; whether it has taken a step since or not."""
    later = NOW + 3 * DAY
    for id in ("done", "claimed", "awaiting", "approved"):
        for step in NEXT_STEPS.get(id, []):
            await store.requests.take(id, step)
    for id in ("awaiting", "approved"):
        for _ in lifecycle.FOLLOW_UP_AFTER:
            await store.requests.take(id, follow_up(id))
    await store.requests.take("bundle/waiting", withdraw())
    settled = (
        "done", "claimed", "awaiting", "approved", "failed", "declined", "withdrawn", "expired",
        "bundle/waiting",
    )  # fmt: skip
    assert await store.trail.forget(later) > len(settled)
    assert await store.trail.forget(later) == 0
    for id in settled:
        request = await store.requests.get(id)
        assert (request.requester, request.reason) == (NOBODY, ""), id
        ids = ", ".join(f"'{each}'" for each in request.item_ids)
        said = [
            *await rows(store, f"SELECT * FROM requests WHERE id = '{id}'"),
            *await rows(store, f"SELECT * FROM request_history WHERE request_id = '{id}'"),
            *await rows(store, f"SELECT * FROM items WHERE id IN ({ids})"),
            *await rows(store, f"SELECT * FROM item_history WHERE item_id IN ({ids})"),
            *await rows(store, f"SELECT * FROM votes WHERE item_id IN ({ids})"),
        ]
        for trace in ("U0", "Gundersen", "Lee Gu", "All of"):
            assert trace not in str(said), id
    for id, who in (("sent", ALICE), ("approved, by two approvers", DAVID)):
        assert (await store.requests.get(id)).requester == who
    assert (await store.requests.get("bundle/running")).requester == ALICE
    assert (await store.trail.verify()).broken == []


@of_both
async def test_a_database_from_before_the_audit_trail_is_brought_to_this_version(
    tmp_path: Path, server: PostgresServer | None
) -> None:
    """Nothing of it is lost, all of it is sealed, and it goes on where it was."""
    (tmp_path / "old").mkdir()
    old = Old(file_of("0004", tmp_path / "old"))
    at = NOW + 5 * HOUR
    store = await Store.open(await database_of("0004", tmp_path, server), lambda: at)
    ids = {state: id for id, state in old.rows("SELECT id, state FROM requests")}
    total = 0
    for id, document in old.documents("requests").items():
        query = f"SELECT body FROM history WHERE request_id = '{id}' ORDER BY version"
        lines = [json.loads(body) for (body,) in old.rows(query)]
        events = await store.requests.item_history(id)
        assert [event.step for event in events] == [each["step"] for each in lines]
        assert [event.note for event in events] == [each["note"] for each in lines]
        request = await store.requests.get(id)
        assert (request.items[0].version, request.revision) == (len(lines), len(lines))
        assert (request.requester.user_id, request.reason) == (
            document["requester"]["user_id"],
            document["reason"],
        )
        assert len(await store.requests.history(id)) == len(lines)
        total += len(lines)
    proof = await store.trail.verify()
    assert (proof.broken, proof.lines) == ([], total)
    outcome = next(
        event.outcome for event in await store.requests.item_history(ids["done"]) if event.outcome
    )
    assert [error.email for error in outcome.license_errors] == [
        "lee@northwind.example",
        "megan@northwind.example",
    ]
    assert (await store.requests.get(ids["declined"])).items[0].state is State.DECLINED
    waiting = ids["awaiting_approval"]
    assert await store.schedule.due() == [waiting], "to be reminded of"
    assert await Maintenance(store, None).once()
    await store.requests.take(waiting, approve())
    assert (await store.trail.verify()).broken == []
    await store.close()


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
async def test_the_migrations_make_the_tables_of_the_code(
    kind: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    """A column or an index that was forgotten in a migration is found here, in a new database and
    in one that was brought along."""
    assert indexes.only(None)
    server = request.getfixturevalue("postgres") if kind == "postgresql" else None
    new = await server.new_database() if server else f"sqlite:///{tmp_path / 'new.db'}"

    def differences(connection: sa.Connection) -> list[object]:
        ours = {"compare_type": True, "include_name": lambda name, *_: "pgqueuer" not in str(name)}
        return list(compare_metadata(MigrationContext.configure(connection, opts=ours), metadata))

    for url in (new, await database_of("0008", tmp_path, server)):
        store = await Store.open(url, lambda: NOW)
        assert await store._database.read(differences) == []
        await store.close()


def test_migrations_need_nothing_that_changes() -> None:
    """Of the program they import only what is frozen; else a database that was brought along
    yesterday would be another one than one that is brought along tomorrow."""
    modules = sorted(MIGRATIONS.rglob("*.py"))
    assert len(modules) > 10
    for module in modules:
        for node in ast.walk(ast.parse(module.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ImportFrom):
                assert node.level == 0, module
                names = [node.module or ""]
            elif isinstance(node, ast.Import):
                names = [each.name for each in node.names]
            else:
                continue
            ours = {name for name in names if name.split(".")[0] in ("bot", "handlers", "tests")}
            assert ours <= {"bot.store.migrations.frozen"}, module
