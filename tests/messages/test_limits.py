"""The longest of everything stays within what Slack takes, of one item and of fifty, in every
language."""

import json
from collections.abc import Iterator
from dataclasses import replace
from itertools import cycle, islice

import pytest

from bot.domain.change import Fact
from bot.domain.drift import Difference
from bot.domain.item import Item, State
from bot.domain.lists import Home, ListedItem
from bot.domain.offer import Offered
from bot.domain.outcome import Aftermath, LicenceCount, LicenseError, Outcome
from bot.domain.policy import Confirm, MemberKind, Person, Readiness
from bot.domain.request import MOST_ITEMS, Request, RequestEvent, RequestStep, Transition
from bot.domain.subscription import (
    Customer,
    Kind,
    Obstacle,
    ObstacleCode,
    Upgradable,
    UpgradeOption,
    UpgradeType,
)
from bot.domain.table import Amiss, BadLine, Draft, Line, Wanted
from bot.errors import Reason, Unreachable
from bot.messages import (
    action_ids,
    forms,
    history,
    home,
    notices,
    options,
    refusals,
    status,
    table,
    thread,
    trouble,
    usage,
)
from bot.messages.blocks import Block, Message
from bot.messages.card import card
from bot.messages.language import use_locale
from bot.sandbox.slack.block_kit import home_problems, message_problems, text_size, view_problems
from tests.conftest import RECORD_IN
from tests.factories import (
    ALICE,
    CAROL,
    NOW,
    OPTION,
    POLICY,
    TRIED,
    item_in,
    refused,
    request_of,
    run_of,
    transactions,
    tried,
    voted,
)

MANY = 50
MOST_CHARACTERS = 12_000
"""A message with about 13,200 is refused: https://github.com/slackapi/bolt-js/issues/2509"""

PORTAL = "https://partner.example/customers/{customer}/account"
LINK = "https://slack.example/archives/C0UPGRADES/p1"

TEXTS = {
    "ampersands": "&" * 3000,
    "chinese": "授權" * 1500,
    "families": "👩‍👩‍👧‍👦" * 400,
    "mentions": "<!channel> <@U0CAROL> *bold* `code` " * 90,
    "right to left": "\u202e\u05e9\u05dc\u05d5\u05dd " * 500,
}


def extreme_item(text: str, state: State, number: int = 1) -> Item:
    """An item in which everything is as long as it can be."""
    plain = item_in(state, number)
    names = (text,) * MANY
    subscription = replace(
        plain.subscription,
        name=text,
        kind=Kind.NEW_COMMERCE if number % 2 else Kind.TRADITIONAL,
        scheduled_change=text,
        add_ons=names,
        promotion_id=text,
        suspended_because=names[:3],
    )
    item = item_in(
        state,
        number,
        customer=Customer(f"{number:08}-2222-4222-8222-222222222222", text, text),
        subscription=subscription,
        change=replace(plain.change, name=text, seats=24),
        policy=replace(
            POLICY,
            approvals=9,
            approvers=tuple((f"S0GROUP{group}", "channel") for group in range(5)),
            confirm=Confirm.NOBODY,
            banners=(text[:200], text[200:400]),
        ),
        earlier=tuple(replace(each, target=text) for each in plain.earlier * 3),
    )
    if state is State.DECLINED and item.ending:
        item = replace(item, ending=replace(item.ending, because=text))
    if state in TRIED:
        item = tried(item, operation_id=text if state is State.PERFORMING else "", looks=1)
    lookers = tuple(Person(ALICE.team_id, f"U0{n:09}") for n in range(MANY))
    return voted(item, round=2, looking=lookers, approvals=item.votes.approvals * 9)


def extreme(text: str, number: int, *states: State) -> Request:
    """So many items, in turn in these states."""
    each = enumerate(islice(cycle(states), number), 1)
    return request_of(
        (extreme_item(text, state, n) for n, state in each),
        reason=text,
        evidence="https://mail.example/" + "&" * 470,
    )


