"""What the page shows beyond the story: every block, the Home tab, the inspector, the switches."""

import asyncio
import json
import re
from typing import Any

import pytest
from axe_playwright_python.async_playwright import Axe
from playwright.async_api import expect
from slack_sdk.web.async_client import AsyncWebClient

from bot.sandbox.practice import ALICE, BOB, CAROL, CHANNEL
from bot.sandbox.slack.installed import Shortcut
from tests.browser.people import Desktop, Window
from tests.sandbox.slack import SECTION, field, form, option

pytestmark = pytest.mark.asyncio(loop_scope="session")


class App:
    """An app that publishes what it is told to, and remembers what people did."""

    def __init__(self, desktop: Desktop) -> None:
        slack = desktop.practice.slack
        there = slack.workspace
        there.app.scopes |= {"files:write", "im:write"}
        there.app.home_tab = True
        there.app.events.add("app_home_opened")
        there.app.shortcuts = [Shortcut("explain", "Explain this card")]
        self.client = AsyncWebClient(there.bot_token, base_url=slack.api_url + "/")
        self.heard: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self.answers: list[dict[str, Any]] = []
        instead: Any = slack.delivery  # no socket is needed
        instead.deliver, instead.tell = self._deliver, self._tell

    async def _deliver(self, _kind: str, payload: dict[str, Any]) -> dict[str, Any]:
        self.heard.put_nowait(payload)
        return self.answers.pop(0) if self.answers else {}

    def _tell(self, kind: str, payload: dict[str, Any]) -> asyncio.Task[bool]:
        async def tell() -> bool:
            await self._deliver(kind, payload)
            return True

        return asyncio.create_task(tell())

    async def hears(self) -> dict[str, Any]:
        """What somebody did."""
        return await asyncio.wait_for(self.heard.get(), 10)


BUTTONS = {
    "type": "actions",
    "block_id": "row",
    "elements": [
        {
            "type": "static_select",
            "action_id": "pick",
            "placeholder": {"type": "plain_text", "text": "Pick a plan"},
            "options": [option("E3"), option("E5")],
        },
        {
            "type": "button",
            "action_id": "portal",
            "url": "https://practice.example/portal",
            "text": {"type": "plain_text", "text": "Open the portal"},
        },
        {
            "type": "overflow",
            "action_id": "more",
            "options": [option("Withdraw it"), option("Remind")],
        },
    ],
}
TICKS = {
    "type": "section",
    "block_id": "ticks",
    "text": {"type": "mrkdwn", "text": "Which *rows*?\n> a quote\n`code` :tada: ~old~ _new_"},
    "accessory": {
        "type": "checkboxes",
        "action_id": "tick",
        "options": [option("First"), option("Second")],
    },
}
TABLE = {
    "type": "table",
    "rows": [
        [{"type": "raw_text", "text": each} for each in row]
        for row in (("User", "Problem"), ("Lee Gu", "Not moved"))
    ],
}


async def test_selects_ticks_tables_links_and_shortcuts_of_a_message(
    empty_desktop: Desktop,
) -> None:
    """They show, they act, and the app hears what Slack would say."""
    app, alice = App(empty_desktop), await empty_desktop.window(ALICE)
    blocks: list[dict[str, Any]] = [TABLE, TICKS, BUTTONS]
    await app.client.chat_postMessage(channel=CHANNEL, text="card", blocks=blocks)
    card = alice.messages.get_by_role("article")
    await expect(card.get_by_role("cell", name="Not moved")).to_be_visible()
    picker = card.get_by_role("combobox", name="Pick a plan")
    await picker.click()
    await card.get_by_role("option", name="E5").click()
    heard = await app.hears()
    assert heard["actions"][0]["selected_option"]["value"] == "E5"
    await card.get_by_label("Second").check()
    heard = await app.hears()
    assert heard["actions"][0]["selected_options"] == [option("Second")]
    assert heard["state"]["values"]["row"]["pick"]["selected_option"]["value"] == "E5"
    await card.get_by_role("button", name="More actions").last.click()
    await alice.tab.get_by_role("menuitem", name="Explain this card").click()
    assert (await app.hears())["callback_id"] == "explain"
    await card.get_by_role("button", name="More actions").first.click()
    await alice.tab.get_by_role("menuitem", name="Withdraw it").click()
    assert (await app.hears())["actions"][0]["selected_option"]["value"] == "Withdraw it"
    link = card.get_by_role("link", name="Open the portal")
    await expect(link).to_have_attribute("rel", "noreferrer")
    await empty_desktop.record(alice, "card")


