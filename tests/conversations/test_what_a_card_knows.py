"""What stands on a card beside the story: warnings with links, banners, Partner Center's page, and
what is told privately when it is somebody's turn."""

import csv
import io

import pytest

from bot.sandbox.partner_center import Trouble, records
from bot.sandbox.slack.web_api import Trouble as SlackTrouble
from tests.conftest import Start
from tests.workspace import Conversation

E3, E5 = "Office 365 Enterprise E3 (upgrade only)", "Office 365 Enterprise E5 (upgrade only)"


async def test_a_card_warns_of_another_request_for_the_same_subscription(
    workspace: Conversation,
) -> None:
    """With a link, so that approvers see both."""
    await workspace.alice.asks_for_e3()
    first = await workspace.newest_card()
    assert "was asked about before" not in workspace.read(first)
    await workspace.bob.asks_for_e3("contoso", E5)
    card = await workspace.card()
    assert "⚠️ This subscription was asked about before:" in card
    assert "• ⏳ Approval needed: Office 365 Enterprise E3↗, asked by @alice" in card
    link = f"/archives/{first.channel}/p{first.ts.replace('.', '')}|"
    assert link in str((await workspace.newest_card()).blocks)


async def test_a_customer_that_the_policy_marks_has_a_banner(start: Start) -> None:
    """On the form and on the card, whatever the text holds."""
    workspace = await start(
        '[policy]\napprovers = ["S0APPROVERS"]\n'
        '[[policy.rules]]\nmin_seats = 20\nbanner = "Key account: <!channel> ask *Dana* first"\n'
    )
    await workspace.alice.types("/upgrade contoso")
    await workspace.alice.reads()
    await workspace.alice.presses(E3)
    banner = "🚩 Key account: &lt;!channel&gt; ask ∗Dana∗ first"
    assert banner in await workspace.alice.sees_form()
    await workspace.alice.fills_in(reason="They need Office.")
    assert banner in await workspace.card()
    await workspace.alice.asks_for_e3(
        "northwind", "Office 365 Business Premium (with licence transfer)"
    )
    assert "🚩" not in await workspace.card()


async def test_a_button_opens_the_customers_page_at_partner_center(
    workspace: Conversation,
) -> None:
    """It decides nothing, and its click is acknowledged."""
    await workspace.alice.asks_for_e3()
    await workspace.carol.presses("Partner Center")
    card = await workspace.newest_card()
    assert "⏳ Approval needed" in workspace.read(card)
    (actions,) = [block for block in card.blocks if block["type"] == "actions"]
    assert actions["elements"][-1]["url"] == (
        f"https://partner.microsoft.com/dashboard/v2/customers/{workspace.contoso}/account"
    )
    assert await workspace.carol.reads() == ""


async def test_the_requester_is_told_privately_when_it_is_their_turn(
    workspace: Conversation,
) -> None:
    """Once, with a link to the card; a restart does not tell it again."""
    await workspace.alice.asks_for_e3()
    assert await workspace.alice.reads() == ""
    await workspace.carol.presses("Approve")
    assert await workspace.alice.reads() == (
        "Your upgrade of Contoso to Office 365 Enterprise E3 is approved. It is your turn: press "
        "Upgrade now on its card before 2026-11-21 09:00 UTC. Open the card↗"
    )
    await workspace.restarts()
    assert await workspace.alice.reads() == ""
    workspace.partner_center.trouble("POST", "/upgrades", Trouble(status=429))
    await workspace.alice.presses("Upgrade now")
    assert "It is your turn" in await workspace.alice.reads()
    await workspace.card()
    await workspace.thread()


@pytest.mark.parametrize("confirm", ["approver", "nobody"])
async def test_who_need_not_act_is_told_nothing_privately(start: Start, confirm: str) -> None:
    """Where an approver confirms, or nobody does, the thread is enough."""
    workspace = await start(f'[policy]\napprovers = ["S0APPROVERS"]\nconfirm = "{confirm}"')
    await workspace.alice.asks_for_e3()
    await workspace.carol.presses("Approve")
    assert await workspace.alice.reads() == ""
    await workspace.card()
    await workspace.thread()


