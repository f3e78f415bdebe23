"""The longest of everything stays within what Slack takes, in every language."""

import json
from collections.abc import Iterator
from dataclasses import replace

import pytest

from bot.domain.drift import Difference, Fact
from bot.domain.home import Home
from bot.domain.offer import Offered
from bot.domain.policy import Confirm, MemberKind, Person, Readiness
from bot.domain.subscription import (
    Customer,
    Kind,
    Obstacle,
    ObstacleCode,
    Upgradable,
)
from bot.domain.upgrade import (
    Aftermath,
    Event,
    LicenceCount,
    LicenseError,
    Outcome,
    State,
    Step,
    UpgradeRequest,
)
from bot.errors import Reason, Refused
from bot.messages import forms, history, home, options, replies, status, thread
from bot.messages.blocks import Block, Message
from bot.messages.card import card
from bot.messages.language import use_locale
from bot.sandbox.slack.block_kit import home_problems, message_problems, text_size, view_problems
from tests.conftest import RECORD_IN
from tests.requests import NOW, POLICY, request_in

ALICE, CAROL = Person("T0PRACTICE", "U0ALICE"), Person("T0PRACTICE", "U0CAROL")
MANY = 50
MOST_CHARACTERS = 12_000
"""A message with about 13,200 is refused: https://github.com/slackapi/bolt-js/issues/2509"""

TEXTS = {
    "ampersands": "&" * 3000,
    "chinese": "授權" * 1500,
    "families": "👩‍👩‍👧‍👦" * 400,
    "mentions": "<!channel> <@U0CAROL> *bold* `code` " * 90,
    "right to left": "\u202e\u05e9\u05dc\u05d5\u05dd " * 500,
}


def extreme(text: str, state: State) -> UpgradeRequest:
    """A request in which everything is as long as it can be."""
    plain = request_in(state, requester=ALICE, approver=CAROL, channel_id="C0UPGRADES")
    names = tuple(text for _ in range(MANY))
    subscription = replace(
        plain.subscription,
        name=text,
        kind=Kind.NEW_COMMERCE,
        scheduled_change=text,
        add_ons=names,
        promotion_id=text,
        suspended_because=names[:3],
    )
    option = replace(plain.option, name=text, into="x", into_name=text, seats=24)
    policy = replace(
        POLICY,
        approvals=9,
        approvers=tuple((f"S0GROUP{number}", "channel") for number in range(5)),
        confirm=Confirm.NOBODY,
        banners=(text[:200], text[200:400]),
    )
    return replace(
        plain,
        customer=Customer(plain.customer.id, text, text),
        subscription=subscription,
        option=option,
        policy=policy,
        reason=text,
        evidence="https://mail.example/" + "a" * 470,
        closed_because=text if state is State.DECLINED else "",
        readers=(ALICE, CAROL),
        approvals=plain.approvals * 9,
        earlier=tuple(replace(each, target=text) for each in plain.earlier * 3),
        round=2,
    )


def messages(text: str) -> Iterator[Message]:
    """Everything that is posted, with that text wherever text comes from outside."""
    for state in State:
        request = extreme(text, state)
        yield card(request, "https://partner.example/{customer}")
        yield replies.refusal(Refused(Reason.WRONG_STATE, request=request))
    for step in Step:
        event = Event(step, State.APPROVED, NOW, CAROL, note="not_sent")
        event = replace(
            event,
            note=text if step is Step.DECLINE else "not_sent",
            differences=tuple(
                Difference(fact, text, text) for fact in Fact if fact is not Fact.ENDS_AT
            ),
            outcome=outcome(text),
            aftermath=aftermath(text),
        )
        if line := thread.line(extreme(text, State.DONE), event):
            yield line
    yield from lists(text)


def lists(text: str) -> Iterator[Message]:
    """Answers with many things in them."""
    request = extreme(text, State.DONE)
    yield history.history(
        text, [request] * MANY, {request.id: "https://slack.example/archives/C/p1"}
    )
    yield options.which_customer([request.customer] * MANY)
    listed = [(replace(request.option, eligible=True), f"{number:036}") for number in range(MANY)]
    why = (Obstacle(ObstacleCode.UNKNOWN, text, text),)
    impossible = [(replace(request.option, eligible=False, obstacles=why), None)] * MANY
    three = [
        Upgradable(replace(request.subscription, id=f"{number}"), (*listed, *impossible))
        for number in range(3)
    ]
    yield from options.upgrade_options(request.customer, three)
    unknown = Refused(Reason.UNKNOWN_CUSTOMER, text=text, nearest=[request.customer] * 3)
    yield replies.refusal(unknown)
    yield replies.usage(request.policy)
    yield replies.your_turn(request, "https://slack.example/archives/C/p1")
    yield replies.not_posted(request, "not_in_channel", card(request))
    yield status.status(Readiness(False, False, Reason.NOT_A_MEMBER, Reason.MAY_NOT_APPROVE))


def forms_of(text: str) -> Iterator[Block]:
    """Every form."""
    request = extreme(text, State.AWAITING_APPROVAL)
    option = replace(request.option, seats_can_be_fewer=True)
    what = (request.customer, request.subscription, option)
    offered = Offered(request.id, ALICE, "C0UPGRADES", *what, NOW)
    yield forms.review(offered, request.policy, request.price, request.earlier * 9)
    yield forms.decline(request, f"{request.id}.1.0")
    yield forms.find("C0UPGRADES")


def outcome(text: str) -> Outcome:
    """A result with many people in it."""
    people = tuple(LicenseError(text, text, text, (text, text)) for _ in range(MANY))
    return Outcome(text, people)


def aftermath(text: str) -> Aftermath:
    """What there is afterwards, with many products."""
    there = extreme(text, State.DONE).subscription
    counts = tuple(LicenceCount(f"{number}", text, 1, 2) for number in range(MANY))
    return Aftermath(there, replace(there, id="other"), counts)


LANGUAGES_AND_TEXTS = [
    *(("en", name) for name in TEXTS),
    ("zh-TW", "ampersands"),
    ("zh-CN", "ampersands"),
]
"""What outside text becomes does not depend on the language; how long sentences are does."""


@pytest.mark.parametrize(("language", "name"), LANGUAGES_AND_TEXTS)
def test_the_longest_of_everything_fits(language: str, name: str) -> None:
    """Messages, forms and Home: single limits, and all characters together."""
    text = TEXTS[name]
    with use_locale(language):
        posted = list(messages(text))
        opened = list(forms_of(text))
        requests = tuple(extreme(text, state) for state in State) * 2
        links = {requests[0].id: "https://slack.example/archives/C0UPGRADES/p1"}
        shown = (requests[:10], requests[:10], requests[:10], links)
        at_home = home.view(Home(MemberKind.FULL_MEMBER, requests[0].policy, *shown))
    for number, message in enumerate(posted):
        record(f"{language}-{name}-{number}", {"text": message.text, "blocks": message.blocks})
        assert message_problems(message.blocks) == []
        assert text_size(message.blocks) < MOST_CHARACTERS
        assert 0 < len(message.text) <= 4000
    for number, form in enumerate(opened):
        record(f"{language}-{name}-form-{number}", form)
        assert view_problems(form) == []
    record(f"{language}-{name}-home", at_home)
    assert home_problems(at_home) == []
    assert len(json.dumps(at_home)) < 250_000


def record(name: str, content: Block) -> None:
    """Write it into the folder that `RECORD` names, for other judges."""
    if RECORD_IN:
        path = RECORD_IN / f"limits-{name.replace(' ', '-')}.json"
        path.write_text(json.dumps(content), encoding="utf-8")
