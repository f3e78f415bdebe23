"""`python -m tests.browser.figures`: how fast the practice workspace is on this machine.

From the start of the command to a page that can be used, and from a click to its visible effect,
with an empty channel and with 2,000 messages in it.
"""

import asyncio
import re
import statistics
import sys
import time
from asyncio.subprocess import PIPE

from playwright.async_api import Browser, async_playwright, expect

from bot.sandbox.page.server import Page
from bot.sandbox.practice import ALICE, CHANNEL, Practice, PracticeClock
from tests.browser.conftest import CHROMIUM, QUIET
from tests.browser.people import E3, Desktop, Window

ROUNDS = 7
SEEN = """(selector) => new Promise((resolve) => {
  const began = performance.now();
  const look = () => {
    const node = document.querySelector(selector);
    if (node && node.checkVisibility()) return resolve(performance.now() - began);
    requestAnimationFrame(look);
  };
  document.activeElement.click();
  look();
})"""
"""From the press of what has the focus until the selector is to be seen, in milliseconds."""


async def start_to_usable(browser: Browser) -> float:
    """Seconds from the command to a page with a composer in it."""
    began = time.perf_counter()
    command = (sys.executable, "-m", "bot", "demo", "--no-browser", "--port", "0")
    demo = await asyncio.create_subprocess_exec(*command, stdout=PIPE, stderr=PIPE)
    assert demo.stdout
    address = None
    while address is None:
        address = re.search(r"http://\S+", (await demo.stdout.readline()).decode())
    tab = await browser.new_page()
    await tab.goto(address[0])
    await expect(tab.get_by_role("textbox", name="Message", exact=True)).to_be_focused()
    took = time.perf_counter() - began
    await tab.close()
    demo.terminate()
    await demo.communicate()
    return took


async def clicks(window: Window) -> dict[str, float]:
    """Milliseconds from a press to what it does: a form from the bot, a dialog, a thread."""
    found = {}
    await window.types("/upgrade contoso")
    await window.button(E3).last.focus()
    found["a button opens the bot's form"] = float(await window.tab.evaluate(SEEN, "#form[open]"))
    await window.form.get_by_label("Reason").fill("They need it.")
    await window.form.get_by_role("button", name="Ask the team").focus()
    found["submitting shows the card"] = float(
        await window.tab.evaluate(SEEN, "article:last-child [data-action=approve]")
    )
    await window.button("Approve").last.focus()
    found["Approve asks"] = float(await window.tab.evaluate(SEEN, "#confirm[open]"))
    await window.tab.keyboard.press("Escape")
    await window.messages.get_by_role("button", name="Reply in thread").last.focus()
    found["a thread opens"] = float(await window.tab.evaluate(SEEN, "#replies article"))
    await window.tab.get_by_role("button", name="Close the thread").click()
    return found


async def measure(browser: Browser, messages: int) -> dict[str, list[float]]:
    """Each click several times, beside so many messages."""
    practice = Practice(PracticeClock())
    page = Page(practice)
    await page.start(0)
    await practice.start()
    await practice.start_bot()
    slack = practice.slack.workspace
    for number in range(messages):
        section = {"type": "section", "text": {"type": "mrkdwn", "text": f"*Card* {number}"}}
        slack.post(CHANNEL, slack.bot.id, f"card {number}", [section] * 5)
    desktop = Desktop(browser, practice, page, None, "figures")
    began = time.perf_counter()
    window = await desktop.window(ALICE)
    found = {"the page opens": [(time.perf_counter() - began) * 1000]}
    for _ in range(ROUNDS):
        for what, took in (await clicks(window)).items():
            found.setdefault(what, []).append(took)
    await desktop.close()
    await page.stop()
    await practice.stop()
    return found


async def main() -> None:
    """Print a table."""
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=QUIET)
        starts = [await start_to_usable(browser) for _ in range(3)]
        print(f"{'start to usable':45} {statistics.median(starts):6.2f} s")  # noqa: T201
        for messages in (0, 2000):
            for what, took in (await measure(browser, messages)).items():
                name = f"{what}, {messages} messages"
                print(f"{name:45} {statistics.median(took):6.0f} ms (at most {max(took):.0f})")  # noqa: T201
        await browser.close()


if __name__ == "__main__":
    asyncio.run(main())
