"""The bot has its rows in a file, and something else holds it, or its disk is full: what happened
is kept in hand, and people are told what they can do."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, closing
from functools import partial

from structlog.typing import EventDict

from bot.sandbox.partner_center import Gate
from bot.sandbox.partner_center import Trouble as PartnerCenterTrouble
from bot.sandbox.slack.web_api import Trouble
from tests.workspace import Conversation

IMPATIENT = "PRAGMA busy_timeout=0"
"""Otherwise SQLite waits ten seconds for whoever has the file."""


@asynccontextmanager
async def held(workspace: Conversation) -> AsyncIterator[None]:
    """Somebody else writes to the file and does not end; the bot's next write fails at once."""
    await workspace.bot.store._database.write(lambda c: c.exec_driver_sql(IMPATIENT).close())
    path = workspace.practice.folder / "upgrade-bot.db"
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        try:
            yield
        finally:
            other.execute("ROLLBACK")


async def until(see: Callable[[], object]) -> None:
    """Wait for what the bot does meanwhile."""
    for _ in range(2000):
        if see():
            return
        await asyncio.sleep(0.01)
    raise AssertionError("it never came")


def said(log: list[EventDict]) -> list[str]:
    """What the bot says of its file."""
    return [each["trouble"] for each in log if each["event"] == "store.unavailable"]


async def test_an_answer_that_could_not_be_noted_is_kept_until_it_can_be(
    workspace: Conversation, log: list[EventDict]
) -> None:
    """The upgrade has happened, and nobody has to look for it."""
    await workspace.alice.asks_for_e3()
    await workspace.carol.presses("Approve")
    await workspace.card()
    gate = Gate()
    workspace.partner_center.trouble("POST", "/upgrades", PartnerCenterTrouble(gate=gate))
    await workspace.alice.sends(await workspace.alice.payload_of("Upgrade now"))
    await gate.arrived.wait()
    async with held(workspace):
        gate.opened.set()
        await until(partial(said, log))
    assert "✅ Upgraded" in await workspace.card()
    assert "was upgraded" in await workspace.thread()
    assert workspace.posts() == len(workspace.upgrades()) == 1
    assert set(said(log)) == {"database is locked"}


async def test_a_click_that_could_not_be_noted_is_told_so(
    workspace: Conversation, log: list[EventDict]
) -> None:
    """It is no mistake of the bot's, and pressing again does no harm."""
    await workspace.alice.asks_for_e3()
    await workspace.card()
    click = await workspace.carol.payload_of("Approve")
    async with held(workspace):
        await workspace.carol.sends(click)
        await until(partial(said, log))
    assert "I cannot reach my database at the moment" in await workspace.carol.reads()
    await workspace.carol.presses("Approve")
    assert "🔵 Approved" in await workspace.card()
    await workspace.thread()


async def test_a_card_is_shown_though_its_trouble_could_not_be_noted(
    workspace: Conversation, log: list[EventDict]
) -> None:
    """Two troubles at once, of Slack and of the disk: the request is not left alone for ever."""
    await workspace.alice.asks_for_e3()
    await workspace.card()
    click = await workspace.carol.payload_of("Approve")
    workspace.practice.slack.trouble("chat.update", Trouble(status=503, delay=0.5))
    await workspace.carol.sends(click)
    await until(
        lambda: [e for e in workspace.practice.traffic.exchanges if e.name == "chat.update"]
    )
    async with held(workspace):
        await until(partial(said, log))
    assert "⏳ Approval needed" in await workspace.card()
    await workspace.passes(seconds=3)
    assert "🔵 Approved" in await workspace.card()
    await workspace.thread()
