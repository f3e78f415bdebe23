"""The main job with bots in processes of their own, told by people who go on as people do: what
had no effect they do again, whichever bot answers."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

import sqlalchemy as sa

from bot.domain.item import Event, Item, State
from bot.sandbox.practice import ALICE, CAROL, CHANNEL, Practice, PracticeClock
from bot.sandbox.slack import Message, View
from bot.store import Store
from bot.store.tables import items
from tests.mortal_bot import MortalBot

E3 = "Office 365 Enterprise E3 (upgrade only)"
WITHIN = 6.0
"""Seconds after which a person who sees nothing tries again."""

SHOWS = {State.DONE: "✅ Upgraded", State.UNKNOWN: "⚠️ Checking the result"}


@dataclass(frozen=True)
class Ending:
    """How a story ended."""

    state: State
    upgrades: int
    posts: int
    card: str
    told: list[str]

    @property
    def is_good(self) -> bool:
        """Once or not at all, and everybody can see which."""
        upgrades = {State.DONE: 1, State.UNKNOWN: 0}.get(self.state)
        shown = SHOWS.get(self.state, "nothing else") in self.card
        return shown and self.upgrades == upgrades and self.posts <= 1


async def first_of(*things: Awaitable[object]) -> None:
    """Wait until one of them has happened, and wait for none of the others."""
    waiting = {asyncio.ensure_future(thing) for thing in things}
    try:
        await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for each in waiting:
            each.cancel()
        await asyncio.gather(*waiting, return_exceptions=True)


class Story:
    """The main job on a practice workspace. `start` it, tell it, `end` it.

    With a `database` there are several bots on it; without, one on a file.
    """

    def __init__(self, bots: int = 1, database: str | None = None) -> None:
        self.practice = Practice(PracticeClock())
        self.database = database or f"sqlite:///{self.practice.folder / 'upgrade-bot.db'}"
        self.bots: list[MortalBot] = []
        self._count = bots
        self._customer = "Contoso"
        self._slack = self.practice.slack.workspace
        self._news = asyncio.Event()
        self._slack.watchers.append(lambda _happened: self._news.set())

    async def start(self, **more: str) -> None:
        """Start the workspace, and prepare the bots with `more` variables."""
        await self.practice.start()
        trust = self.practice.partner_center.write_certificate(self.practice.folder)
        environment = {
            **self.practice.environment(),
            "SSL_CERT_FILE": str(trust),
            "UPGRADE_BOT_DATABASE_URL": self.database,
            "UPGRADE_BOT_TAKE_OVER_SECONDS": "1",
            **more,
        }
        self.bots = [MortalBot(environment) for _ in range(self._count)]

    async def end(self) -> None:
        """Whatever happened, nothing is left."""
        for bot in self.bots:
            bot.kill()
            await bot.died()
        await self.practice.stop()

    def is_about(self, customer: str) -> None:
        """Whose buttons people press, and at whose card they look."""
        self._customer = customer

    async def asked(self, customer: str = "Contoso") -> None:
        """Alice finds a customer, chooses, and asks. From here on the story is about that one."""
        self.is_about(customer)
        hands = self.practice.slack.interactions
        await self.until(
            lambda: hands.command(ALICE, CHANNEL, "/upgrade", customer),
            lambda: self.button(ALICE, E3) is not None,
        )
        await self.until(lambda: self.press(ALICE, E3), lambda: bool(self._form()))
        await self.until(self._submit, lambda: self.shows("Approval needed", "Approved"))

    async def asked_for_all(self, domains: list[str]) -> None:
        """Alice asks for several upgrades at once, and Carol approves them. From here on the story
        is about the first."""
        self.is_about("Shop 1")
        hands = self.practice.slack.interactions
        pasted = "\n".join(f"{domain}, Office 365 Enterprise E3" for domain in domains)
        ask = f"Ask the team for {len(domains)} upgrades"
        await self.until(
            lambda: hands.command(ALICE, CHANNEL, "/upgrade", "bulk"), lambda: bool(self._form())
        )
        await hands.submit(self._form()[-1], {"table": pasted, "reason": "All of them."})
        await self.wait(lambda: self.button(ALICE, ask) is not None)
        await self.until(lambda: self.press(ALICE, ask), lambda: self.shows("Approval needed"))
        await self.until(
            lambda: self.press(CAROL, "Approve all"), lambda: self.shows("🔵 Approved")
        )

    async def approved(self, customer: str = "Contoso") -> None:
        """… and Carol approves."""
        await self.asked(customer)
        await self.until(lambda: self.press(CAROL, "Approve"), lambda: self.shows("🔵 Approved"))

    async def told(self) -> None:
        """From the command to the end."""
        await self.approved()
        await self.until(
            lambda: self.press(ALICE, "Upgrade now"), lambda: self.shows(*SHOWS.values())
        )

    async def until(self, act: Callable[[], Awaitable[None]], seen: Callable[[], bool]) -> None:
        """Do it, again if need be, until its effect is to be seen."""
        for _ in range(30):
            await self.somebody_lives()
            complaints = self.complaints()
            if not seen():
                await act()
            unheard = self.complaints() > complaints
            if await self.wait(seen, 0.1 if unheard else WITHIN):
                return
        raise AssertionError("people tried thirty times, and nothing happened")

    def complaints(self) -> int:
        """How often Slack itself told somebody that no bot answered."""
        return sum(1 for message in self._slack.messages if message.user == "")

    async def somebody_lives(self) -> None:
        """An operator starts a bot when there is none left."""
        if all(bot.is_dead for bot in self.bots):
            await self.bots[-1].start()

    async def wait(self, seen: Callable[[], bool], within: float = WITHIN) -> bool:
        """Whether it is seen in time, by somebody who notices when no bot lives."""
        try:
            async with asyncio.timeout(within):
                while not seen():
                    living = [bot for bot in self.bots if not bot.is_dead]
                    if not living:
                        return False
                    self._news.clear()
                    await first_of(self._news.wait(), *(bot.died() for bot in living))
        except TimeoutError:
            return False
        return True

    async def press(self, user: str, label: str) -> None:
        """Press a button, if somebody shows it."""
        if found := self.button(user, label):
            await self.practice.slack.interactions.click(user, *found)

    def shows(self, *words: str) -> bool:
        """Whether the card has one of these."""
        return bool(self.cards()) and any(word in self.cards()[-1].text for word in words)

    def cards(self) -> list[Message]:
        """What stands about this customer in the channel itself."""
        here = (m for m in self._slack.messages if m.channel == CHANNEL)
        shown = (m for m in here if not m.only_for and not m.thread_ts)
        return [m for m in shown if f"*{self._customer}*" in m.text]

    def lines(self) -> list[str]:
        """What the thread says."""
        cards = {card.ts for card in self.cards()}
        return [m.text for m in self._slack.messages if m.thread_ts in cards and not m.only_for]

    def private(self, user: str) -> list[str]:
        """What only this person was told in the channel."""
        return [m.text for m in self._slack.messages if m.only_for == user]

    def button(self, user: str, label: str) -> tuple[Message, str] | None:
        """The newest button of that name that this person sees."""
        for message in reversed(self._slack.messages):
            if message.only_for in (None, user) and f"*{self._customer}*" in message.text:
                for block in message.blocks:
                    for element in block.get("elements", []):
                        if element["type"] == "button" and element["text"]["text"] == label:
                            return message, element["action_id"]
        return None

    def posts(self) -> int:
        """How often an upgrade was sent to Partner Center."""
        calls = self.practice.partner_center.calls
        return sum(1 for call in calls if call.method == "POST")

    async def items(self, customer: str = "") -> list[tuple[Item, Sequence[Event]]]:
        """Every item that is stored, or those for one customer, with its history."""
        store = await Store.open(self.database)
        try:
            every = sa.select(items.c.id)
            ids = await store._database.read(lambda c: list(c.execute(every).scalars()))
            found = [
                (
                    (await store.requests.of_item(each)).item(each),
                    await store.requests.item_history(each),
                )
                for each in ids
            ]
            return [each for each in found if customer in ("", each[0].customer.name)]
        finally:
            await store.close()

    async def ending(self) -> Ending:
        """How it ended, once everybody can see that; or how it looks after twenty seconds.

        Raises AssertionError when the history is too short.
        """
        for _ in range(20):
            ending = await self._now()
            if ending.is_good:
                break
            await self.somebody_lives()
            await self.wait(lambda: False, within=1)
        return ending

    async def _now(self) -> Ending:
        ((item, history),) = await self.items()
        # The history is read later, so that it can be ahead.
        assert len(history) >= item.version, f"nothing says how it came to {item}"
        upgrades = len(self.practice.partner_center.records.performed)
        return Ending(item.state, upgrades, self.posts(), self.cards()[-1].text, self.lines())

    def _form(self) -> list[View]:
        return self._slack.views.get(ALICE, [])

    async def _submit(self) -> None:
        if form := self._form():
            await self.practice.slack.interactions.submit(form[-1], {"reason": "They need it."})
