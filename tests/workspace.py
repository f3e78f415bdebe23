"""Speaks like a person in the channel: types, presses, fills in, reads.

A conversation accounts for everything that somebody could see: whatever was posted to the
channel, its threads or to one person and was not read makes the test fail at the end, and so
does an error in the log or a task that died. Time is moved, never slept through.
"""

import asyncio
import copy
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from bot.app import Bot
from bot.sandbox.practice import ALICE, BOB, CAROL, CHANNEL, Practice, PracticeClock
from bot.sandbox.slack import Message, View
from bot.sandbox.slack.interactions import button
from bot.sandbox.slack.workspace import Happened
from tests import reading

START = datetime(2026, 11, 20, 9, 0, tzinfo=UTC)


class Conversation:
    """The practice workspace with the real bot in it, and everybody's unread messages."""

    def __init__(self, practice: Practice, record_in: Path | None = None) -> None:
        self.practice = practice
        self.slack = practice.slack.workspace
        self.partner_center = practice.partner_center
        self.alice = Somebody(self, ALICE)
        self.bob = Somebody(self, BOB)
        self.carol = Somebody(self, CAROL)
        self.has_copied_rows = False
        """Whether a test has written rows past the bot, which the audit trail must complain of."""
        self._unread: list[Message] = []
        self._forms: list[View] = []
        self._record_in = record_in
        self._recorded = 0
        self._news = asyncio.Event()
        self.slack.watchers.append(self._see)

    @property
    def bot(self) -> Bot:
        """The running bot."""
        assert self.practice.bot, "the bot is not running"
        return self.practice.bot

    async def card(self) -> str:
        """What the newest card shows when the bot has nothing left to do."""
        return self.read(await self.newest_card())

    async def newest_card(self) -> Message:
        """The newest message in the channel itself, for all to see."""
        await self.bot.quiet()
        assert self.cards(), "there is no card"
        return self.cards()[-1]

    def cards(self) -> list[Message]:
        """The messages in the channel itself, for all to see."""
        return [
            m
            for m in self.slack.messages
            if not m.only_for and not m.thread_ts and m.channel == CHANNEL
        ]

    async def thread(self) -> str:
        """What is new in the threads, a blank line between the messages."""
        await self.bot.quiet()
        new = [m for m in self._unread if m.thread_ts and not m.only_for]
        return "\n\n".join(self.read(m) for m in new)

    async def until_somebody_sees(self, words: str) -> str:
        """Wait for a message with these words, from a bot in another process, and read it."""
        while True:
            for message in self._unread:
                if words in reading.message(self.slack, message):
                    return self.read(message)
            self._news.clear()
            await asyncio.wait_for(self._news.wait(), timeout=20)

    async def until_a_form_opens(self, user: str) -> View:
        """Wait for a form from a bot in another process."""
        while not self.slack.views.get(user):
            self._news.clear()
            await asyncio.wait_for(self._news.wait(), timeout=20)
        return self.form_of(user)

    def read(self, shown: Message) -> str:
        """Read one message."""
        if shown in self._unread:
            self._unread.remove(shown)
        return reading.message(self.slack, shown)

    async def restarts(self) -> None:
        """The bot is stopped and started again, as an operator does it."""
        await self.bot.quiet()
        await self.practice.stop_bot()
        await self.practice.start_bot()
        await self.bot.quiet()

    async def crashes(self) -> None:
        """Whatever the bot was doing ends in the middle."""
        await self.practice.stop_bot(grace=0)

    async def passes(self, **time: float) -> None:
        """Time passes (`hours=1`), and the bot does what has become due."""
        await self.bot.quiet()
        self.practice.clock.move(timedelta(**time))
        await self.bot.worker.tick()
        await self.bot.quiet()

    @property
    def contoso(self) -> str:
        """Contoso's tenant id at the practice Partner Center."""
        return str(self.partner_center.records.find_customers("CompanyName", "contoso")[0]["id"])

    def upgrades(self) -> list[tuple[str, str]]:
        """What really happened at Partner Center: source and target of each upgrade."""
        return [(p.source, p.target) for p in self.partner_center.records.performed]

    def posts(self) -> int:
        """How often an upgrade was sent to Partner Center."""
        return sum(1 for call in self.partner_center.calls if call.method == "POST")

    def has_read_that_it_is_their_turn(self, user: str) -> None:
        """Whoever presses *Upgrade now* was told so in a direct message, which most stories need
        not tell."""
        for message in self.private(user):
            if "It is your turn" in message.text:
                self.read(message)

    def leave(self) -> None:
        """The end of the conversation: nothing may be left unread."""
        for user in self.slack.users:
            self.has_read_that_it_is_their_turn(user)
        left = [reading.message(self.slack, m) for m in self._unread]
        left += [reading.form(self.slack, view) for view in self._forms]
        assert not left, "nobody has read:\n" + "\n\n".join(left)

    def private(self, user: str) -> list[Message]:
        """What only this person can see and has not read."""
        direct = self.slack.direct_messages(user).id
        return [m for m in self._unread if m.only_for == user or m.channel == direct]

    def form_of(self, user: str) -> View:
        """The form that is open before somebody."""
        open_now = self.slack.views.get(user, [])
        assert open_now, "no form is open"
        return open_now[-1]

    def forms_seen(self) -> list[str]:
        """The titles of the forms that nobody has looked at; now somebody has."""
        titles = [str(view.content["title"]["text"]) for view in self._forms]
        self._forms.clear()
        return titles

    def has_read(self, view: View) -> None:
        """A form was looked at."""
        if view in self._forms:
            self._forms.remove(view)

    def _see(self, happened: Happened) -> None:
        self._news.set()
        match happened:
            case Happened(kind="message" | "edited", message=Message() as message):
                self._forget(message)
                self._unread.append(message)
                self._record({"text": message.text, "blocks": message.blocks})
            case Happened(kind="deleted", message=Message() as message):
                self._forget(message)
            case Happened(kind="home", view=View() as view):
                self._record(view.content)
            case Happened(kind="form" | "form_errors", view=View() as view):
                self.has_read(view)
                self._forms.append(view)
                self._record(view.content)
            case Happened(kind="form_closed", view=View() as view):
                self.has_read(view)

    def _forget(self, message: Message) -> None:
        if message in self._unread:
            self._unread.remove(message)

    def _record(self, content: dict[str, Any]) -> None:
        """Write what Slack got into the folder that `RECORD` names."""
        if self._record_in and content.get("blocks"):
            self._recorded += 1
            name = f"{id(self):x}-{self._recorded:03}.json"
            (self._record_in / name).write_text(json.dumps(content), encoding="utf-8")


