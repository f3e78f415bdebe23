"""Whole stories, done by people with a mouse, or with the keyboard alone."""

import asyncio
import re

import pytest
from playwright.async_api import Route, expect

from bot.sandbox.partner_center import records
from bot.sandbox.practice import ALICE, BOB, CAROL
from tests.browser.people import Desktop

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_three_people_upgrade_contoso_side_by_side_with_a_restart(desktop: Desktop) -> None:
    """Each in a window of their own; the tour follows in Alice's; the upgrade happens once."""
    alice = await desktop.window(ALICE, viewport={"width": 1440, "height": 900})
    carol, bob = await desktop.window(CAROL), await desktop.window(BOB)
    await alice.opens("Guide")
    await alice.asks_for_e3()
    await desktop.record(alice, "asked")
    await alice.presses("Approve", "Approve")
    await expect(alice.messages.get_by_text("somebody else has to approve it")).to_be_visible()
    await expect(carol.messages.get_by_text("somebody else has to approve it")).to_have_count(0)
    await carol.presses("Approve", "Approve")
    for window in (alice, bob, carol):
        await window.sees("Approved")
    await alice.opens("Switches")
    await alice.tab.get_by_role("button", name="Restart the bot").click()
    await expect(alice.tab.locator("body.busy")).to_have_count(0)
    await alice.opens("Guide")
    await alice.presses("Upgrade now", "Upgrade now")
    await bob.sees("Upgraded")
    await alice.messages.get_by_role("button", name=re.compile(r"\d replies")).click()
    await expect(alice.thread).to_contain_text("New subscription")
    await expect(alice.tab.get_by_text("All six steps are done.")).to_be_visible()
    await desktop.record(alice, "upgraded")
    assert len(desktop.practice.partner_center.records.performed) == 1


async def test_a_decline_reaches_the_requester(desktop: Desktop) -> None:
    """Carol says why, in a form that does not take an empty reason; Alice gets a notice."""
    alice, carol = await desktop.window(ALICE), await desktop.window(CAROL)
    await alice.asks_for_e3()
    await alice.tab.get_by_role("button", name="upgrade-bot").click()
    await carol.presses("Decline")
    await carol.form.get_by_role("button", name="Decline").click()
    await expect(carol.form.get_by_text("Please complete this required field.")).to_be_visible()
    await desktop.record(carol, "why-not")
    await carol.form.get_by_label("Why not?").fill("Their contract ends in May.")
    await carol.form.get_by_role("button", name="Decline").click()
    await carol.sees("Declined")
    notice = alice.tab.get_by_label("Notifications").get_by_role("button").last
    await expect(notice).to_contain_text("Their contract ends in May.")
    await desktop.record(alice, "notice")
    await notice.click()
    await expect(alice.thread).to_contain_text("Their contract ends in May.")
    assert not desktop.practice.partner_center.records.performed


async def test_time_passes_until_a_request_expires(desktop: Desktop) -> None:
    """Two hours to the reminder, a day to the end."""
    alice = await desktop.window(ALICE)
    await alice.asks_for_e3()
    await alice.opens("Switches")
    await alice.tab.get_by_role("button", name=re.compile("2 hours")).click()
    await expect(alice.messages.get_by_role("button", name=re.compile("1 reply"))).to_be_visible()
    await expect(alice.tab.locator("#clock")).to_have_text("+ 2 h")
    await alice.tab.get_by_role("button", name=re.compile("1 day")).click()
    await alice.sees("Expired")


