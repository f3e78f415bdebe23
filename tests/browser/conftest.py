"""A real Chromium, shared by all browser tests, in front of a practice workspace each."""

import shutil
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from playwright.async_api import Browser, async_playwright

from bot.sandbox.page.server import Page
from bot.sandbox.practice import Practice, PracticeClock
from tests.browser.people import Desktop
from tests.conftest import RECORD_IN

CHROMIUM = (
    shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
)

QUIET = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
]
"""Chromium speaks with nobody but the page."""


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def browser() -> AsyncIterator[Browser]:
    """One browser for the whole run."""
    if CHROMIUM is None:
        pytest.skip("no Chromium on this machine: install Debian's `chromium` to run this")
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=QUIET)
        yield browser
        await browser.close()


@pytest_asyncio.fixture(loop_scope="session")
async def practice() -> AsyncIterator[Practice]:
    """The practice workspace, without its bot."""
    practice = Practice(PracticeClock())
    yield practice
    await practice.stop()


@pytest_asyncio.fixture(loop_scope="session")
async def empty_desktop(
    browser: Browser, practice: Practice, request: pytest.FixtureRequest
) -> AsyncIterator[Desktop]:
    """The page is served, but the bot does not run. No window may end with an error in its
    console."""
    page = Page(practice)
    await page.start(0)
    await practice.start()
    desktop = Desktop(browser, practice, page, RECORD_IN, request.node.name)
    yield desktop
    await desktop.close()
    await page.stop()
    assert not desktop.wrong, f"a page's console shows errors: {desktop.wrong}"


@pytest_asyncio.fixture(loop_scope="session")
async def desktop(empty_desktop: Desktop) -> Desktop:
    """The page and the bot."""
    await empty_desktop.practice.start_bot()
    return empty_desktop
