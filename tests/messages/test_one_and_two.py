"""One item and two are told alike: the same buttons, the same news, in the reader's language."""

import json
from collections.abc import Iterator
from dataclasses import replace
from itertools import cycle
from typing import Any

import pytest

from bot.domain.item import Ending, Item, State, Step
from bot.domain.outcome import Aftermath, FollowUp, LicenseError, Outcome
from bot.domain.policy import Confirm
from bot.domain.request import Request, RequestEvent, RequestStep, Transition
from bot.domain.subscription import Customer
from bot.domain.table import Amiss, BadLine, Draft, Line, Wanted
from bot.errors import Reason
from bot.messages import action_ids, notices, table, thread
from bot.messages.blocks import Block, Message
from bot.messages.card import card
from bot.messages.language import use_locale
from tests.factories import (
    ALICE,
    BOB,
    CAROL,
    NOW,
    OPTION,
    POLICY,
    SUBSCRIPTION,
    TRIED,
    item_in,
    request_in,
    request_of,
    run_of,
    running,
    transactions,
    tried,
    voted,
    waiting,
)

LANGUAGES = ["en", "zh-TW", "zh-CN"]
PORTAL = "https://partner.example/customers/{customer}/account"
ONE_AND_TWO = pytest.mark.parametrize("number", [1, 2])


def customer(number: int, name: str = "") -> Customer:
    """A customer of the item's own."""
    return Customer(
        f"{number:08}-2222-4222-8222-222222222222",
        name or f"Shop {number:02}",
        f"shop{number:02}.example",
    )


def several(number: int, *states: State, name: str = "") -> Request:
    """So many items for different customers, in turn in these states, with people who look at what
    waits; what was tried is confirmed."""
    items = [item(n + 1, states[n % len(states)], name) for n in range(number)]
    request = request_of(items)
    return replace(request, run=run_of(request) if set(states) & set(TRIED) else None)


def item(number: int, state: State, name: str) -> Item:
    """An item of a customer of its own, that Bob has approved or Carol."""
    approver = CAROL if number % 2 else BOB
    made = item_in(state, number, approver=approver, customer=customer(number, name))
    if state is State.UNKNOWN:
        return tried(made, looks=1)
    return voted(made, looking=(BOB, CAROL)) if state is State.AWAITING_APPROVAL else made


def buttons(request: Request, portal: str = PORTAL) -> list[Block]:
    """The buttons of its card."""
    blocks = card(request, portal).blocks
    return [each for block in blocks if block["type"] == "actions" for each in block["elements"]]


def actions(request: Request, portal: str = PORTAL) -> list[str]:
    """What the buttons of its card do."""
    return [each["action_id"] for each in buttons(request, portal)]


def labels(request: Request) -> list[str]:
    """What stands on the buttons of its card."""
    return [each["text"]["text"] for each in buttons(request)]


# Buttons


@ONE_AND_TWO
@pytest.mark.parametrize("state", list(State))
@pytest.mark.parametrize("language", LANGUAGES)
def test_every_button_says_aloud_what_it_is_about(language: str, state: State, number: int) -> None:
    """In at most 75 characters, which begin with its text, however long the customer's name is."""
    with use_locale(language):
        for name in ("", "Łódź & Sons <!channel> " * 20, "授權" * 200):
            shown = buttons(several(number, state, name=name))
            assert shown, state
            for each in shown:
                text, aloud = each["text"]["text"], each["accessibility_label"]
                assert aloud.startswith(text)
                assert len(text) + 2 < len(aloud) <= 75


@pytest.mark.parametrize("state", list(State))
def test_two_items_have_the_buttons_of_one(state: State) -> None:
    """In the same order, and beside them the one that leaves some of them out."""
    of_two = actions(several(2, state))
    assert actions(several(1, state)) == [each for each in of_two if each != action_ids.LEAVE_OUT]
    assert (action_ids.LEAVE_OUT in of_two) is (state in (State.AWAITING_APPROVAL, State.APPROVED))