async def test_a_lost_answer_is_found_and_the_upgrade_happens_once(desktop: Desktop) -> None:
    """The connection breaks after it took effect: the bot looks, and does not repeat it."""
    alice, carol = await desktop.window(ALICE), await desktop.window(CAROL)
    await alice.asks_for_e3()
    await carol.presses("Approve", "Approve")
    await alice.sees("Approved")
    await alice.throws("Answer lost", "after")
    await expect(alice.tab.get_by_role("button", name="1 trouble")).to_be_visible()
    await alice.presses("Upgrade now", "Upgrade now")
    await expect(alice.tab.get_by_role("button", name="1 trouble")).to_be_hidden()
    checking = alice.messages.get_by_role("heading", name=re.compile("Checking|Upgraded"))
    await expect(checking).to_be_visible()
    await alice.tab.get_by_role("button", name=re.compile("1 hour")).click()
    await alice.sees("Upgraded")
    assert len(desktop.practice.partner_center.records.performed) == 1


async def test_a_click_while_the_bot_is_dead_is_seen_to_fail_and_works_afterwards(
    desktop: Desktop,
) -> None:
    """Slack's own warning; then the bot comes back, and everything stands where it was."""
    alice, carol = await desktop.window(ALICE), await desktop.window(CAROL)
    await alice.asks_for_e3()
    await alice.opens("Switches")
    await alice.tab.get_by_role("button", name="Kill the bot").click()
    await expect(alice.tab.get_by_text("The bot is stopped.")).to_be_visible()
    await carol.presses("Approve", "Approve")
    await expect(carol.messages.get_by_text("This app did not respond")).to_be_visible()
    await alice.tab.get_by_role("button", name="Start the bot", exact=True).click()
    await expect(alice.tab.get_by_text("The bot is running.")).to_be_visible()
    await carol.presses("Approve", "Approve")
    await carol.sees("Approved")


async def test_what_the_arrow_keys_chose_stays_chosen_when_a_later_answer_comes(
    desktop: Desktop,
) -> None:
    """The answer to the last letter is slow; what it offers, too, is still marked."""
    alice = await desktop.window(ALICE)
    keys, is_chosen = alice.tab.keyboard, asyncio.Event()

    async def slow(route: Route) -> None:
        if (route.request.post_data_json or {}).get("typed") == "fabri":
            await is_chosen.wait()
        await route.continue_()

    await alice.tab.route("**/api/suggest", slow)
    await alice.types("/upgrade")
    field, options = (
        alice.form.get_by_label("Customer", exact=True),
        alice.form.get_by_role("option"),
    )
    await expect(field).to_be_focused()
    await keys.type("fabr")
    await expect(options).to_have_count(2)
    await keys.type("i")
    await keys.press("ArrowDown")
    await keys.press("ArrowDown")
    await options.first.evaluate("node => { node.dataset.old = 'yes'; }")
    is_chosen.set()
    await expect(options.first).not_to_have_attribute("data-old", "yes")
    await expect(options.nth(1)).to_have_attribute("aria-selected", "true")
    chosen = await options.nth(1).inner_text()
    await keys.press("Enter")
    await expect(field).to_have_value(chosen)


