"""`python -m tests.outage --seconds 40`: the database falls while one upgrade is being sent.

Two bots, two customers: for one, Partner Center is just working on the upgrade, and its answer
comes while there is no database; the other request waits for approval, and somebody presses
meanwhile. When the database is back, both go on to a good end, and nobody is told anything twice.
"""

import argparse
import asyncio
import logging
import time
from dataclasses import dataclass

import structlog

from bot.sandbox.partner_center import Gate, Trouble, records
from bot.sandbox.practice import ALICE, CAROL
from tests.postgres import PostgresServer
from tests.story import Story

SENT, WAITING = "Contoso", "Waiting"


@dataclass(frozen=True)
class Outage:
    """How both stories ended; seconds count from when the database was back."""

    cards: list[str]
    told_twice: list[str]
    posts: int
    upgrades: int
    said_meanwhile: list[str]
    settled_after: float
    went_on_after: float

    @property
    def is_good(self) -> bool:
        """Both upgraded, each sent once, nobody told twice, and the click was answered."""
        upgraded = all("✅ Upgraded" in card for card in self.cards)
        answered = any("I cannot reach my database" in said for said in self.said_meanwhile)
        once = self.posts == self.upgrades == 2 and not self.told_twice
        return upgraded and answered and once


async def outage(server: PostgresServer, seconds: float, take_over: float) -> Outage:
    """Tell the story on a server that may fall."""
    story = Story(bots=2, database=await server.new_database())
    partner = story.practice.partner_center.records
    partner.add_subscription(partner.add_customer(WAITING, "waiting.example"), records.E1, 25)
    await story.start(UPGRADE_BOT_TAKE_OVER_SECONDS=str(take_over))
    try:
        await asyncio.gather(*(bot.start() for bot in story.bots))
        await story.asked(WAITING)
        await story.approved(SENT)
        gate = Gate()
        story.practice.partner_center.trouble("POST", "/upgrades", Trouble(gate=gate, after=True))
        await story.press(ALICE, "Upgrade now")
        await gate.arrived.wait()
        await asyncio.to_thread(server.fall)
        gate.opened.set()
        story.is_about(WAITING)
        await story.press(CAROL, "Approve")
        await asyncio.sleep(seconds)  # this long there is no database: that is the story
        said = story.private(CAROL)
        await asyncio.to_thread(server.rise)
        back = time.monotonic()
        story.is_about(SENT)
        await story.wait(lambda: story.shows("✅ Upgraded"), within=60)
        settled = time.monotonic() - back
        story.is_about(WAITING)
        await story.until(
            lambda: story.press(CAROL, "Approve"), lambda: story.shows("🔵 Approved", "✅ Upgraded")
        )
        went_on = time.monotonic() - back
        await story.until(
            lambda: story.press(ALICE, "Upgrade now"), lambda: story.shows("✅ Upgraded")
        )
        return await ended(story, said, settled, went_on)
    finally:
        await story.end()


async def ended(story: Story, said: list[str], settled: float, went_on: float) -> Outage:
    """How it is when every bot has stopped, and so has done what it still had to."""
    await story.wait(lambda: any("was upgraded" in line for line in story.lines()))
    for bot in story.bots:
        await bot.stop()
    cards, told_twice = [], []
    for customer in (SENT, WAITING):
        story.is_about(customer)
        cards.append(story.cards()[-1].text)
        lines = story.lines()
        told_twice += [line for line in lines if lines.count(line) > 1]
    return Outage(
        cards,
        told_twice,
        story.posts(),
        len(story.practice.partner_center.records.performed),
        said,
        settled,
        went_on,
    )


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(prog="python -m tests.outage", description=__doc__)
    parser.add_argument("--seconds", type=float, default=3)
    parser.add_argument("--take-over", type=float, default=30)
    options = parser.parse_args()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    server = PostgresServer()
    server.start()
    try:
        end = asyncio.run(outage(server, options.seconds, options.take_over))
    finally:
        server.stop()
    print(  # noqa: T201 - it is a command
        f"good: {end.is_good}; the upgrade settled {end.settled_after:.1f} s, the approval "
        f"{end.went_on_after:.1f} s after the database was back\n{end}"
    )


if __name__ == "__main__":
    main()