@ONE_AND_TWO
def test_each_state_has_its_buttons(number: int) -> None:
    """*I'm looking* while it waits, *Try again* after a failure, *Ask again* after another end."""
    assert "I'm looking" in labels(several(number, State.AWAITING_APPROVAL))
    assert labels(several(number, State.FAILED)) == ["Try again", "Partner Center"]
    for state in (State.DECLINED, State.WITHDRAWN, State.EXPIRED):
        assert labels(several(number, state)) == ["Ask again", "Partner Center"]
    for state in (State.PERFORMING, State.DONE):
        assert labels(several(number, state)) == ["Partner Center"]


@ONE_AND_TWO
def test_what_runs_cannot_be_started_twice(number: int) -> None:
    """The button is away once it was pressed."""
    assert action_ids.UPGRADE_NOW in actions(several(number, State.APPROVED))
    assert action_ids.UPGRADE_NOW not in actions(running(number))


@ONE_AND_TWO
def test_an_upgrade_that_was_seen_to_happen_otherwise_is_not_tried_again(number: int) -> None:
    """Where Partner Center may have changed something, a person has to look there."""
    items = [
        replace(each, ending=each.ending and replace(each.ending, outcome=Outcome(seen=True)))
        for each in several(number, State.FAILED).items
    ]
    assert labels(request_of(items)) == ["Partner Center"]


def test_partner_center_is_opened_at_the_customer_or_at_the_list_of_them() -> None:
    """Two items of one customer are one customer; without an address there is no button."""
    of_one, of_two = several(1, State.DONE), several(2, State.DONE)
    address = f"https://partner.example/customers/{customer(1).id}/account"
    assert buttons(of_one)[-1]["url"] == address
    assert buttons(of_two)[-1]["url"] == "https://partner.example/customers"
    alike = request_of(replace(each, customer=customer(1)) for each in of_two.items)
    assert buttons(alike)[-1]["url"] == address
    assert not {action_ids.PORTAL} & {*actions(of_one, ""), *actions(of_two, "")}


@ONE_AND_TWO
def test_the_buttons_of_a_card_are_good_for_what_it_shows(number: int) -> None:
    """All of them have the same value, which is read back as what the card stands for."""
    request = several(number, State.AWAITING_APPROVAL)
    values = {each["value"] for each in buttons(request, "")}
    assert {action_ids.card_ref(value) for value in values} == {request.card_ref}


@pytest.mark.parametrize(
    ("number", "said"),
    [
        (1, "and *the last approval starts the upgrade*."),
        (2, "*The last approval of each starts it.*"),
    ],
)
def test_an_approval_that_starts_the_upgrade_says_so(number: int, said: str) -> None:
    """On the card, and before the click that it cannot be undone."""
    starts, only = waiting(number, confirm=Confirm.NOBODY), waiting(number)
    assert said in card(starts).text
    assert "This cannot be undone." in buttons(starts)[0]["confirm"]["text"]["text"]
    assert said not in card(only).text
    assert "This cannot be undone." not in buttons(only)[0]["confirm"]["text"]["text"]


@ONE_AND_TWO
def test_of_many_who_look_some_are_named_and_all_are_counted(number: int) -> None:
    """A channel full of approvers does not push the rest off the card."""
    people = tuple(replace(CAROL, user_id=f"U0{n:03}") for n in range(40))
    looked_at = [voted(each, looking=people) for each in waiting(number).items]
    shown = card(request_of(looked_at)).text
    assert "<@U0009> and 30 more are looking." in shown
    assert "<@U0010>" not in shown


# Threads


@ONE_AND_TWO
def test_the_thread_says_who_can_start_what_is_approved(number: int) -> None:
    """The requester, or where the policy says so an approver."""
    for confirm, who in (
        (Confirm.REQUESTER, "<@U0ALICE>"),
        (Confirm.APPROVER, "<!subteam^S0APPROVERS>"),
    ):
        items = [
            replace(each, policy=replace(POLICY, confirm=confirm))
            for each in request_in(State.APPROVED, number).items
        ]
        request = request_of(items)
        *_, lines = told_of(request, Step.APPROVE)
        assert text(lines).endswith(f"{who}: *Upgrade now* can be pressed.")


