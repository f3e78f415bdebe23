"""A practice Slack without the bot's program, and Slack's own client for it."""

from collections.abc import AsyncIterator

import aiohttp
import pytest
from slack_sdk.web.async_client import AsyncWebClient

from bot.sandbox.practice import PracticeClock, workspace
from bot.sandbox.slack import SlackServer
from tests.workspace import START


@pytest.fixture
async def slack() -> AsyncIterator[SlackServer]:
    """A workspace without the bot's program."""
    server = SlackServer(workspace(PracticeClock(lambda: START)))
    await server.start()
    yield server
    await server.stop()


@pytest.fixture
async def client(slack: SlackServer) -> AsyncIterator[AsyncWebClient]:
    """Slack's own asynchronous client."""
    async with aiohttp.ClientSession() as session:
        yield AsyncWebClient(
            slack.workspace.bot_token, base_url=slack.api_url + "/", session=session
        )
