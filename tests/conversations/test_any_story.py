"""Whatever people click, in whatever order, with any trouble: the promises hold."""

import asyncio
import copy
import sqlite3
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bot.domain.upgrade import State, Step
from bot.messages.card import MARKERS
from bot.sandbox.partner_center import Trouble
from bot.sandbox.practice import CAROL
from bot.sandbox.slack.workspace import Happened
from bot.sandbox.slack.workspace import Message as PostedCard
from bot.store import Store
from tests.workspace import Conversation, Somebody, new_practice

BUTTONS = ["Approve", "I'm looking", "Decline", "Withdraw", "Upgrade now", "Check again"]
TROUBLES = [
    ("POST", "/upgrades", Trouble(cut=True)),
    ("POST", "/upgrades", Trouble(cut=True, after=True)),
    ("POST", "/upgrades", Trouble(status=500, after=True)),
    ("POST", "/upgrades", Trouble(status=429)),
    ("POST", "/upgrades", Trouble(status=400)),
    ("GET", "/upgrades", Trouble(status=403)),
    ("GET", "/subscriptions", Trouble(status=503)),
]

people = st.sampled_from(["alice", "bob", "carol"])
actions = st.one_of(
    st.tuples(st.just("press"), people, st.sampled_from(BUTTONS)),
    st.tuples(st.just("press"), people, st.sampled_from(["Approve", "Upgrade now"])),
    st.tuples(st.sampled_from(["repeat", "deliver again"]), st.integers(0, 30)),
    st.tuples(st.just("pass"), st.sampled_from([0.1, 1, 20, 70, 700, 1500])),
    st.tuples(st.just("trouble"), st.sampled_from(TROUBLES)),
    st.tuples(st.just("seats"), st.integers(1, 40)),
    st.tuples(st.sampled_from(["restart", "crash"])),
)


class AnyStory:
    """One request, and everything that happens to it."""

    def __init__(self, workspace: Conversation) -> None:
        self.workspace = workspace
        self.clicks: list[dict[str, Any]] = []
        self.seen = 0
        workspace.slack.watchers.append(self._see)

    def _see(self, _happened: Happened) -> None:
        self.seen += 1

    async def do(self, action: tuple[Any, ...]) -> None:
        """One of the actions."""
        match action:
            case ("press", who, label):
                await self._press(getattr(self.workspace, who), label)
            case ("repeat", number) if self.clicks:
                click = copy.deepcopy(self.clicks[number % len(self.clicks)])
                click["actions"][0]["action_ts"] = self.workspace.slack.new_ts()
                await self._click(click)
            case ("deliver again", number) if self.clicks:
                click = self.clicks[number % len(self.clicks)]
                await self.workspace.practice.slack.interactions.deliver_click(click)
            case ("pass", minutes):
                await self.workspace.passes(minutes=minutes)
            case ("trouble", (method, ending, trouble)):
                self.workspace.partner_center.trouble(method, ending, trouble)
            case ("seats", seats):
                self._source()["quantity"] = seats
            case ("restart",):
                await self.workspace.restarts()
            case ("crash",):
                await self.workspace.crashes()
                await self.workspace.practice.start_bot()

    async def _press(self, who: Somebody, label: str) -> None:
        card = await self.workspace.newest_card()
        if label in card.text.partition("Buttons: ")[2]:
            self.clicks.append(await who.payload_for(card, label))
            await self._click(self.clicks[-1])

    async def _click(self, payload: dict[str, Any]) -> None:
        """Every click is answered: something that somebody can see happens."""
        before = self.seen
        payload["trigger_id"] = self.workspace.slack.new_trigger(payload["user"]["id"])
        await self.workspace.practice.slack.interactions.deliver_click(payload)
        await self.workspace.bot.quiet()
        assert self.seen > before, f"nothing answered {payload['actions']}"
        for view in self.workspace.slack.views.pop(payload["user"]["id"], []):
            self.workspace.slack.views[view.user] = [view]
            interactions = self.workspace.practice.slack.interactions
            await interactions.submit(view, {"reason": "No."})
        assert not [m for m in self.workspace.slack.messages if m.user == ""], "Slack complained"

    def _request_id(self) -> str:
        database = sqlite3.connect(self.workspace.practice.folder / "upgrade-bot.db")
        ((request_id,),) = database.execute("SELECT id FROM requests").fetchall()
        database.close()
        return str(request_id)

    def _store(self) -> Store:
        store = self.workspace.bot.store
        assert store
        return store

    def _source(self) -> dict[str, Any]:
        return self.workspace.partner_center.records.subscriptions[self.workspace.contoso][0]

    async def check(self) -> None:
        """What must be so at any time."""
        upgrades = self.workspace.upgrades()
        assert len(upgrades) <= 1
        store = self._store()
        request_id = self._request_id()
        history = [event for _, event in await store.history(request_id)]
        request = await store.request(request_id)
        if upgrades:
            sent = max(i for i, event in enumerate(history) if event.step is Step.SEND)
            began = max([i for i, event in enumerate(history[:sent]) if event.step is Step.DRIFT],
                        default=0)  # fmt: skip
            approvers = {e.by.user_id for e in history[began:sent]
                         if e.step is Step.APPROVE and e.by}  # fmt: skip
            assert approvers == {CAROL}
            assert request.state in (State.DONE, State.UNKNOWN, State.PERFORMING)
        if request.state is State.DONE:
            assert upgrades

    async def converge(self) -> None:
        """Without further trouble the card shows what the store says."""
        self.workspace.partner_center.troubles.clear()
        await self.workspace.passes(minutes=15)
        await self.workspace.passes(minutes=15)
        request = await self._store().request(self._request_id())
        card: PostedCard = await self.workspace.newest_card()
        assert MARKERS[request.state] in card.text


async def live(story: list[tuple[Any, ...]]) -> None:
    """A request is asked for, and then all that happens."""
    practice = new_practice()
    await practice.start()
    await practice.start_bot()
    workspace = Conversation(practice)
    try:
        await workspace.alice.asks_for_e3()
        any_story = AnyStory(workspace)
        for action in story:
            await any_story.do(action)
            await workspace.bot.quiet()
            await any_story.check()
        await any_story.converge()
        await any_story.check()
    finally:
        await practice.stop()


@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.lists(actions, max_size=14))
def test_at_most_one_upgrade_and_every_click_answered(story: list[tuple[Any, ...]]) -> None:
    """At most one upgrade, none without the approvals that the policy asks for, every click
    answered, and a card that says what is so."""
    asyncio.run(live(story))


def test_a_long_story_with_everything_in_it() -> None:
    """One that has drift, a lost answer, a crash, late and repeated clicks."""
    asyncio.run(
        live(
            [
                ("press", "carol", "Approve"),
                ("seats", 30),
                ("press", "alice", "Upgrade now"),
                ("press", "alice", "Approve"),
                ("press", "carol", "Approve"),
                ("trouble", TROUBLES[1]),
                ("trouble", TROUBLES[6]),
                ("press", "alice", "Upgrade now"),
                ("crash",),
                ("deliver again", 4),
                ("repeat", 0),
                ("repeat", 4),
                ("pass", 70),
                ("restart",),
                ("repeat", 4),
            ]
        )
    )


def test_time_alone_ends_a_request() -> None:
    """Without any click it expires."""

    asyncio.run(live([("pass", 2 * 24 * 60)]))
