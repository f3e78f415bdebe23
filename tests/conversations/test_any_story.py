"""Whatever people click on a card, in whatever order, with any trouble: each item is sent once or
not at all, with its approvals, every click is answered, and the card says what is so."""

import asyncio
import copy
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bot.domain.item import State, Step
from bot.domain.request import Request, RequestStep
from bot.messages.compact_card import STATES
from bot.messages.parts import marker
from bot.sandbox.partner_center import Trouble, records
from bot.sandbox.practice import CAROL, CHANNEL
from bot.sandbox.slack import Message
from bot.sandbox.slack.workspace import Happened
from tests.workspace import Conversation, new_practice

BUTTONS = ["Approve", "I'm looking", "Leave rows out", "Decline", "Withdraw", "Upgrade now",
           "Check again", "Ask again", "Try again"]  # fmt: skip
NAMES = {"Approve": "Approve all"}
"""What a button is called on a card of several items, where that is something else."""

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
    st.sampled_from([("press", "carol", "Approve"), ("press", "alice", "Upgrade now")]),
    st.tuples(st.sampled_from(["repeat", "deliver again"]), st.integers(0, 30)),
    st.tuples(st.just("pass"), st.sampled_from([0.1, 1, 20, 70, 700, 1500])),
    st.tuples(st.just("trouble"), st.sampled_from(TROUBLES)),
    st.tuples(st.just("seats"), st.integers(0, 2), st.integers(1, 40)),
    st.tuples(st.sampled_from(["restart", "crash"])),
)


class AnyStory:
    """One request, and everything that happens to it."""

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
                customer = self.customers[number % len(self.customers)]
                partner = self.workspace.partner_center.records
                partner.subscriptions[customer][0]["quantity"] = seats
            case ("restart",):
                await self.workspace.restarts()
            case ("crash",):
                await self.workspace.crashes()
                await self.workspace.practice.start_bot()

    async def _press(self, who: str, label: str) -> None:
        card = await self.workspace.newest_card()
        if len(self.customers) > 1:
            label = NAMES.get(label, label)
        if any(label == each["text"]["text"] for each in pressable(card)):
            person = getattr(self.workspace, who)
            self.clicks.append(await person.payload_for(card, label))
            await self._click(self.clicks[-1])

    async def _click(self, payload: dict[str, Any]) -> None:
        """Every click is answered: something that can be seen happens."""
        before, slack = self.seen, self.workspace.slack
        payload["trigger_id"] = slack.new_trigger(payload["user"]["id"])
        await self.workspace.practice.slack.interactions.deliver_click(payload)
        await self.workspace.bot.quiet()
        assert self.seen > before, f"nothing answered {payload['actions']}"
        for view in slack.views.pop(payload["user"]["id"], []):
            if "reason" not in view.content["callback_id"]:
                continue  # the form for a table
            slack.views[view.user] = [view]
            chosen = [
                each["value"]
                for block in view.content["blocks"]
                for each in block.get("element", {}).get("options", [])
            ]
            hands = self.workspace.practice.slack.interactions
            await hands.submit(view, {"reason": "No.", "rows": chosen[:1]})
        assert not [m for m in slack.messages if m.user == ""], "Slack complained"

    async def request(self) -> Request:
        """The request as it is stored."""
        store = self.workspace.bot.store
        (found,) = {e.item.request_id for e in await store.lists.asked_in(CHANNEL, None, 10)}
        return await store.requests.get(found)

    async def check(self) -> None:
        """What must be so at any time."""
        request = await self.request()
        store = self.workspace.bot.store
        turns = await store.requests.history(request.id)
        assert [turn.revision for turn in turns] == list(range(1, request.revision + 1))
        confirmed = sum(
            1 for turn in turns if turn.event and turn.event.step is RequestStep.CONFIRM
        )
        upgraded = [customer for customer in self.customers if self._upgrades(customer)]
        for item in request.items:
            assert self._upgrades(item.customer.id) <= 1
            assert item.attempt.number <= confirmed
            if item.state is State.DONE:
                assert item.customer.id in upgraded
            if item.customer.id in upgraded:
                assert item.state in (State.DONE, State.UNKNOWN, State.PERFORMING)
                history = await store.requests.item_history(item.id)
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
        request = await self.request()
        assert not request.is_running
        assert request.at_work == ()
        shown = (await self.workspace.newest_card()).text
        assert marker(request) in shown
        for item in request.items if not request.is_single else ():
            assert f"{STATES[item.state]} · *{item.customer.name}*" in shown


def pressable(card: Message) -> list[dict[str, Any]]:
    """The buttons of a card."""
    return [each for block in card.blocks for each in block.get("elements", []) if "value" in each]


async def live(number: int, story: list[tuple[Any, ...]]) -> None:
    """A request of so many items is asked for, and then all that happens."""
    practice = new_practice()
    partner, customers = practice.partner_center.records, []
    for n in range(number):
        customers.append(partner.add_customer(f"Shop {n}", f"shop{n}.example"))
        partner.add_subscription(customers[-1], records.E1, 5 + n)
    await practice.start()
    await practice.start_bot()
    workspace = Conversation(practice)
    try:
        await workspace.bot.directory.refresh()
        if number == 1:
            await workspace.alice.asks_for_e3("shop0.example")
        else:
            await workspace.alice.types("/upgrade bulk")
            pasted = "\n".join(f"shop{n}.example, Office 365 Enterprise E3" for n in range(number))
            await workspace.alice.fills_in(table=pasted, reason="All of them.")
            await workspace.alice.presses(f"Ask the team for {number} upgrades")
        await workspace.bot.quiet()
        any_story = AnyStory(workspace, customers)
        for action in story:
            await any_story.do(action)
            await workspace.bot.quiet()
            await any_story.check()
        await any_story.converge()
        await any_story.check()
        broken = (await workspace.bot.store.trail.verify()).broken
        assert broken == []
    finally:
        await practice.stop()


@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.sampled_from([1, 3]), st.lists(actions, max_size=14))
def test_each_item_at_most_once_and_every_click_answered(
    number: int, story: list[tuple[Any, ...]]
) -> None:
    """None without the approvals that the policy asks for."""
    asyncio.run(live(number, story))


@pytest.mark.parametrize("number", [1, 3])
def test_a_long_story_with_everything_in_it(number: int) -> None:
    """Drift, a lost answer, a crash, late and repeated clicks."""
    asyncio.run(
        live(
            number,
            [
                ("press", "carol", "Approve"),
                ("seats", 1, 30),
                ("trouble", TROUBLES[1]),
                ("press", "alice", "Upgrade now"),
                ("press", "alice", "Approve"),
                ("press", "carol", "Approve"),
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
            ],
        )
    )


@pytest.mark.parametrize("number", [1, 3])
def test_time_alone_ends_a_request(number: int) -> None:
    """Without any click it expires."""
    asyncio.run(live(number, [("pass", 2 * 24 * 60)]))