def messages(text: str, number: int) -> Iterator[Message]:
    """Everything that is said of a request of so many items, with that text wherever text comes
    from outside."""
    for state in State:
        request = extreme(text, number, state)
        yield card(replace(request, run=run_of(request) if state in TRIED else None), PORTAL)
        yield refusals.refusal(refused(Reason.WRONG_STATE, request))
    mixed = extreme(text, number, *State)
    run = run_of(mixed)
    for each in (None, run, replace(run, is_stopped=True)):
        yield card(replace(mixed, run=each), PORTAL)
    for reason in Reason:
        yield refusals.refusal(refused(reason, mixed))
    yield notices.your_turn(extreme(text, number, State.APPROVED), LINK)
    yield notices.looked(extreme(text, number, State.UNKNOWN))
    yield notices.not_shown(mixed)
    yield notices.not_posted(mixed, text, [])
    kept = tuple(zip(mixed.items, cycle(Reason), strict=False))
    event = RequestEvent(RequestStep.CONFIRM, NOW, CAROL, mixed.item_ids)
    yield from notices.kept(Transition(mixed, (), event, kept))
    yield from in_thread(text, extreme(text, number, State.DONE, *State))


def in_thread(text: str, request: Request) -> Iterator[Message]:
    """The lines of its thread, also without their files and in direct messages."""
    request = replace(request, run=run_of(request))
    differences = tuple(Difference(f, text, text) for f in Fact if f is not Fact.ENDS_AT)
    facts = {"differences": differences, "outcome": outcome(text), "aftermath": aftermath(text)}
    for steps, event in transactions(request, text, **facts):
        lines = thread.lines(request, steps, event)
        for line in lines:
            yield line.message
            yield thread.without_its_file(line, "file_uploads_disabled")
        if lines:
            yield notices.not_posted(request, "is_archived", [line.message for line in lines])


def answers(text: str) -> Iterator[Message]:
    """Private answers, which are of no request yet or of many."""
    item = extreme_item(text, State.DONE)
    yield history.history(text, [listed(item)] * MANY)
    yield options.which_customer([item.customer] * MANY)
    eligible = option_of(text)
    listing = [(eligible, f"{number:036}") for number in range(MANY)]
    why = (Obstacle(ObstacleCode.UNKNOWN, text, text),)
    impossible = [(replace(eligible, eligible=False, obstacles=why), None)] * MANY
    three = [
        Upgradable(replace(item.subscription, id=f"{number}"), (*listing, *impossible))
        for number in range(3)
    ]
    yield from options.upgrade_options(item.customer, three)
    yield usage.usage(item.policy)
    yield trouble.trouble_reply(Unreachable(text, code="1", request_id="r", correlation_id="c"))
    yield status.status(Readiness(False, False, Reason.NOT_A_MEMBER, Reason.MAY_NOT_APPROVE))
    yield from previews(text)


def previews(text: str) -> Iterator[Message]:
    """Of good lines, of bad ones, and of both."""
    item = extreme_item(text, State.AWAITING_APPROVAL)
    good = tuple(
        Wanted(n, item.customer, item.subscription, option_of(text)) for n in range(MOST_ITEMS)
    )
    bad = [
        BadLine(
            Line(n, text, text, text),
            amiss,
            customers=(item.customer,) * 3 if n % 2 else (),
            targets=(text,) * 3,
            obstacles=outcome(text).obstacles[:1],
        )
        for n, amiss in enumerate(islice(cycle(Amiss), MOST_ITEMS))
        if amiss is not Amiss.SEVERAL_SUBSCRIPTIONS or n % 2
    ]
    draft = Draft("d", ALICE, "C0UPGRADES", text, "", good, NOW)
    yield table.looking(MOST_ITEMS)
    yield table.preview(draft, [])
    yield table.preview(replace(draft, wanted=()), bad)
    yield table.preview(replace(draft, wanted=good[:10]), bad[:40])
    yield from table.left_out(list(good))


def forms_of(text: str, number: int) -> Iterator[Block]:
    """Every form."""
    request = extreme(text, number, State.AWAITING_APPROVAL)
    item, value = request.items[0], action_ids.of_card(request)
    option = replace(option_of(text), seats_can_be_fewer=True)
    offered = Offered(
        item.id, ALICE, request.channel_id, item.customer, item.subscription, option, NOW
    )
    yield forms.review(offered, item.policy, item.price, item.earlier * 9)
    yield forms.decline(request, list(request.item_ids), value)
    yield forms.leave_out(request, list(request.item_ids), value)
    yield forms.find(request.channel_id)
    yield table.paste(request.channel_id, item.policy, table.again(list(request.items)))


