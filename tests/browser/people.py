"""People in front of the page, each in a window of their own."""

import re
from pathlib import Path
from typing import Any

from playwright.async_api import Browser, BrowserContext, Locator, expect
from playwright.async_api import Page as Tab

from bot.sandbox.page.server import Page
from bot.sandbox.practice import Practice

E3 = "Office 365 Enterprise E3 (upgrade only)"


class Window:
    """What one person sees and does, by mouse and keyboard."""

    def __init__(self, tab: Tab) -> None:
        self.tab = tab
        self.messages = tab.get_by_role("log", name="Messages")
        self.thread = tab.get_by_label("Thread", exact=True)
        self.form = tab.locator("#form")

    async def types(self, text: str) -> None:
        """Into the composer, and sends it."""
        await self.tab.get_by_role("textbox", name="Message", exact=True).fill(text)
        await self.tab.keyboard.press("Enter")

    async def presses(self, name: str, answer: str = "") -> None:
        """A button in the channel, the newest of that name; and what the question is answered
        with, if one is asked."""
        await self.button(name).last.click()
        if answer:
            question = self.tab.locator("#confirm")
            await question.get_by_role("button", name=answer, exact=True).click()

    def button(self, name: str) -> Locator:
        """The app's buttons in the channel with these words on them; what a screen reader says of
        them can be more."""
        words = re.compile(rf"^{re.escape(name)}$")
        return self.messages.locator("button.button").filter(has_text=words)

    async def asks_for_e3(self, customer: str = "contoso") -> None:
        """The beginning of most stories."""
        await self.types(f"/upgrade {customer}")
        await self.presses(E3)
        await self.form.get_by_label("Reason").fill("They need Office on the desktop.")
        await self.form.get_by_role("button", name="Ask the team").click()
        await self.sees("Approval needed")

    async def sees(self, heading: str) -> None:
        """A card with this heading."""
        there = self.messages.get_by_role("heading", name=re.compile(re.escape(heading)))
        await expect(there.last).to_be_visible()

    async def speaks_as(self, user: str) -> None:
        """Change the person."""
        await self.tab.get_by_label("Speak as").select_option(user)
        await expect(self.tab.locator(f"body[data-ready='{user}']")).to_be_visible()

    async def opens(self, tool: str) -> None:
        """Guide, Inspector or Switches."""
        if await self.tab.locator("#tools").is_hidden():
            await self.tab.get_by_role("button", name="Behind the scenes").first.click()
        await self.tab.get_by_role("tab", name=tool).click()

    async def throws(self, switch: str, choice: str) -> None:
        """One of the switches."""
        await self.opens("Switches")
        await self.tab.get_by_label(switch, exact=True).select_option(choice)


class Desktop:
    """All windows on one practice workspace."""

    def __init__(
        self, browser: Browser, practice: Practice, page: Page, record_in: Path | None, name: str
    ) -> None:
        self.practice = practice
        self.page = page
        self.wrong: list[str] = []
        self._browser = browser
        self._record_in = record_in
        self._name = re.sub(r"\W+", "_", name)
        self._contexts: list[BrowserContext] = []

    async def window(self, user: str = "U0ALICE", *, path: str = "/", **more: Any) -> Window:
        """A new window for somebody. `more`: options of the browser, such as `viewport`."""
        context = await self._browser.new_context(**more)
        self._contexts.append(context)
        tab = await context.new_page()
        tab.set_default_timeout(10_000)
        tab.on("console", self._heard)
        tab.on("pageerror", lambda error: self.wrong.append(str(error)))
        await tab.goto(f"{self.page.address.rstrip('/')}{path}?as={user}")
        await expect(tab.locator(f"body[data-ready='{user}']")).to_be_visible()
        return Window(tab)

    def _heard(self, line: Any) -> None:
        if line.type == "error":
            self.wrong.append(line.text)

    async def record(self, window: Window, what: str) -> None:
        """A screenshot, where `RECORD` names a folder."""
        if self._record_in:
            await window.tab.screenshot(path=self._record_in / f"{self._name}-{what}.png")

    async def close(self) -> None:
        """Close every window."""
        for number, context in enumerate(self._contexts):
            for tab in context.pages:
                await self.record(Window(tab), f"end-{number}")
            await context.close()
