"""Every button of a bundle, pressed by everybody, in every state: exactly one visible answer."""

from dataclasses import replace
from itertools import product
from typing import Any

import pytest

from bot.domain.bundle import Bundle, BundleEvent, BundleStep
from bot.domain.policy import Person
from bot.domain.upgrade import Approval, CardRef, Event, State, Step, UpgradeRequest
from bot.messages import action_ids
from bot.sandbox.practice import ALICE, BOB, CAROL, CHANNEL
from bot.sandbox.slack import Message
from tests.requests import NO_LIMIT, NOW, POLICY, request_in
from tests.workspace import Conversation

GUEST = "U0GUEST"
PEOPLE = {"the requester": ALICE, "an approver": CAROL, "a colleague": BOB, "a guest": GUEST}
BUTTONS = [
    action_ids.APPROVE_ALL,
    action_ids.LEAVE_OUT,
    action_ids.DECLINE_ALL,
    action_ids.WITHDRAW_ALL,
    action_ids.UPGRADE_ALL,
    action_ids.CHECK_ALL,
]
DECISIONS = {BundleStep.APPROVE, BundleStep.WITHDRAW, BundleStep.CONFIRM}
STAGES = {**{state.value: (state, state) for state in State},
          "mixed": (State.AWAITING_APPROVAL, State.APPROVED),
          "stopped": (State.FAILED, State.APPROVED)}  # fmt: skip


@pytest.mark.parametrize("stage", list(STAGES))
async def test_every_click_of_everybody_has_one_answer(workspace: Conversation, stage: str) -> None:
    """The card changes, a form opens, or the person is told privately: one of them, once."""
    slack = workspace.slack
    slack.add_user(GUEST, "guest", "A guest")
    slack.users[GUEST].is_restricted = True
    slack.channels[CHANNEL].members.add(GUEST)
    slack.groups["S0APPROVERS"].add(GUEST)
    for number, (who, action) in enumerate(product(PEOPLE, BUTTONS)):
        bundle = await shown(workspace, stage, number)
        card = workspace.cards()[-1]
        await press(workspace, PEOPLE[who], action, bundle, card)
        answers = await answers_to(workspace, PEOPLE[who], bundle, card)
        assert len(answers) == 1, f"{who} presses {action} in {stage}: {answers}"
        if who == "a guest" and action != action_ids.CHECK_ALL:
            assert answers[0].startswith("told: "), f"a guest did something: {answers}"


async def shown(workspace: Conversation, stage: str, number: int) -> Bundle:
    """A bundle of two rows in that state, with its card in the channel."""
    store = workspace.bot.store
    assert store
    bundle_id = f"bundle/{number:08}-0000-4000-8000-000000000000"
    alice = Person(workspace.slack.team_id, ALICE)
    rows = tuple(
        row(workspace, bundle_id, state, f"{number:08}-{n}111-4111-8111-111111111111")
        for n, state in enumerate(STAGES[stage])
    )
    tried = tuple(CardRef(each.id, each.round, 0) for each in rows if each.attempt)
    bundle = Bundle(
        id=bundle_id,
        version=1,
        requester=alice,
        channel_id=CHANNEL,
        reason="They need it.",
        evidence="",
        request_ids=tuple(each.id for each in rows),
        failures_allowed=0,
        created_at=NOW,
        moved_at=NOW,
        confirmed_by=alice if tried else None,
        confirmed_at=NOW if tried else None,
        confirmed=tried,
        begun=len(tried),
        is_stopped=stage == "stopped",
        is_summed_up=True,
        rows=rows,
    )
    taken = tuple((each, Event(Step.ASK, each.state, NOW, alice)) for each in rows)
    await store.bundles.add((bundle, taken, BundleEvent(BundleStep.ASK, NOW, alice)), most=NO_LIMIT)
    await workspace.bot.quiet()
    workspace.read(workspace.cards()[-1])
    workspace.forms_seen()
    return bundle


def row(workspace: Conversation, bundle_id: str, state: State, id: str) -> UpgradeRequest:
    """A row in that state, of a subscription of its own."""
    approver = Person(workspace.slack.team_id, BOB)
    request = request_in(
        state,
        requester=Person(workspace.slack.team_id, ALICE),
        approver=approver,
        channel_id=CHANNEL,
        policy=replace(POLICY, approvals=2 if state is State.AWAITING_APPROVAL else 1),
        id=id,
    )
    subscription = replace(request.subscription, id=id.replace("1111", "3333"))
    customer = replace(request.customer, id=workspace.contoso)
    request = replace(request, subscription=subscription, customer=customer, version=1)
    votes = tuple(Approval(each.by, NOW, request.fingerprint) for each in request.approvals)
    return replace(request, approvals=votes, bundle_id=bundle_id)


async def press(
    workspace: Conversation, user: str, action: str, bundle: Bundle, card: Message
) -> None:
    """Press such a button of the card, whether or not it shows one."""
    value = action_ids.of_bundle(bundle)
    element: dict[str, Any] = {
        "type": "button",
        "action_id": action,
        "block_id": "any",
        "value": value,
    }
    interactions = workspace.practice.slack.interactions
    await interactions.deliver_click(interactions.click_payload(user, card, element))
    await workspace.bot.quiet()


async def answers_to(
    workspace: Conversation, user: str, bundle: Bundle, card: Message
) -> list[str]:
    """What can be seen of a click."""
    told = [workspace.read(message) for message in workspace.private(user)]
    told = [f"told: {text}" for text in told if "It is your turn" not in text]
    seen = [f"form: {title}" for title in workspace.forms_seen()]
    store = workspace.bot.store
    assert store
    history = await store.bundles.history(bundle.id, after=1)
    changed = [f"the card: {event.step}" for _, event in history if event.step in DECISIONS]
    workspace.read(card)
    await workspace.thread()
    everybody = [f"{other} is told" for other in PEOPLE.values() if workspace.private(other)]
    return told + seen + changed + everybody