async def test_the_home_tab_direct_messages_and_files(empty_desktop: Desktop) -> None:
    """Published for one person, opened by a click, told to the app; a file that can be had."""
    app, alice = App(empty_desktop), await empty_desktop.window(ALICE)
    await alice.tab.get_by_role("button", name="upgrade-bot").click()
    assert (await app.hears())["event"]["tab"] == "home"
    await expect(alice.tab.get_by_text("has not published its Home tab")).to_be_visible()
    home: dict[str, Any] = {"type": "home", "blocks": [SECTION, TICKS, BUTTONS]}
    await app.client.views_publish(user_id=ALICE, view=home)
    shown = alice.tab.get_by_role("region", name="Home tab")
    await expect(shown.get_by_text("Hello")).to_be_visible()
    await shown.get_by_role("combobox", name="Pick a plan").fill("E3")
    await alice.tab.keyboard.press("Enter")
    heard = await app.hears()
    assert heard["view"]["type"] == "home"
    assert heard["actions"][0]["selected_option"]["value"] == "E3"
    await empty_desktop.record(alice, "home")
    await app.client.chat_postMessage(channel=ALICE, text="Your request *expires* soon.")
    notice = alice.tab.get_by_label("Notifications").get_by_role("button")
    await expect(notice).to_contain_text("expires soon")
    await alice.tab.get_by_role("tab", name="Messages").click()
    await expect(alice.messages.get_by_text("Your request expires soon.")).to_be_visible()
    await expect(alice.tab.get_by_text("Sending messages to this app")).to_be_visible()
    opened = (await app.client.conversations_open(users=[ALICE]))["channel"]["id"]
    await app.client.files_upload_v2(
        channel=opened, filename="people.csv", content="name,problem\nLee,none", title="Who"
    )
    async with alice.tab.expect_download() as downloading:
        await alice.messages.get_by_role("link", name="Download").click()
    path = await (await downloading.value).path()
    assert path.read_text(encoding="utf-8") == "name,problem\nLee,none"
    await alice.messages.get_by_text("Preview").click()
    await expect(alice.messages.get_by_text("Lee,none")).to_be_visible()
    await empty_desktop.record(alice, "file")


