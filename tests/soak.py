"""`python -m tests.soak --minutes 60 [--seed 7]`: steady traffic and random troubles on one bot.

People ask, approve and upgrade, one customer after the other; meanwhile Partner Center and Slack
fail in every way they know, connections are closed, and somebody presses old buttons. At the end
nothing may be lost: every upgrade that was asked for and could be made is there once, every click
was answered, the audit trail is whole, and the bot's memory has not grown.
"""

import argparse
import asyncio
import random
import time
from dataclasses import dataclass, field
from pathlib import Path

from bot.domain.item import State
from bot.messages import action_ids
from bot.messages.parts import MARKERS
from bot.sandbox.partner_center import Trouble, records
from bot.sandbox.practice import ALICE, BOB, CHANNEL
from bot.sandbox.slack.delivery import ACK_WITHIN
from bot.sandbox.slack.web_api import Trouble as SlackTrouble
from bot.sandbox.slack.workspace import Happened
from bot.store import Store
from tests.story import Story

PARTNER_CENTERS = [
    ("POST", "/upgrades", Trouble(cut=True)),
    ("POST", "/upgrades", Trouble(cut=True, after=True)),
    ("POST", "/upgrades", Trouble(status=500, after=True)),
    ("POST", "/upgrades", Trouble(status=429)),
    ("GET", "/upgrades", Trouble(status=503)),
    ("GET", "/upgrades", Trouble(status=429, retry_after=1)),
    ("GET", "/subscriptions", Trouble(cut=True)),
    ("GET", "/subscriptions", Trouble(status=500)),
]
SLACKS = [
    ("chat.postMessage", SlackTrouble(error="internal_error", status=500)),
    ("chat.update", SlackTrouble(error="ratelimited", status=429, retry_after=1)),
    ("chat.update", SlackTrouble(error="fatal_error")),
    ("users.info", SlackTrouble(error="internal_error")),
    ("usergroups.users.list", SlackTrouble(error="fatal_error")),
]
WORDS = ("help", "status", "history", "contoso", "nobody", "<!channel>")
"""What somebody types."""

ENDS = (MARKERS[State.DONE], MARKERS[State.UNKNOWN], MARKERS[State.FAILED])
"""What a card shows when people have done all they can."""

TROUBLE_EVERY = 3.0
"""Seconds, on average."""

A_STORY = 2.0
"""Seconds, at least: nobody may look up more than sixty times a minute, and trouble makes them look
again."""

WARM_UP = 60.0
"""Seconds until the memory is looked at: caches fill."""

GROWTH = 1.10
"""How much larger the bot may be at the end than when it was warm."""


@dataclass
class Report:
    """What there was, and what went wrong with it."""

    stories: int = 0
    clicks: int = 0
    troubles: int = 0
    sockets_closed: int = 0
    cut: int = 0
    """Deliveries that were lost with a connection."""
    memory: list[tuple[float, float]] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)

    def lines(self) -> list[str]:
        """For the terminal."""
        first, last = self.memory[0][1], self.memory[-1][1]
        warm = self.warm()
        return [
            f"stories told: {self.stories}, deliveries: {self.clicks}, troubles: {self.troubles}, "
            f"connections cut: {self.sockets_closed}, and {self.cut} deliveries with them",
            f"memory: {first:.0f} MB idle, {warm:.0f} MB warm, {last:.0f} MB at the end",
            *(f"WRONG: {each}" for each in self.wrong),
            "well" if not self.wrong else "NOT WELL",
        ]

    def warm(self) -> float:
        """Megabytes after the warm-up."""
        return next((mb for at, mb in self.memory if at >= WARM_UP), self.memory[-1][1])


