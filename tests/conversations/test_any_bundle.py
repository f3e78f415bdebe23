"""Whatever people click on a bundle's card, in whatever order, with any trouble: each row is sent
once or not at all, with its approvals, every click is answered, and the card says what is so."""

import asyncio
import copy
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bot.domain.bundle import Bundle
from bot.domain.upgrade import State, Step
from bot.messages.bundle import STATES, marker
from bot.sandbox.partner_center import Trouble, records
from bot.sandbox.practice import CAROL, CHANNEL
from bot.sandbox.slack import Message
from bot.sandbox.slack.workspace import Happened
from bot.store import Store
from tests.conversations.test_any_story import TROUBLES
from tests.workspace import Conversation, new_practice

ROWS = 3
BUTTONS = ["Approve all", "Leave rows out", "Decline", "Withdraw", "Upgrade now", "Check again"]

people = st.sampled_from(["alice", "bob", "carol"])
actions = st.one_of(
    st.tuples(st.just("press"), people, st.sampled_from(BUTTONS)),
    st.sampled_from([("press", "carol", "Approve all"), ("press", "alice", "Upgrade now")]),
    st.tuples(st.sampled_from(["repeat", "deliver again"]), st.integers(0, 30)),
    st.tuples(st.just("pass"), st.sampled_from([0.1, 20, 70, 1500])),
    st.tuples(st.just("trouble"), st.sampled_from(TROUBLES)),
    st.tuples(st.just("seats"), st.integers(0, ROWS - 1), st.integers(1, 40)),
    st.tuples(st.sampled_from(["restart", "crash"])),
)


class AnyBundle:
    """One bundle, and everything that happens to it."""

    def __init__(self, workspace: Conversation, customers: list[str]) -> None:
        self.workspace = workspace
        self.customers = customers
        self.clicks: list[dict[str, Any]] = []
        self.seen = 0
        workspace.slack.watchers.append(self._see)

    def _see(self, _happened: Happened) -> None:
        self.seen += 1

    async def do(self, action: tuple[Any, ...]) -> None:
        """One of the actions."""
        match action:
            case ("press", who, label):
                await self._press(who, label)
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
            case ("seats", number, seats):
                partner = self.workspace.partner_center.records
                partner.subscriptions[self.customers[number]][0]["quantity"] = seats
            case ("restart",):
                await self.workspace.restarts()
            case ("crash",):
                await self.workspace.crashes()
                await self.workspace.practice.start_bot()

    async def _press(self, who: str, label: str) -> None:
        card = await self.workspace.newest_card()
        if any(label == each["text"]["text"] for each in pressable(card)):
            person = getattr(self.workspace, who)
            self.clicks.append(await person.payload_for(card, label))
            await self._click(self.clicks[-1])

    async def _click(self, payload: dict[str, Any]) -> None:
        """Every click is answered: something that somebody can see happens."""
        before, slack = self.seen, self.workspace.slack
        payload["trigger_id"] = slack.new_trigger(payload["user"]["id"])
        await self.workspace.practice.slack.interactions.deliver_click(payload)
        await self.workspace.bot.quiet()
        assert self.seen > before, f"nothing answered {payload['actions']}"
        for view in slack.views.pop(payload["user"]["id"], []):
            slack.views[view.user] = [view]
            chosen = [
                each["value"]
                for block in view.content["blocks"]
                for each in block.get("element", {}).get("options", [])
            ]
            hands = self.workspace.practice.slack.interactions
            await hands.submit(view, {"reason": "No.", "rows": chosen[:1]})
        assert not [m for m in slack.messages if m.user == ""], "Slack complained"

    async def bundle(self) -> Bundle:
        """As it is stored."""
        (found,) = {each.bundle_id for each in await self._store().asked_in(CHANNEL, None, 10)}
        return await self._store().bundles.bundle(found)

    def _store(self) -> Store:
        store = self.workspace.bot.store
        assert store
        return store

    async def check(self) -> None:
        """What must be so at any time."""
        bundle = await self.bundle()
        versions = [version for version, _ in await self._store().bundles.history(bundle.id)]
        assert versions == list(range(1, bundle.version + 1))
        upgraded = [customer for customer in self.customers if self._upgrades(customer)]
        for row in bundle.rows:
            assert self._upgrades(row.customer.id) <= 1
            if row.state is State.DONE:
                assert row.customer.id in upgraded
            if row.customer.id in upgraded:
                assert row.state in (State.DONE, State.UNKNOWN, State.PERFORMING)
                history = [event for _, event in await self._store().history(row.id)]
                sent = max(i for i, event in enumerate(history) if event.step is Step.SEND)
                drifts = [i for i, e in enumerate(history[:sent]) if e.step is Step.DRIFT]
                since = history[max(drifts, default=0) : sent]
                assert {e.by.user_id for e in since if e.step is Step.APPROVE and e.by} == {CAROL}

    def _upgrades(self, customer: str) -> int:
        performed = self.workspace.partner_center.records.performed
        return sum(each.customer == customer for each in performed)

    async def converge(self) -> None:
        """Without further trouble nothing is left running, and the card shows what is so."""
        self.workspace.partner_center.troubles.clear()
        for _ in range(2):
            await self.workspace.passes(minutes=15)
        bundle = await self.bundle()
        assert not bundle.is_running
        assert bundle.at_work == ""
        shown = (await self.workspace.newest_card()).text
        assert marker(bundle) in shown
        for row in bundle.rows:
            assert f"{STATES[row.state]} · *{row.customer.name}*" in shown