async def test_the_whole_story_with_the_keyboard_alone(desktop: Desktop) -> None:
    """Completion, type-ahead, forms, dialogs, threads: no mouse, and the focus is never lost."""
    alice = await desktop.window(ALICE)
    keys, tab = alice.tab.keyboard, alice.tab
    await expect(tab.get_by_role("textbox", name="Message", exact=True)).to_be_focused()
    await keys.type("/up")
    await keys.press("Enter")
    await expect(tab.get_by_role("textbox", name="Message", exact=True)).to_have_value("/upgrade ")
    await expect(tab.locator("#hint")).to_contain_text("tenant id")
    await keys.press("Enter")
    field = alice.form.get_by_label("Customer", exact=True)
    await expect(field).to_be_focused()
    await keys.type("fabri")
    await expect(alice.form.get_by_role("option")).to_have_count(2)
    await keys.press("ArrowDown")
    await keys.press("Enter")
    await expect(field).to_have_value(re.compile(r"Fabrikam \(fabrikam.*\.example\)"))
    await keys.press("Enter")  # submits
    await expect(alice.messages.get_by_text("press what it should become")).to_be_visible()
    await keys.press("F6")  # from the composer …
    for _ in range(12):
        if await tab.evaluate("document.activeElement.closest('#messages') !== null"):
            break
        await keys.press("F6")
    await keys.press("Tab")
    option = alice.messages.get_by_role("button").filter(has_text="Enterprise E5").first
    for _ in range(8):
        if await option.evaluate("node => node === document.activeElement"):
            break
        await keys.press("Tab")
    await keys.press("Enter")
    await expect(alice.form.get_by_label("Reason")).to_be_focused()
    await keys.type("They need it.")
    await keys.press("Tab")
    await keys.press("Enter")  # in the link's field: sends the form
    await alice.sees("Approval needed")
    await expect(option).to_be_focused()

    await alice.speaks_as(CAROL)
    approve = alice.button("Approve")
    await approve.focus()
    await keys.press("Enter")
    await keys.press("Tab")
    await expect(tab.locator("#confirm").get_by_role("button", name="Approve")).to_be_focused()
    await keys.press("Enter")
    await alice.sees("Approved")
    focused = "document.activeElement.closest('#messages article') !== null"
    assert await tab.evaluate(focused), "after a press the focus stays at the card"
    await keys.press("Escape")
    await tab.evaluate("document.activeElement.closest('article').focus()")
    await keys.press("t")
    await expect(tab.locator("#thread-title")).to_be_focused()
    await keys.press("Escape")
    await expect(alice.thread).to_be_hidden()


async def test_at_400_pixels_everything_is_there(desktop: Desktop) -> None:
    """Nothing reaches over the edge; one pane at a time; channels behind a button."""
    alice = await desktop.window(ALICE, viewport={"width": 400, "height": 800})
    await alice.asks_for_e3()
    await desktop.record(alice, "card")
    wide = "Math.max(document.documentElement.scrollWidth, document.body.scrollWidth) > innerWidth"
    assert not await alice.tab.evaluate(wide)
    await alice.tab.get_by_role("button", name="Channels").click()
    await alice.tab.get_by_role("button", name="upgrade-bot").click()
    home = alice.tab.get_by_role("region", name="Home tab")
    await expect(home.get_by_text("Your requests")).to_be_visible()
    await alice.tab.get_by_role("tab", name="Messages").click()
    await expect(alice.tab.locator("#silent")).to_be_visible()
    await alice.tab.get_by_role("button", name="Channels").click()
    await alice.tab.get_by_role("button", name="upgrades").click()
    await alice.speaks_as(CAROL)
    await alice.presses("Approve", "Approve")
    await alice.messages.get_by_role("button", name=re.compile("1 reply")).click()
    await expect(alice.thread).to_contain_text("Upgrade now")
    await desktop.record(alice, "thread")
    await alice.tab.get_by_role("button", name="Close the thread").click()
    await alice.opens("Switches")
    await desktop.record(alice, "switches")
    assert not await alice.tab.evaluate(wide)


async def test_a_customers_name_never_becomes_part_of_the_page(desktop: Desktop) -> None:
    """Neither tags nor Slack's own signs of a name do anything, here and in the inspector."""
    evil = "<img src=x onerror=alert(1)> <!channel> *bold*"
    there = desktop.practice.partner_center.records
    there.add_subscription(there.add_customer(evil, "evil.example"), records.E1, 1)
    alice = await desktop.window(ALICE)
    await alice.types("/upgrade evil.example")
    shown = alice.messages.get_by_text("<img src=x onerror=alert(1)> <!channel> ∗bold∗")
    await expect(shown).to_be_visible()
    await alice.opens("Inspector")
    await alice.tab.get_by_role("button", name=re.compile("response_url")).first.click()
    await expect(alice.tab.locator(".details pre").first).to_contain_text("onerror")
    await alice.types("<b>hello</b> <@U0CAROL>")
    await expect(alice.messages.get_by_text("<b>hello</b> <@U0CAROL>")).to_be_visible()
    assert await alice.tab.locator("img").count() == 0
    assert await alice.messages.locator(".mention, b").count() == 0
