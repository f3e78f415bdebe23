"""Every button, pressed by everybody, in every state: exactly one visible answer."""

from dataclasses import replace
from itertools import product
from typing import Any

import pytest

from bot.domain.policy import Person
from bot.domain.upgrade import Event, State, Step, UpgradeRequest
from bot.messages import action_ids
from bot.sandbox.practice import ALICE, BOB, CAROL, CHANNEL
from bot.sandbox.slack import Message
from tests.requests import NO_LIMIT, NOW, POLICY, request_in
from tests.workspace import Conversation

GUEST = "U0GUEST"
PEOPLE = {"the requester": ALICE, "an approver": CAROL, "a colleague": BOB, "a guest": GUEST}
BUTTONS = [
    action_ids.APPROVE,
    action_ids.LOOKING,
    action_ids.DECLINE,
    action_ids.WITHDRAW,
    action_ids.UPGRADE_NOW,
    action_ids.CHECK_AGAIN,
    action_ids.ASK_AGAIN,
    "of_another_version",
]


@pytest.mark.parametrize("state", list(State))
async def test_every_click_of_everybody_has_one_answer(
    workspace: Conversation, state: State
) -> None:
    """The card changes, a form opens, or the person is told privately: one of them, once."""
    slack = workspace.slack
    slack.add_user(GUEST, "guest", "A guest")
    slack.users[GUEST].is_restricted = True
    slack.channels[CHANNEL].members.add(GUEST)
    slack.groups["S0APPROVERS"].add(GUEST)
    for number, (who, action) in enumerate(product(PEOPLE, BUTTONS)):
        request = await shown(workspace, state, number)
        card = workspace.cards()[-1]
        await press(workspace, PEOPLE[who], action, request, card)
        answers = await answers_to(workspace, PEOPLE[who], request, card)
        assert len(answers) == 1, f"{who} presses {action} in {state}: {answers}"
        if who == "a guest" and action not in (action_ids.CHECK_AGAIN, "of_another_version"):
            assert answers[0].startswith("told: "), f"a guest did something: {answers}"


async def shown(workspace: Conversation, state: State, number: int) -> UpgradeRequest:
    """A request in that state, of a subscription of its own, with its card in the channel."""
    store, worker = workspace.bot.store, workspace.bot.worker
    assert store
    assert worker
    request = request_in(
        state,
        requester=Person(workspace.slack.team_id, ALICE),
        approver=Person(workspace.slack.team_id, BOB),
        channel_id=CHANNEL,
        policy=replace(POLICY, approvals=2 if state is State.AWAITING_APPROVAL else 1),
        id=f"{number:08}-1111-4111-8111-111111111111",
    )
    subscription = replace(request.subscription, id=f"{number:08}-3333-4333-8333-333333333333")
    request = replace(request, subscription=subscription, version=1)
    customer = replace(request.customer, id=workspace.contoso)
    request = replace(request, customer=customer)
    if request.approvals:
        (approval,) = request.approvals
        request = replace(request, approvals=(replace(approval, fingerprint=request.fingerprint),))
    await store.add((request, Event(Step.ASK, state, NOW, request.requester)), most=NO_LIMIT)
    await workspace.bot.quiet()
    workspace.read(workspace.cards()[-1])
    workspace.has_read_that_it_is_their_turn(ALICE)
    workspace.forms_seen()
    return request


async def press(
    workspace: Conversation, user: str, action: str, request: UpgradeRequest, card: Message
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
    workspace: Conversation, user: str, request: UpgradeRequest, card: Message
) -> list[str]:
    """What can be seen of a click."""
    told = [f"told: {workspace.read(message)}" for message in workspace.private(user)]
    seen = [f"form: {title}" for title in workspace.forms_seen()]
    store = workspace.bot.store
    assert store
    steps = [event.step for _, event in await store.history(request.id, after=1)]
    steps = [step for step in steps if step in (Step.APPROVE, Step.READ, Step.WITHDRAW, Step.CLAIM)]
    changed = [f"the card: {step}" for step in steps]
    workspace.read(card)
    await workspace.thread()
    everybody = [f"{other} is told" for other in PEOPLE.values() if workspace.private(other)]
    return told + seen + changed + everybody
