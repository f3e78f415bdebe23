"""`python -m tests.crash_sweep --runs 100 --seed 1`: the main job, with a death at any await.

The bot is a process that is really killed. People go on as people do: what had no effect they
do again. At the end there is one upgrade, or none and a card that says that nobody knows yet;
nothing was sent twice, and the history has no gap.
"""

import argparse
import asyncio
import logging
import random
import sqlite3
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import structlog

from bot.sandbox.practice import ALICE, CAROL, CHANNEL, Practice, PracticeClock
from bot.sandbox.slack import Message, View
from tests.mortal_bot import MortalBot

E3 = "Office 365 Enterprise E3 (upgrade only)"
WITHIN = 6.0
"""Seconds after which a person who sees nothing tries again."""


@dataclass(frozen=True)
class Ending:
    """How a story ended."""

    state: str
    upgrades: int
    posts: int
    card: str
    awaits: int

    @property
    def is_good(self) -> bool:
        """Once or not at all, and everybody can see which."""
        done = self.state == "done" and self.upgrades == 1 and "✅ Upgraded" in self.card
        nobody_knows = (
            self.state == "unknown" and self.upgrades == 0 and "⚠️ Checking the result" in self.card
        )
        return (done or nobody_knows) and self.posts <= 1


class Story:
    """The main job on a practice workspace, told again and again until it comes to its end."""

    def __init__(self, practice: Practice) -> None:
        self._practice = practice
        self._slack = practice.slack.workspace
        self._news = asyncio.Event()
        self._slack.watchers.append(lambda _happened: self._news.set())
        trust = practice.partner_center.write_certificate(practice.folder)
        self.bot = MortalBot({**practice.environment(), "SSL_CERT_FILE": str(trust)})

    async def tell(self, kill_at: int | None) -> Ending:
        """From the command to the end, with a death on the way."""
        await self.bot.start(kill_at)
        hands = self._practice.slack.interactions
        await self._until(
            lambda: hands.command(ALICE, CHANNEL, "/upgrade", "contoso"),
            lambda: self._button(ALICE, E3) is not None,
        )
        await self._until(lambda: self._press(ALICE, E3), lambda: bool(self._form()))
        await self._until(self._submit, lambda: self._shows("Approval needed", "Approved"))
        await self._until(lambda: self._press(CAROL, "Approve"), lambda: self._shows("🔵 Approved"))
        await self._until(
            lambda: self._press(ALICE, "Upgrade now"),
            lambda: self._shows("✅ Upgraded", "⚠️ Checking"),
        )
        if self.bot.is_dead:
            await self.bot.start()
            await self._wait(self._agrees)
        awaits = await self.bot.stop()
        return self._ending(awaits)

    async def _until(self, act: Callable[[], Awaitable[None]], seen: Callable[[], bool]) -> None:
        """Do it, again if need be, until its effect is to be seen."""
        for _ in range(5):
            if self.bot.is_dead:
                await self.bot.start()
            if not seen():
                await act()
            if await self._wait(seen):
                return
        raise AssertionError("people tried five times, and nothing happened")

    async def _wait(self, seen: Callable[[], bool]) -> bool:
        """Whether the effect is seen in time, by somebody who notices when the bot dies."""
        try:
            async with asyncio.timeout(WITHIN):
                while not seen():
                    if self.bot.is_dead:
                        return False
                    self._news.clear()
                    died = asyncio.ensure_future(self.bot.died())
                    news = asyncio.ensure_future(self._news.wait())
                    await asyncio.wait({died, news}, return_when=asyncio.FIRST_COMPLETED)
                    died.cancel()
                    news.cancel()
        except TimeoutError:
            return False
        return True

    async def _press(self, user: str, label: str) -> None:
        if found := self._button(user, label):
            await self._practice.slack.interactions.click(user, *found)

    async def _submit(self) -> None:
        if form := self._form():
            await self._practice.slack.interactions.submit(form[-1], {"reason": "They need it."})

    def _form(self) -> list[View]:
        return self._slack.views.get(ALICE, [])

    def _cards(self) -> list[Message]:
        return [m for m in self._slack.messages if not m.only_for and not m.thread_ts]

    def _shows(self, *words: str) -> bool:
        return bool(self._cards()) and any(word in self._cards()[-1].text for word in words)

    def _button(self, user: str, label: str) -> tuple[Message, str] | None:
        for message in reversed(self._slack.messages):
            if message.only_for in (None, user):
                for block in message.blocks:
                    for element in block.get("elements", []):
                        if element["type"] == "button" and element["text"]["text"] == label:
                            return message, element["action_id"]
        return None

    def _agrees(self) -> bool:
        return self._shows({"done": "✅ Upgraded", "unknown": "⚠️ Checking"}.get(self._state(), "?"))

    def _state(self) -> str:
        with sqlite3.connect(self._practice.folder / "upgrade-bot.db") as database:
            (row,) = database.execute("SELECT state FROM requests").fetchall()
        database.close()
        return str(row[0])

    def _ending(self, awaits: int) -> Ending:
        database = sqlite3.connect(self._practice.folder / "upgrade-bot.db")
        ((state, version),) = database.execute("SELECT state, version FROM requests").fetchall()
        told = [v for (v,) in database.execute("SELECT version FROM history ORDER BY version")]
        database.close()
        assert told == list(range(1, version + 1)), f"the history has a gap: {told}"
        posts = [call for call in self._practice.partner_center.calls if call.method == "POST"]
        return Ending(
            state,
            len(self._practice.partner_center.records.performed),
            len(posts),
            self._cards()[-1].text,
            awaits,
        )


async def run(kill_at: int | None) -> Ending:
    """One story in a workspace of its own."""
    practice = Practice(PracticeClock())
    await practice.start()
    story = Story(practice)
    try:
        return await story.tell(kill_at)
    finally:
        story.bot.kill()
        await practice.stop()


async def sweep(runs: int, seed: int) -> list[tuple[int, Ending]]:
    """Stories that end well, though the bot dies at a random await of each; else AssertionError."""
    chance = random.Random(seed)  # noqa: S311 - to be repeated, not to be secret
    awaits = (await run(None)).awaits
    endings = []
    for _ in range(runs):
        kill_at = chance.randrange(awaits)
        ending = await run(kill_at)
        assert ending.is_good, f"killed at await {kill_at} of {awaits}: {ending}"
        endings.append((kill_at, ending))
    return endings


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(prog="python -m tests.crash_sweep", description=__doc__)
    parser.add_argument("--runs", type=int, default=100)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    endings = asyncio.run(sweep(options.runs, options.seed))
    states = [ending.state for _, ending in endings]
    print(f"{len(endings)} deaths: " + ", ".join(  # noqa: T201 - it is a command
        f"{states.count(state)} {state}" for state in sorted(set(states))))  # fmt: skip


if __name__ == "__main__":
    main()