def pressable(card: Message) -> list[dict[str, Any]]:
    """The buttons of a card."""
    return [each for block in card.blocks for each in block.get("elements", []) if "value" in each]


async def live(story: list[tuple[Any, ...]]) -> None:
    """A bundle is asked for, and then all that happens."""
    practice = new_practice()
    partner, customers = practice.partner_center.records, []
    for n in range(ROWS):
        customers.append(partner.add_customer(f"Shop {n}", f"shop{n}.example"))
        partner.add_subscription(customers[-1], records.E1, 5 + n)
    await practice.start()
    await practice.start_bot()
    workspace = Conversation(practice)
    try:
        assert workspace.bot.directory
        await workspace.bot.directory.refresh()
        await workspace.alice.types("/upgrade bulk")
        pasted = "\n".join(f"shop{n}.example, Office 365 Enterprise E3" for n in range(ROWS))
        await workspace.alice.fills_in(table=pasted, reason="All of them.")
        await workspace.alice.presses(f"Ask the team for {ROWS} upgrades")
        await workspace.bot.quiet()
        any_bundle = AnyBundle(workspace, customers)
        for action in story:
            await any_bundle.do(action)
            await workspace.bot.quiet()
            await any_bundle.check()
        await any_bundle.converge()
        await any_bundle.check()
    finally:
        await practice.stop()


@settings(
    max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.lists(actions, max_size=14))
def test_each_row_at_most_once_and_every_click_answered(story: list[tuple[Any, ...]]) -> None:
    """None without the approvals that the policy asks for."""
    asyncio.run(live(story))


def test_a_long_story_with_everything_in_it() -> None:
    """Drift of one row, a lost answer of another, a crash, late and repeated clicks."""
    asyncio.run(
        live(
            [
                ("press", "carol", "Approve all"),
                ("seats", 1, 30),
                ("trouble", TROUBLES[1]),
                ("press", "alice", "Upgrade now"),
                ("press", "alice", "Approve all"),
                ("press", "carol", "Approve all"),
                ("crash",),
                ("trouble", ("POST", "/upgrades", Trouble(status=500))),
                ("press", "alice", "Upgrade now"),
                ("press", "bob", "Check again"),
                ("deliver again", 1),
                ("repeat", 0),
                ("repeat", 3),
                ("pass", 70),
                ("restart",),
                ("press", "alice", "Upgrade now"),
            ]
        )
    )
