"""The main job, done by three people with a mouse."""

from playwright.async_api import Page as Tab
from playwright.async_api import expect

from bot.sandbox.practice import Practice


async def test_three_people_upgrade_contoso_with_a_restart_in_the_middle(
    tab: Tab, practice: Practice
) -> None:
    """Ask as Alice, be refused as Alice, approve as Carol, restart, upgrade as Alice."""
    await tab.get_by_role("textbox", name="Message").fill("/upgrade contoso")
    await tab.keyboard.press("Enter")
    await tab.get_by_role("button", name="Office 365 Enterprise E3 (upgrade only)").click()
    await tab.get_by_label("Reason").fill("They need Office on the desktop.")
    await tab.get_by_label("Link to the customer's consent").fill("https://mail.example/consent")
    await tab.get_by_role("button", name="Ask the team").click()
    await expect(tab.get_by_role("heading", name="Approval needed")).to_be_visible()

    await approve(tab)
    await expect(tab.get_by_text("somebody else has to approve it")).to_be_visible()

    await speak_as(tab, "U0CAROL")
    await approve(tab)
    await expect(tab.get_by_role("heading", name="🔵 Approved")).to_be_visible()

    await tab.get_by_role("button", name="Restart the bot").click()
    await expect(tab.get_by_role("status")).to_have_text("The bot is running.")

    await speak_as(tab, "U0ALICE")
    await tab.get_by_role("button", name="Upgrade now").click()
    await tab.get_by_role("dialog").get_by_role("button", name="Upgrade now").click()
    await expect(tab.get_by_role("heading", name="✅ Upgraded")).to_be_visible()
    await tab.get_by_role("button", name="3 replies").click()
    await expect(tab.get_by_label("Thread")).to_contain_text("New subscription")
    assert len(practice.partner_center.records.performed) == 1


async def test_a_customers_name_never_becomes_part_of_the_page(
    tab: Tab, practice: Practice
) -> None:
    """Neither tags nor Slack's own signs of a name do anything."""
    evil = "<img src=x onerror=alert(1)> <!channel> *bold*"
    customer = practice.partner_center.records.add_customer(evil, "evil.example")
    practice.partner_center.records.add_subscription(
        customer, "91FD106F-4B2C-4938-95AC-F54F74E9A239", 1
    )
    await tab.get_by_role("textbox", name="Message").fill("/upgrade evil.example")
    await tab.keyboard.press("Enter")
    await expect(tab.get_by_text("<img src=x onerror=alert(1)> <!channel> ∗bold∗")).to_be_visible()
    assert await tab.locator("#messages img").count() == 0
    assert await tab.locator("#messages .mention").count() == 0


async def test_a_customer_is_found_by_typing_ahead_with_the_keyboard_alone(tab: Tab) -> None:
    """`/upgrade` alone, some letters, an arrow, Enter."""
    await tab.get_by_role("textbox", name="Message").fill("/upgrade")
    await tab.keyboard.press("Enter")
    field = tab.get_by_label("Customer", exact=True)
    await field.press_sequentially("fabri")
    offers = tab.get_by_label("Customer: what it may be")
    await expect(offers.get_by_role("option")).to_have_count(2)
    await field.press("ArrowDown")
    await tab.keyboard.press("Enter")
    await expect(field).to_have_value("Fabrikam (fabrikam-emea.example)")
    await tab.get_by_role("button", name="Show upgrades").click()
    await expect(tab.get_by_text("Fabrikam (fabrikam-emea.example): press what")).to_be_visible()


async def approve(tab: Tab) -> None:
    """Press, and say yes to the question."""
    await tab.get_by_role("button", name="Approve", exact=True).click()
    question = tab.get_by_role("dialog")
    await expect(question).to_contain_text("Approve this upgrade?")
    await question.get_by_role("button", name="Approve").click()


async def speak_as(tab: Tab, user: str) -> None:
    """Change the person."""
    await tab.get_by_label("Speak as").select_option(user)
