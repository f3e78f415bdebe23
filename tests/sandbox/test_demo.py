"""`upgrade-bot demo`, as somebody starts it who wants to see what this is."""

import asyncio
import re
import signal
import sys
from asyncio.subprocess import PIPE, Process

import aiohttp


async def start(*options: str) -> Process:
    """Start it, without a browser."""
    command = (sys.executable, "-m", "bot", "demo", "--no-browser", *options)
    return await asyncio.create_subprocess_exec(*command, stdout=PIPE, stderr=PIPE)


async def test_it_serves_the_page_until_it_is_stopped() -> None:
    """With the bot in it, on this machine only; another one on the same port says what to do."""
    demo = await start("--port", "0", "--customers", "50", "--people", "10")
    assert demo.stdout
    said = ""
    while "is at" not in said:
        said = (await asyncio.wait_for(demo.stdout.readline(), 30)).decode()
        assert said, "it ended without a word"
    found = re.search(r"http://127\.0\.0\.1:(\d+)/", said)
    assert found
    async with (
        aiohttp.ClientSession() as session,
        session.get(f"{found[0]}api/state?as=U0ALICE") as answer,
    ):
        state = await answer.json()
    assert state["running"]
    assert len(state["people"]) == 11
    second = await start("--port", found[1])
    told, _ = await second.communicate()
    assert b"Take another: --port" in told
    assert second.returncode == 2
    demo.send_signal(signal.SIGTERM)
    await demo.communicate()
    assert demo.returncode == 0