@pytest.mark.parametrize("ending", ["declined", "withdrawn", "expired"])
async def test_what_came_to_nothing_can_be_asked_again(
    workspace: Conversation, ending: str
) -> None:
    """The button lists what is possible now; the ended request stays as it is."""
    await workspace.alice.asks_for_e3()
    match ending:
        case "declined":
            await workspace.carol.presses("Decline")
            await workspace.carol.fills_in(reason="Not now.")
        case "withdrawn":
            await workspace.alice.presses("Withdraw")
        case "expired":
            await workspace.passes(hours=25)
    await workspace.card()
    await workspace.thread()
    await workspace.bob.presses("Ask again")
    assert "Contoso (contoso.onmicrosoft.com): press what it" in await workspace.bob.reads()
    await workspace.bob.presses(E3)
    await workspace.bob.fills_in(reason="Now they can.")
    assert "Requested by: @bob" in await workspace.card()


async def test_a_refused_upgrade_can_be_tried_again(workspace: Conversation) -> None:
    """Partner Center itself said that nothing happened, so a new request is safe."""
    await workspace.alice.asks_for_e3()
    await workspace.carol.presses("Approve")
    workspace.partner_center.trouble("POST", "/upgrades", Trouble(status=400))
    await workspace.alice.presses("Upgrade now")
    card = await workspace.card()
    assert "❌ Upgrade failed" in card
    assert "[Try again]" in card
    assert "This bot has changed nothing." in await workspace.thread()
    await workspace.alice.presses("Try again")
    assert "press what it should become" in await workspace.alice.reads()


async def test_asking_again_is_only_for_those_who_may_ask(start: Start) -> None:
    """And only for what has ended: an old button of a forger changes nothing."""
    workspace = await start('[policy]\napprovers = ["S0APPROVERS"]\nrequesters = ["U0ALICE"]')
    await workspace.alice.asks_for_e3()
    forged = await workspace.alice.payload_of("Withdraw")
    forged["actions"][0]["action_id"] = "ask_again"
    await workspace.alice.sends(forged)
    assert "This is still waiting" in await workspace.alice.reads()
    await workspace.alice.presses("Withdraw")
    await workspace.card()
    await workspace.thread()
    await workspace.bob.presses("Ask again")
    assert "Only @alice can ask for upgrades here." in await workspace.bob.reads()


async def test_more_people_than_a_table_shows_are_in_a_file(workspace: Conversation) -> None:
    """All of them, and no cell is a formula."""
    await licences_that_do_not_move(workspace, 45)
    told = await workspace.thread()
    assert "(file) Licences that did not move: Northwind Traders" in told
    assert "The table shows 20 of them; the file in this thread has all." in told
    (file,) = workspace.slack.files.values()
    assert file.content
    rows = list(csv.reader(io.StringIO(file.content.decode("utf-8-sig"))))
    assert rows[0] == ["Person", "Address", "User id", "Why"]
    assert len(rows) == 46
    assert rows[1][0] == "'=cmd|' /C calc'!A0"
    assert rows[1][1] == "'@sum.example"


async def test_where_files_are_not_allowed_the_result_says_so(workspace: Conversation) -> None:
    """The result itself is never held up by a file."""
    workspace.practice.slack.trouble(
        "files.getUploadURLExternal", SlackTrouble(error="missing_scope")
    )
    await licences_that_do_not_move(workspace, 21)
    told = await workspace.thread()
    assert "21 licences did not move." in told
    assert "The file could not be added (Slack says missingˍscope)." in told or (
        "The file could not be added (Slack says missing_scope)." in told
    )
    assert not workspace.slack.files


async def test_a_file_that_did_not_get_through_comes_later(workspace: Conversation) -> None:
    """Slack hiccups while it takes the bytes; that is no mistake of the bot's."""
    workspace.practice.slack.trouble("upload", SlackTrouble(status=503))
    await licences_that_do_not_move(workspace, 21)
    assert "licences did not move" not in await workspace.thread()
    await workspace.passes(seconds=3)
    told = await workspace.thread()
    assert told.count("(file) Licences that did not move: Northwind Traders") == 1
    assert told.count("The table shows 20 of them; the file in this thread has all.") == 1


async def licences_that_do_not_move(workspace: Conversation, people: int) -> None:
    """Northwind is upgraded, and so many licences stay where they were."""
    northwind = str(
        workspace.partner_center.records.find_customers("CompanyName", "northwind")[0]["id"]
    )
    workspace.partner_center.records.license_errors[northwind] = [
        records.license_error("=cmd|' /C calc'!A0", "@sum.example", 60000, "-1")
        for _ in range(people)
    ]
    await workspace.alice.asks_for_e3(
        "northwind", "Office 365 Business Premium (with licence transfer)"
    )
    await workspace.carol.presses("Approve")
    await workspace.alice.presses("Upgrade now")
    await workspace.card()