async def test_forms_with_every_field_lie_upon_each_other(empty_desktop: Desktop) -> None:
    """Filled in, sent back with errors, changed, pushed, and cleared."""
    app, alice = App(empty_desktop), await empty_desktop.window(ALICE)
    there = empty_desktop.practice.slack.workspace
    options = [option("Alpha"), option("Beta"), option("Gamma")]
    number = {"type": "number_input", "is_decimal_allowed": False, "max_value": "10"}
    fields = [
        field("Why", {"type": "plain_text_input", "multiline": True}),
        field("Seats", number),
        field("Link", {"type": "url_text_input"}, optional=True),
        field("Plan", {"type": "static_select", "options": options}),
        field("Rows", {"type": "multi_static_select", "options": options}),
        field("Agreed", {"type": "checkboxes", "options": options[:2]}),
        field("Kind", {"type": "radio_buttons", "options": options[:2]}),
        field("Who", {"type": "external_select", "min_query_length": 2}),
    ]
    view = there.open_view(ALICE, form("Every field", *fields))
    shown = alice.form
    await shown.get_by_label("Why").fill("because")
    await shown.get_by_label("Seats").fill("11")
    await shown.get_by_label("Link (optional)").fill("no link")
    await shown.get_by_role("combobox", name="Plan").fill("bet")
    await alice.tab.keyboard.press("Enter")
    for name in ("Alpha", "Gamma"):
        await shown.get_by_role("combobox", name="Rows").fill(name)
        await alice.tab.keyboard.press("Enter")
    await shown.get_by_role("checkbox", name="Beta").check()
    await shown.get_by_role("radio", name="Alpha").check()
    app.answers = [{"options": [option("Contoso")]}]
    await shown.get_by_role("combobox", name="Who").press_sequentially("co")
    await shown.get_by_role("option", name="Contoso").click()
    assert (await app.hears())["type"] == "block_suggestion"
    await shown.get_by_role("button", name="Go").click()
    await expect(shown.get_by_text("a number of at most 10")).to_be_visible()
    await expect(shown.get_by_text("a valid URL")).to_be_visible()
    await empty_desktop.record(alice, "wrong")
    await shown.get_by_label("Seats").fill("7")
    await shown.get_by_label("Link (optional)").fill("https://mail.example/1")
    app.answers = [{"response_action": "errors", "errors": {"Why": "Say more."}}]
    await shown.get_by_role("button", name="Go").click()
    await expect(shown.get_by_text("Say more.")).to_be_visible()
    assert_entered((await app.hears())["view"]["state"]["values"])
    changed = form("Every field", {**SECTION, "block_id": "new"}, *fields)
    await app.client.views_update(view_id=view.id, view=changed)
    await expect(shown.get_by_text("Hello")).to_be_visible()
    await expect(shown.get_by_label("Why")).to_have_value("because")
    trigger = there.new_trigger(ALICE)
    await app.client.views_push(trigger_id=trigger, view=form("On top", SECTION))
    await expect(shown.get_by_role("heading", name="On top")).to_be_visible()
    await shown.get_by_role("button", name="Back").click()
    await expect(shown.get_by_label("Why")).to_have_value("because")
    app.answers = [{"response_action": "clear"}]
    await shown.get_by_role("button", name="Go").click()
    await expect(shown).to_be_hidden()


def assert_entered(values: dict[str, Any]) -> None:
    """What the form above sends."""
    entered = {name: each[name] for name, each in values.items()}
    assert entered["Seats"]["value"] == "7"
    assert entered["Plan"]["selected_option"]["value"] == "Beta"
    chosen = [each["value"] for each in entered["Rows"]["selected_options"]]
    assert chosen == ["Alpha", "Gamma"]
    assert entered["Agreed"]["selected_options"] == [option("Beta")]
    assert entered["Kind"]["selected_option"] == option("Alpha")
    assert entered["Who"]["selected_option"] == option("Contoso")


async def test_a_link_to_a_message_opens_it_and_new_messages_are_marked(
    empty_desktop: Desktop,
) -> None:
    """However long ago it was; who comes back sees where the new ones begin."""
    there = empty_desktop.practice.slack.workspace
    old = there.post(CHANNEL, BOB, "the very first")
    for number in range(300):
        there.post(CHANNEL, BOB, f"message {number}")
    link = there.permalink(old).removeprefix(empty_desktop.page.address.rstrip("/"))
    alice = await empty_desktop.window(ALICE, path=link)
    await expect(alice.messages.get_by_text("the very first")).to_be_in_viewport()
    await alice.tab.get_by_role("button", name="upgrade-bot").click()
    there.post(CHANNEL, CAROL, f"see <@{ALICE}>, <{there.permalink(old)}|the card>")
    entry = alice.tab.locator("[data-channel=C0UPGRADES]")
    await expect(entry).to_contain_text("1 unread")
    await entry.click()
    await expect(alice.messages.get_by_role("separator", name="New")).to_be_visible()
    await expect(entry).not_to_contain_text("unread")
    await alice.messages.get_by_role("link", name="the card").click()
    await expect(alice.messages.get_by_text("the very first")).to_be_in_viewport()


async def test_two_thousand_messages_do_not_hold_up_the_page(desktop: Desktop) -> None:
    """Only the latest are made into nodes, and one's own command is followed to the end."""
    there = desktop.practice.slack.workspace
    for number in range(2000):
        blocks = [{**SECTION, "text": {"type": "mrkdwn", "text": f"*Card* {number}"}}]
        there.post(CHANNEL, there.bot.id, f"card {number}", blocks)
    alice = await desktop.window(ALICE)
    assert await alice.messages.get_by_role("article").count() == 100
    await alice.messages.evaluate("node => { node.scrollTop = 0; }")
    await expect(alice.messages.get_by_role("article")).to_have_count(200)
    await alice.types("/upgrade contoso")
    await expect(alice.messages.get_by_text("press what it should become")).to_be_in_viewport()