class Somebody:
    """One person, and what they do."""

    def __init__(self, conversation: Conversation, user_id: str) -> None:
        self.id = user_id
        self._conversation = conversation

    async def types(self, text: str, channel: str = CHANNEL) -> None:
        """Type a slash command."""
        command, _, rest = text.partition(" ")
        interactions = self._conversation.practice.slack.interactions
        await interactions.command(self.id, channel, command, rest)

    async def reads(self) -> str:
        """Everything new that only this person can see."""
        await self._conversation.bot.quiet()
        new = self._conversation.private(self.id)
        return "\n\n".join(self._conversation.read(message) for message in new)

    async def presses(self, label: str) -> None:
        """Press a button that this person sees, in the newest message that has it."""
        message, action_id = await self.sees_button(label)
        if label == "Upgrade now":
            self._conversation.has_read_that_it_is_their_turn(self.id)
        interactions = self._conversation.practice.slack.interactions
        await interactions.click(self.id, message, action_id)

    async def sees_button(self, label: str) -> tuple[Message, str]:
        """The newest message that shows this person such a button, and the button's action."""
        await self._conversation.bot.quiet()
        for message in reversed(self._conversation.slack.messages):
            if message.only_for in (None, self.id) and (found := _action(message, label)):
                return message, found
        raise AssertionError(f"nobody shows a button “{label}”")

    async def payload_of(self, label: str, shown_to: "Somebody | None" = None) -> dict[str, Any]:
        """What Slack would send if this person pressed the button, which may be one that only
        somebody else sees: for forgers and replays."""
        message, _ = await (shown_to or self).sees_button(label)
        return await self.payload_for(message, label)

    async def payload_for(self, message: Message, label: str) -> dict[str, Any]:
        """The same for a button of one particular message."""
        action_id = _action(message, label)
        assert action_id, f"this message has no button “{label}”"
        interactions = self._conversation.practice.slack.interactions
        return interactions.click_payload(self.id, message, button(message, action_id))

    async def sends(self, payload: dict[str, Any]) -> None:
        """Let a click arrive that this person may never have made: one of its own each time, and
        not the same delivered again, which is what `slack.deliveries` is for."""
        again = copy.deepcopy(payload)
        for action in again["actions"]:
            action["action_ts"] = self._conversation.slack.new_ts()
        await self._conversation.practice.slack.interactions.deliver_click(again)

    async def sees_form(self) -> str:
        """The form that is open before this person."""
        await self._conversation.bot.quiet()
        view = self._conversation.form_of(self.id)
        self._conversation.has_read(view)
        return reading.form(self._conversation.slack, view)

    async def types_ahead(self, field: str, letters: str) -> list[str]:
        """Type letters into a field of the open form; returns what it offers."""
        view = self._conversation.form_of(self.id)
        interactions = self._conversation.practice.slack.interactions
        offered = await interactions.suggestions(view, field, letters)
        return [each["text"]["text"] for each in offered]

    async def opens_home(self) -> str:
        """Open the bot's Home tab, and read it when it is there."""
        delivering = self._conversation.practice.slack.interactions.open_app(self.id, "home")
        assert delivering, "the app does not want to know"
        await delivering
        return await self.sees_home()

    async def sees_home(self) -> str:
        """The Home tab as it is shown now."""
        await self._conversation.bot.quiet()
        home = self._conversation.slack.homes[self.id]
        return reading.blocks(self._conversation.slack, home.content["blocks"])

    async def fills_in(self, **fields: str | list[str]) -> None:
        """Type into the fields of the open form, or choose in them, by their names; submit it."""
        await self._conversation.bot.quiet()
        view = self._conversation.form_of(self.id)
        self._conversation.has_read(view)
        await self._conversation.practice.slack.interactions.submit(view, fields)
        await self._conversation.bot.quiet()

    async def asks_for_e3(
        self, customer: str = "contoso", option: str = "Office 365 Enterprise E3 (upgrade only)"
    ) -> None:
        """The beginning of most stories: find the customer, choose E3, fill in the form."""
        await self.types(f"/upgrade {customer}")
        await self.reads()
        await self.presses(option)
        await self.fills_in(reason="They need Office on the desktop.")


def _action(message: Message, label: str) -> str | None:
    for block in message.blocks:
        for element in block.get("elements", []):
            if element["type"] == "button" and element["text"]["text"] == label:
                return str(element["action_id"])
    return None


def new_practice(policy: str | None = None) -> Practice:
    """A practice workspace whose clock stands still at `START`."""
    clock = PracticeClock(lambda: START)
    return Practice(clock, policy) if policy else Practice(clock)