@ONE_AND_TWO
def test_the_thread_says_why_an_item_was_not_claimed(number: int) -> None:
    """What was confirmed and is not started is not passed over in silence."""
    request = running(number)
    skipped = RequestEvent(
        RequestStep.SKIP, NOW, None, request.item_ids[:1], Reason.SUBSCRIPTION_BUSY.value
    )
    (line,) = thread.lines(request, (), skipped)
    assert line.message.text == (
        "*Contoso* (contoso.example) was passed over: another upgrade of the same subscription is "
        "running. Nothing was sent for it."
    )


@ONE_AND_TWO
@pytest.mark.parametrize("language", LANGUAGES)
def test_every_step_that_people_take_is_told_once(language: str, number: int) -> None:
    """However many items it hit."""
    steps = (Step.APPROVE, Step.DECLINE, Step.WITHDRAW, Step.EXPIRE, Step.REMIND)
    with use_locale(language):
        for step in steps:
            for lines in told_of(request_in(State.APPROVED, number), step):
                assert len(lines) == 1, step


@ONE_AND_TWO
def test_a_finished_upgrade_is_looked_after_in_the_thread(number: int) -> None:
    """Of several items only what is left to do: fifty times *all is well* is too much."""
    request = several(number, State.DONE)
    well = Aftermath(SUBSCRIPTION, replace(SUBSCRIPTION, id="new"))
    assert bool(next(told_of(request, Step.FOLLOW_UP, aftermath=well))) is (number == 1)
    for there in (
        replace(well, source=replace(SUBSCRIPTION, add_ons=("Audio Conferencing",))),
        replace(well, target=replace(SUBSCRIPTION, id="new", status="suspended")),
        replace(well, target=None),
    ):
        lines = next(told_of(request, Step.FOLLOW_UP, aftermath=there))
        assert "Looked after: The new plan is " in text(lines)
        assert "⚠️ <@U0ALICE>: " in text(lines)


def test_what_an_hour_later_came_to_is_counted() -> None:
    """What is well, what is left to do, and what could not be seen."""
    found = [FollowUp.WELL, FollowUp.LEFT_TO_DO, FollowUp.NOT_SEEN, FollowUp.WELL, None]
    request = several(len(found), State.DONE)
    items = [
        replace(item, ending=replace(item.ending or Ending(NOW), follow_ups=1, followed_up=each))
        for item, each in zip(request.items, found, strict=True)
    ]
    event = RequestEvent(RequestStep.FOLLOW_UP, NOW)
    told = text(thread.lines(replace(request, items=tuple(items)), (), event))
    assert told == (
        "Looked after: The new plans of 2 upgrades are active, and nothing is left over. With 1 "
        "something is left to do: its own line above says what. 1 could not be looked at."
    )
    assert thread.lines(replace(request, items=tuple(items[-1:] * 2)), (), event) == []


def told_of(request: Request, step: Step, **facts: Any) -> Iterator[list[thread.Line]]:
    """The lines of a step, of one item and of all."""
    for steps, event in transactions(request, **facts):
        if event is None and steps[0][1].step is step:
            yield thread.lines(request, steps, None)


def text(lines: list[thread.Line]) -> str:
    """What lines of a thread say."""
    return "\n".join(line.message.text for line in lines)


# A channel that cannot be written to

NOT_POSTED = {
    "not_in_channel": ("I am not in that channel", "Type `/invite @upgrade-bot` there"),
    "channel_not_found": ("I am not in that channel", "Type `/invite @upgrade-bot` there"),
    "is_archived": ("that channel is archived", "Let somebody unarchive it"),
    "is_inactive": ("that channel is archived", "Let somebody unarchive it"),
    "restricted_action": ("only some people may post there", "Let an admin of Slack allow me"),
    "something_new": ("Slack does not let me post there", "Ask an admin of Slack"),
}