def option_of(text: str) -> UpgradeOption:
    """An option with a long name, into a subscription with another."""
    kind = UpgradeType.WITH_LICENSE_TRANSFER
    return replace(OPTION, name=text, type=kind, into="x", into_name=text, seats=24)


def listed(item: Item) -> ListedItem:
    """An item as a list shows it."""
    return ListedItem(item, ALICE, "C0UPGRADES", LINK)


def outcome(text: str) -> Outcome:
    """A result with many people in it."""
    people = tuple(LicenseError(text, text, text, (text, text)) for _ in range(MANY))
    obstacles = (Obstacle(ObstacleCode.UNKNOWN, text, text),) * 3
    return Outcome(text, people, obstacles=obstacles)


def aftermath(text: str) -> Aftermath:
    """What there is afterwards, with many products."""
    there = extreme_item(text, State.DONE).subscription
    counts = tuple(LicenceCount(f"{number}", text, 1, 2) for number in range(MANY))
    return Aftermath(there, replace(there, id="other"), counts)


LANGUAGES_AND_TEXTS = [
    *(("en", name) for name in TEXTS),
    ("zh-TW", "ampersands"),
    ("zh-CN", "ampersands"),
]
"""What outside text becomes does not depend on the language; how long sentences are does."""


@pytest.mark.parametrize("number", [1, MOST_ITEMS])
@pytest.mark.parametrize(("language", "name"), LANGUAGES_AND_TEXTS)
def test_all_that_is_said_of_a_request_fits(language: str, name: str, number: int) -> None:
    """Cards, threads, notices, refusals and forms: single limits, and all characters together."""
    text = TEXTS[name]
    with use_locale(language):
        for n, message in enumerate(messages(text, number)):
            fits(message, f"{number}-{language}-{name}-{n}")
        for n, form in enumerate(forms_of(text, number)):
            record(f"form-{number}-{language}-{name}-{n}", form)
            assert view_problems(form) == []


@pytest.mark.parametrize(("language", "name"), LANGUAGES_AND_TEXTS)
def test_all_answers_and_homes_fit(language: str, name: str) -> None:
    """The lists among them have many items of many requests."""
    text = TEXTS[name]
    items = tuple(listed(extreme_item(text, state)) for state in State) * 2
    at_home = Home(MemberKind.FULL_MEMBER, items[0].item.policy, *(items[:10],) * 3)
    with use_locale(language):
        for number, message in enumerate(answers(text)):
            fits(message, f"answer-{language}-{name}-{number}")
        view = home.view(at_home)
    record(f"home-{language}-{name}", view)
    assert home_problems(view) == []
    assert len(json.dumps(view)) < 250_000


@pytest.mark.parametrize("name", TEXTS)
@pytest.mark.parametrize("number", [1, 2, MOST_ITEMS])
def test_every_item_is_on_the_card_however_long_its_names_are(name: str, number: int) -> None:
    """The marker of the card, and beside several items the state of each."""
    shown = card(extreme(TEXTS[name], number, State.DONE)).blocks
    signs = sum(str(block.get("text")).count("✅") for block in shown)
    assert signs == (1 if number == 1 else 1 + number)


def test_all_items_that_can_be_asked_for_again_stand_in_the_form() -> None:
    """As long as their lines have room in it, and none is cut."""
    request = extreme("x" * 250, MOST_ITEMS, State.EXPIRED)
    lines = table.again(list(request.items)).splitlines()
    assert 0 < len(lines) < MOST_ITEMS
    assert all(line == f"{'x' * 250}, {request.items[0].change.offer_id}" for line in lines)


def fits(message: Message, name: str) -> None:
    """Slack would take the message."""
    record(name, {"text": message.text, "blocks": message.blocks})
    assert message_problems(message.blocks) == []
    assert text_size(message.blocks) <= MOST_CHARACTERS, message.text[:200]
    assert 0 < len(message.text) <= 4000


def record(name: str, content: Block) -> None:
    """Write it into the folder that `RECORD` names, for other judges."""
    if RECORD_IN:
        path = RECORD_IN / f"limits-{name.replace(' ', '-')}.json"
        path.write_text(json.dumps(content), encoding="utf-8")
