"""Every button, pressed by everybody, in every state, of one item and of two: exactly one visible
answer."""

from dataclasses import replace
from itertools import product
from typing import Any

import pytest

from bot.domain.item import Event, Item, State, Step
from bot.domain.request import Confirmed, Request, RequestEvent, RequestStep, Run, Transition
from bot.messages import action_ids
from bot.sandbox.practice import ALICE, BOB, CAROL, CHANNEL
from bot.sandbox.slack import Message
from tests import factories
from tests.factories import NO_LIMIT, NOW, POLICY, approval_of, item_in, request_of, voted
from tests.workspace import Conversation

GUEST = "U0GUEST"
PEOPLE = {"the requester": ALICE, "an approver": CAROL, "a colleague": BOB, "a guest": GUEST}
BUTTONS = [
    action_ids.APPROVE,
    action_ids.LOOKING,
    action_ids.LEAVE_OUT,
    action_ids.DECLINE,
    action_ids.WITHDRAW,
    action_ids.UPGRADE_NOW,
    action_ids.CHECK_AGAIN,
    action_ids.ASK_AGAIN,
    "of_another_version",
]
OLD_NAMES = [action_ids.ALIASES.get(each, each) for each in BUTTONS]
"""As they stand on cards of several items that an older version has posted."""

FOR_ALL = (action_ids.CHECK_AGAIN, "of_another_version", action_ids.ALIASES["check_again"])

STAGES = {
    **{f"one item {state}": (state,) for state in State},
    **{f"two items {state}": (state, state) for state in State},
    "waiting and approved": (State.AWAITING_APPROVAL, State.APPROVED),
    "failed and approved": (State.FAILED, State.APPROVED),
}


@pytest.mark.parametrize("stage", list(STAGES))
async def test_every_click_of_everybody_has_one_answer(workspace: Conversation, stage: str) -> None:
    """The card changes, a form opens, or the person is told privately: one of them, once."""
    slack = workspace.slack
    slack.add_user(GUEST, "guest", "A guest")
    slack.users[GUEST].is_restricted = True
    slack.channels[CHANNEL].members.add(GUEST)
    slack.groups["S0APPROVERS"].add(GUEST)
    names = OLD_NAMES if stage.startswith("two items") else BUTTONS
    for number, (who, action) in enumerate(product(PEOPLE, names)):
        request = await shown(workspace, STAGES[stage], number)
        card = workspace.cards()[-1]
        await press(workspace, PEOPLE[who], action, request, card)
        answers = await answers_to(workspace, PEOPLE[who], request, card)
        assert len(answers) == 1, f"{who} presses {action} in {stage}: {answers}"
        if who == "a guest" and action not in FOR_ALL:
            assert answers[0].startswith("told: "), f"a guest did something: {answers}"


async def shown(workspace: Conversation, states: tuple[State, ...], number: int) -> Request:
    """A request of items in these states, each of a subscription of its own, with its card in the
    channel."""
    items = tuple(item(workspace, state, 10 * number + n) for n, state in enumerate(states))
    tried = tuple(
        Confirmed(each.id, 1, 0, factories.ALICE) for each in items if each.attempt.number
    )
    is_stopped = State.FAILED in states and State.APPROVED in states
    run = Run(factories.ALICE, NOW, tried, is_stopped=is_stopped, is_told=True) if tried else None
    request = request_of(
        items,
        id=f"{number:08}-2222-4222-8222-222222222222",
        channel_id=CHANNEL,
        run=run,
        is_summed_up=True,
        revision=1,
    )
    asked = tuple(
        (each, Event(Step.ASK, each.state, NOW, factories.ALICE)) for each in request.items
    )
    first = RequestEvent(RequestStep.ASK, NOW, factories.ALICE)
    store = workspace.bot.store
    await store.requests.add(Transition(request, asked, first), most=NO_LIMIT)
    await workspace.bot.quiet()
    workspace.read(workspace.cards()[-1])
    workspace.has_read_that_it_is_their_turn(ALICE)
    workspace.forms_seen()
    return request


def item(workspace: Conversation, state: State, number: int) -> Item:
    """An item that Bob approved, or that waits for two approvals."""
    policy = replace(POLICY, approvals=2 if state is State.AWAITING_APPROVAL else 1)
    customer = replace(factories.CUSTOMER, id=workspace.contoso)
    made = item_in(
        state, number, approver=factories.BOB, policy=policy, customer=customer, version=1
    )
    return voted(made, approvals=tuple(approval_of(made, each.by) for each in made.votes.approvals))


async def press(
    workspace: Conversation, user: str, action: str, request: Request, card: Message
) -> None:
    """Press such a button of the card, whether or not it shows one."""
    element: dict[str, Any] = {
        "type": "button",
        "action_id": action,
        "block_id": "any",
        "value": action_ids.of_card(request),
    }
    interactions = workspace.practice.slack.interactions
    await interactions.deliver_click(interactions.click_payload(user, card, element))
    await workspace.bot.quiet()


async def answers_to(
    workspace: Conversation, user: str, request: Request, card: Message
) -> list[str]:
    """What can be seen of a click."""
    told = [workspace.read(message) for message in workspace.private(user)]
    told = [f"told: {text}" for text in told if "It is your turn" not in text]
    seen = [f"form: {title}" for title in workspace.forms_seen()]
    decisions = (Step.APPROVE, Step.LOOKING, Step.WITHDRAW)
    changed: list[str] = []
    for turn in await workspace.bot.store.requests.history(request.id, after=1):
        steps = {event.step for _, event in turn.items if event.step in decisions}
        changed += [f"the card: {step}" for step in steps]
        if turn.event and turn.event.step is RequestStep.CONFIRM:
            changed.append("the card: confirm")
    workspace.read(card)
    await workspace.thread()
    everybody = [f"{other} is told" for other in PEOPLE.values() if workspace.private(other)]
    return told + seen + changed + everybody