@ONE_AND_TWO
@pytest.mark.parametrize("word", NOT_POSTED)
def test_a_channel_that_cannot_be_written_to_is_told_with_its_remedy(
    word: str, number: int
) -> None:
    """An archived one is told as archived: an invitation does not help there."""
    request, (why, remedy) = several(number, State.AWAITING_APPROVAL), NOT_POSTED[word]
    about = "*Shop 01*" if number == 1 else "2 upgrades"
    asked = notices.not_posted(request, word, []).text
    assert asked == (
        f"I could not show the request for {about} in <#C0UPGRADES>, because {why}. It is kept, "
        f"and nothing was ordered. {remedy} and I will post it."
    )
    *_, lines = told_of(request, Step.EXPIRE)
    told = notices.not_posted(request, word, [line.message for line in lines]).text
    assert told == (
        f"I cannot show how the request for {about} in <#C0UPGRADES> goes on, because {why}. So I "
        f"tell you here:\n{text(lines)}\n{remedy} and I will post it."
    )


# Languages


@pytest.mark.parametrize("number", [2, 50])
@pytest.mark.parametrize("language", ["zh-TW", "zh-CN"])
def test_lists_in_chinese_have_their_own_signs(language: str, number: int) -> None:
    """Names, counts and buttons stand in a row with `、` between them, and never with `, `."""
    with use_locale(language):
        told = [in_full(message.blocks) for message in messages(number)]
        names = card(several(2, State.AWAITING_APPROVAL)).text
    assert [text for text in told if ", " in text or "; " in text] == []
    assert "<@U0BOB>、<@U0CAROL>" in names
    assert any("*Shop 01* (shop01.example)、*Shop 02* (shop02.example)" in text for text in told)


def in_full(blocks: list[Block]) -> str:
    """The blocks without any blank of ours between their texts."""
    return json.dumps(blocks, ensure_ascii=False, separators=(",", ":"))


def messages(number: int) -> Iterator[Message]:
    """All that is said of so many items at once."""
    for states in (*((state,) for state in State), tuple(State)):
        request = several(number, *states)
        yield card(request, PORTAL)
        yield notices.not_posted(request, "is_archived", [])
        yield from in_thread(request)
        for reason in Reason:
            yield from notices.kept(kept(request, reason))
    two_approvers = [
        replace(each, policy=replace(POLICY, approvers=((f"S{n}",),)))
        for n, each in enumerate(several(number, State.AWAITING_APPROVAL).items)
    ]
    yield from in_thread(request_of(two_approvers))
    yield notices.looked(several(number, State.UNKNOWN))
    yield from previews(number)


def in_thread(request: Request) -> Iterator[Message]:
    """The lines of its thread."""
    people = (LicenseError("Ann", "id", "ann@shop.example", ("No seat is left.",)),) * 2
    there = replace(SUBSCRIPTION, add_ons=("Audio Conferencing", "Calling Plan"))
    outcome, aftermath = Outcome("new", people), Aftermath(there, there)
    for steps, event in transactions(request, outcome=outcome, aftermath=aftermath):
        yield from (line.message for line in thread.lines(request, steps, event))


def kept(request: Request, reason: Reason) -> Transition:
    """A click that changed one item, and none of the others for that reason."""
    event = RequestEvent(RequestStep.CONFIRM, NOW, CAROL, request.item_ids[:1])
    return Transition(request, (), event, tuple((each, reason) for each in request.items[1:]))


def previews(number: int) -> Iterator[Message]:
    """Of a table with so many lines."""
    customers = tuple(customer(n + 1) for n in range(number))
    good = tuple(Wanted(n, each, SUBSCRIPTION, OPTION) for n, each in enumerate(customers))
    bad = [
        BadLine(Line(n, each.domain, "E5"), amiss, customers[:3], ("E3", "E5"))
        for n, (each, amiss) in enumerate(zip(customers, cycle(Amiss), strict=False))
    ]
    draft = Draft("d", ALICE, "C0UPGRADES", "Growth.", "", good, NOW)
    yield table.preview(draft, bad)
    yield from table.left_out(list(good))
