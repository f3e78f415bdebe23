"""What people do on a practice workspace, and what they see of it."""

import asyncio
import copy
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any, TypeVar
from urllib.parse import urlencode

from bot.errors import Reason, Refused
from bot.messages import refusals
from bot.sandbox.practice import ALICE, CHANNEL, Practice, PracticeClock, Size
from bot.sandbox.slack import Message
from bot.sandbox.slack.payloads import element_of
from tests.bench.caller import signed

E3 = "Office 365 Enterprise E3 (upgrade only)"
WITHIN = 60.0

T = TypeVar("T")


@asynccontextmanager
async def workspace(
    people: int = 0, customers: int = 0, *, http: bool = True
) -> AsyncIterator[Practice]:
    """A practice workspace with at least so many people and customers, and no bot yet."""
    practice = Practice(PracticeClock(), size=Size(customers, people))
    practice.http_mode = http
    await practice.start()
    try:
        yield practice
    finally:
        await practice.stop()


def everybody(practice: Practice) -> list[str]:
    """Everybody who can type a command in the channel."""
    slack = practice.slack.workspace
    return sorted(slack.channels[CHANNEL].members - {slack.bot.id})


def refused_for_pace(practice: Practice) -> bool:
    """Whether anybody was told that they look up too often: no acknowledgement like others."""
    words = refusals.refusal(Refused(Reason.TOO_FAST)).text
    return any(words in each.text for each in practice.slack.workspace.messages)


def command(practice: Practice, user: str, text: str) -> dict[str, Any]:
    """`/upgrade` and a text, as Slack tells it."""
    return practice.slack.interactions.command_payload(user, CHANNEL, "/upgrade", text)


def command_call(practice: Practice, user: str, text: str) -> bytes:
    """The same as a call over HTTP."""
    secret = practice.slack.workspace.signing_secret
    return signed(secret, urlencode(command(practice, user, text)))


def click(practice: Practice, user: str, message: Message, action_id: str) -> dict[str, Any]:
    """A pressed button, as Slack tells it."""
    element = element_of(message.blocks, action_id)
    return practice.slack.interactions.click_payload(user, message, element)


def click_body(payload: dict[str, Any]) -> str:
    """The same as the body of a call over HTTP."""
    return urlencode({"payload": json.dumps(payload)})


async def ask(practice: Practice, customer: str = "Contoso") -> Message:
    """Alice asks for an upgrade, whichever bot answers; the card of her request as it is then."""
    hands = practice.slack.interactions
    before = len(practice.slack.workspace.messages)
    await hands.command(ALICE, CHANNEL, "/upgrade", customer)
    options, action_id = await until(practice, lambda: button(practice, E3, before))
    await hands.click(ALICE, options, action_id)
    views = practice.slack.workspace.views
    form = await until(practice, lambda: next(iter(views.get(ALICE, [])), None))
    await hands.submit(form, {"reason": "They need it."})
    card, _ = await until(practice, lambda: button(practice, "Approve", before))
    return copy.deepcopy(card)


def button(practice: Practice, label: str, since: int = 0) -> tuple[Message, str] | None:
    """The newest button of that name, and its action, among the messages from a number on."""
    for message in reversed(practice.slack.workspace.messages[since:]):
        for block in message.blocks:
            for element in block.get("elements", []):
                if element["type"] == "button" and element["text"]["text"] == label:
                    return message, element["action_id"]
    return None


async def until(practice: Practice, see: Callable[[], T | None]) -> T:
    """What somebody sees, as soon as they see it. Raises TimeoutError."""
    watchers, news = practice.slack.workspace.watchers, asyncio.Event()

    def tell(_happened: object) -> None:
        news.set()

    watchers.append(tell)
    try:
        async with asyncio.timeout(WITHIN):
            while (seen := see()) is None:
                news.clear()
                await news.wait()
            return seen
    finally:
        watchers.remove(tell)


async def quiet(practice: Practice, for_seconds: float = 0.1) -> None:
    """Wait until nobody has called the practice servers for a while."""
    last = -1
    while (now := practice.traffic.exchanges[-1].number) != last:
        last = now
        await asyncio.sleep(for_seconds)