class Soak:
    """One bot, its people, and their bad luck."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)  # noqa: S311 - no secret
        self._story = Story()
        self._report = Report()
        self._began = self._closed_at = time.monotonic()
        self._story.practice.slack.workspace.watchers.append(self._notice)

    def _notice(self, happened: Happened) -> None:
        """What was on its way over a connection that Slack's side cut is lost, as at Slack; every
        other delivery must be answered."""
        if happened.kind == "message" and happened.message and happened.message.user == "":
            if time.monotonic() - self._closed_at < ACK_WITHIN + 1:
                self._report.cut += 1
            else:
                self._report.wrong.append(f"not answered: {happened.message.text}")

    async def run(self, minutes: float) -> Report:
        """For so long, and then until everything is settled."""
        await self._story.start()
        try:
            await self._story.bots[0].start(counted=False)
            self._look_at_memory()
            luck = asyncio.create_task(self._bad_luck())
            noise = asyncio.create_task(self._old_buttons())
            self._began = time.monotonic()
            while time.monotonic() - self._began < minutes * 60:
                pause = asyncio.create_task(asyncio.sleep(A_STORY))
                await self._one_story()
                await pause
                self._look_at_memory()
            for task in (luck, noise):
                task.cancel()
            await asyncio.gather(luck, noise, return_exceptions=True)
            await self._settled()
            self._judge_memory()
        finally:
            await self._story.end()
        return self._report

    async def _one_story(self) -> None:
        """Somebody new asks, and somebody approves; whether it can be made is a matter of luck."""
        self._report.stories += 1
        name = f"Customer {self._report.stories:05}"
        partner = self._story.practice.partner_center.records
        customer = partner.add_customer(name, f"c{self._report.stories}.example")
        partner.add_subscription(customer, records.E1, 10)
        try:
            await self._story.approved(name)
            await self._story.until(
                lambda: self._story.press(ALICE, "Upgrade now"),
                lambda: self._story.shows(*ENDS),
            )
        except AssertionError as error:
            self._report.wrong.append(f"{name}: {error}; {await self._as_it_stands(name)}")
        await self._tidy_up()

    async def _as_it_stands(self, name: str) -> str:
        """What is stored of a story that went no further, and what people see of it."""
        stored = [item.state.value for item, _ in await self._story.items(name)]
        shown = [card.text.splitlines()[0] for card in self._story.cards()]
        return f"stored {stored}, cards {shown}, Alice was told {self._story.private(ALICE)[-1:]}"

    async def _tidy_up(self) -> None:
        """Whoever pressed twice, because a card or a form came late, closes and withdraws what is
        too much."""
        workspace = self._story.practice.slack.workspace
        for form in list(workspace.views.get(ALICE, [])):
            workspace.close_view(form)
        for card in self._story.cards():
            for block in card.blocks:
                for each in block.get("elements", []):
                    if each.get("action_id") == action_ids.WITHDRAW:
                        hands = self._story.practice.slack.interactions
                        await hands.click(ALICE, card, action_ids.WITHDRAW)

    async def _bad_luck(self) -> None:
        """Each kind waits until it has struck: the bot calls less often while there is trouble, so
        they would pile up, and from then on every call of that kind would go wrong."""
        practice = self._story.practice
        while True:
            await asyncio.sleep(self._random.expovariate(1 / TROUBLE_EVERY))
            match self._random.randrange(5):
                case 0 | 1:
                    method, ending, there = self._random.choice(PARTNER_CENTERS)
                    if not practice.partner_center.troubles.get(f"{method} {ending}"):
                        practice.partner_center.trouble(method, ending, there)
                        self._report.troubles += 1
                case 2 | 3:
                    method, trouble = self._random.choice(SLACKS)
                    if not practice.slack.api.troubles.get(method):
                        practice.slack.trouble(method, trouble)
                        self._report.troubles += 1
                case _ if len(practice.slack.delivery._sockets) > 1:
                    self._report.sockets_closed += 1
                    self._closed_at = time.monotonic()
                    await practice.slack.delivery._sockets[0].close()

    async def _old_buttons(self) -> None:
        """Bob, who may not, presses whatever he finds, and types."""
        hands = self._story.practice.slack.interactions
        while True:
            await asyncio.sleep(1)
            self._report.clicks += 1
            cards = [m for m in self._story.practice.slack.workspace.messages if m.blocks]
            shown = [
                (message, each["action_id"])
                for message in cards[-200:]
                if message.only_for in (None, BOB)
                for block in message.blocks
                for each in block.get("elements", [])
                if each["type"] == "button"
            ]
            if shown and self._random.random() < 0.7:
                await hands.click(BOB, *self._random.choice(shown))
            else:
                word = self._random.choice(WORDS)
                await hands.command(BOB, CHANNEL, "/upgrade", word)

    def _look_at_memory(self) -> None:
        process = self._story.bots[0]._process
        assert process
        pages = int(Path(f"/proc/{process.pid}/statm").read_text(encoding="ascii").split()[1])
        at = time.monotonic() - self._began
        self._report.memory.append((at, pages * 4096 / 1e6))

    def _judge_memory(self) -> None:
        warm, last = self._report.warm(), self._report.memory[-1][1]
        if last > warm * GROWTH:
            self._report.wrong.append(f"memory grew from {warm:.0f} to {last:.0f} MB")

    async def _settled(self) -> None:
        """What is stored is what happened, and what people were told."""
        await self._story.wait(lambda: False, within=20)
        store = await Store.open(self._story.database, only_if_new=True)
        try:
            items = [item for item, _ in await self._story.items()]
            done = {i.subscription.id.lower() for i in items if i.state is State.DONE}
            unknown = {i.subscription.id.lower() for i in items if i.state is State.UNKNOWN}
            performed = self._story.practice.partner_center.records.performed
            happened = [each.source.lower() for each in performed]
            for what, wrong in (
                ("upgraded twice", len(happened) - len(set(happened))),
                ("done, and did not happen", len(done - set(happened))),
                ("happened, and nobody knows", len(set(happened) - done - unknown)),
                ("requests fewer than stories", self._report.stories - len(items)),
                ("places where the trail was touched", len((await store.trail.verify()).broken)),
            ):
                if wrong > 0:
                    self._report.wrong.append(f"{wrong} {what}")
        finally:
            await store.close()


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(prog="python -m tests.soak")
    parser.add_argument("--minutes", type=float, default=60)
    parser.add_argument("--seed", type=int, default=7)
    options = parser.parse_args()
    report = asyncio.run(Soak(options.seed).run(options.minutes))
    print("\n".join(report.lines()))  # noqa: T201 - it is a command
    raise SystemExit(bool(report.wrong))


if __name__ == "__main__":  # the bot's process imports it, too
    main()
