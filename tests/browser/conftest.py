"""A real Chromium in front of the practice workspace's page."""

import shutil
from collections.abc import AsyncIterator

import pytest
from playwright.async_api import Page as Tab
from playwright.async_api import async_playwright

from bot.sandbox.page.server import Page
from bot.sandbox.practice import Practice, PracticeClock
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


@pytest.fixture
async def practice() -> AsyncIterator[Practice]:
    """The practice workspace, with its bot."""
    practice = Practice(PracticeClock())
    await practice.start()
    await practice.start_bot()
    yield practice
    await practice.stop()


@pytest.fixture
async def tab(practice: Practice, request: pytest.FixtureRequest) -> AsyncIterator[Tab]:
    """A tab with the page open as Alice. It must end without an error in its console."""
    if CHROMIUM is None:
        pytest.skip("no Chromium on this machine: install Debian's `chromium` to run this")
    page = Page(practice)
    await page.start(0)
    wrong: list[str] = []
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=QUIET)
        tab = await browser.new_page()
        tab.set_default_timeout(10_000)
        tab.on("console", lambda line: wrong.append(line.text) if line.type == "error" else None)
        tab.on("pageerror", lambda error: wrong.append(str(error)))
        await tab.goto(f"http://127.0.0.1:{page.port}/?as=U0ALICE")
        yield tab
        if RECORD_IN:
            await tab.screenshot(path=RECORD_IN / f"{request.node.name}.png", full_page=True)
        await browser.close()
    await page.stop()
    assert not wrong, f"the page's console shows errors: {wrong}"
