"""What all tests share: a workspace to speak in, and an eye on the log."""

import logging
import os
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path

import pytest
import structlog

from bot.store.trail import Broken
from tests.postgres import PostgresServer
from tests.workspace import Conversation, new_practice

Start = Callable[..., Awaitable[Conversation]]


RECORD_IN = Path(os.environ["RECORD"]) if "RECORD" in os.environ else None
"""`RECORD=folder pytest` writes every message and form there, for other judges."""


@pytest.fixture(autouse=True)
def log() -> Iterator[list[structlog.typing.EventDict]]:
    """Everything the bot logs, with its correlation ids. A test that expects an error takes it out
    of the list."""
    with structlog.testing.capture_logs([structlog.contextvars.merge_contextvars]) as entries:
        yield entries
        errors = [entry for entry in entries if entry["log_level"] in ("error", "critical")]
        assert not errors, f"the bot logged errors: {errors}"


@pytest.fixture(autouse=True)
def library_log(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    """No library, and no forgotten task, may log an error either."""
    yield
    records = [r for when in ("setup", "call") for r in caplog.get_records(when)]
    errors = [r.getMessage() for r in records if r.levelno >= logging.ERROR]
    assert not errors, f"a library logged errors: {errors}"


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgresServer]:
    """A PostgreSQL server for the whole run."""
    server = PostgresServer()
    server.start()
    yield server
    server.stop()


@pytest.fixture
def fallible_postgres() -> Iterator[PostgresServer]:
    """One of its own for a test that lets it fall: with the databases of a whole run in it, it
    would take long to rise."""
    server = PostgresServer()
    server.start()
    yield server
    server.stop()


@pytest.fixture
async def start() -> AsyncIterator[Start]:
    """Starts a practice workspace with the bot; at the end nothing may be unread, and the audit
    trail must be whole."""
    begun: list[Conversation] = []

    async def begin(policy: str | None = None, *, http_mode: bool = False) -> Conversation:
        practice = new_practice(policy)
        practice.http_mode = http_mode
        await practice.start()
        begun.append(Conversation(practice, RECORD_IN))
        await practice.start_bot()
        return begun[-1]

    yield begin
    broken: list[Broken] = []
    for conversation in begun:
        if conversation.practice.bot:
            await conversation.bot.quiet()
            if not conversation.has_copied_rows:
                broken += (await conversation.bot.store.trail.verify()).broken
        await conversation.practice.stop()
    for conversation in begun:
        conversation.leave()
    assert not broken, broken


@pytest.fixture
async def workspace(start: Start) -> Conversation:
    """Alice and Bob, account managers, and Carol, who approves, with the bot in one channel."""
    return await start()