async def test_the_inspector_shows_every_byte_and_copies_it_as_curl(desktop: Desktop) -> None:
    """Payloads with their acknowledgement, calls with their status; filtered as wanted."""
    alice = await desktop.window(
        ALICE,
        viewport={"width": 1440, "height": 900},
        permissions=["clipboard-read", "clipboard-write"],
    )
    await alice.asks_for_e3()
    await alice.opens("Inspector")
    row = alice.tab.get_by_role("button", name=re.compile("upgrade contoso"))
    await expect(row).to_contain_text(re.compile(r"acknowledged in [\d.]+ ms"))
    await row.click()
    details = alice.tab.locator(".details")
    await expect(details).to_contain_text("trigger: not used")
    await expect(details).to_contain_text("response URL: 4 of 5 uses left")
    await expect(details).to_contain_text('"text": "contoso"')
    await row.click()
    await alice.tab.get_by_label("Which").select_option("bot → Microsoft")
    call = alice.tab.get_by_role("button", name=re.compile("GET .*upgrades")).first
    await expect(call).to_contain_text("200 in")
    await call.click()
    await expect(details).to_contain_text("MS-RequestId")
    await details.get_by_role("button", name="Copy as curl").click()
    await expect(details.get_by_role("button", name="Copied")).to_be_visible()
    curl = await alice.tab.evaluate("navigator.clipboard.readText()")
    assert curl.startswith("curl -X GET http://127.0.0.1:")
    await desktop.record(alice, "inspector")
    await alice.tab.get_by_label("Filter").fill("subscribedskus or nothing")
    await expect(alice.tab.get_by_text("Nothing yet.")).to_be_visible()


async def test_begin_anew_forgets_everything(desktop: Desktop) -> None:
    """Messages, upgrades, the clock and the troubles."""
    alice = await desktop.window(ALICE)
    await alice.asks_for_e3()
    await alice.throws("Slow", "on")
    alice.tab.on("dialog", lambda dialog: dialog.accept())
    await alice.tab.get_by_role("button", name="Begin anew").last.click()
    await expect(alice.tab.get_by_text("Nothing was said here yet.")).to_be_visible()
    await expect(alice.tab.get_by_label("Slow")).to_have_value("")
    await expect(alice.tab.get_by_text("The bot is running.")).to_be_visible()
    await alice.asks_for_e3()


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_axe_finds_nothing_wrong(desktop: Desktop, scheme: Any) -> None:
    """Channel, form, dialog, thread and each of the tools, in both colours."""
    alice = await desktop.window(
        ALICE, viewport={"width": 1600, "height": 900}, color_scheme=scheme, reduced_motion="reduce"
    )
    await alice.opens("Guide")
    await fine(alice)
    await alice.types("/upgrade contoso")
    await alice.presses("Office 365 Enterprise E3 (upgrade only)")
    await expect(alice.form).to_be_visible()
    await fine(alice)
    await alice.form.get_by_label("Reason").fill("They need it.")
    await alice.form.get_by_role("button", name="Ask the team").click()
    await alice.presses("Approve")
    await fine(alice)
    await alice.tab.keyboard.press("Escape")
    await alice.messages.get_by_role("button", name="Reply in thread").last.click()
    await alice.opens("Inspector")
    await alice.tab.locator("#exchanges button").first.click()
    await expect(alice.tab.locator(".details")).to_be_visible()
    await fine(alice)
    await desktop.record(alice, scheme)
    await alice.opens("Switches")
    await fine(alice)


async def fine(window: Window) -> None:
    """axe-core has nothing to say about the page as it is now."""
    found = (await Axe().run(window.tab)).response["violations"]
    told = [
        {"rule": each["id"], "nodes": [node["html"][:200] for node in each["nodes"]][:3]}
        for each in found
    ]
    assert not told, json.dumps(told, indent=2)
