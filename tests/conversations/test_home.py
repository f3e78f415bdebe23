"""The Home tab: what waits for the reader, what they asked for, what was done, and help."""

import pytest

from bot.sandbox.slack.web_api import Trouble
from tests.conftest import Start
from tests.workspace import Conversation


async def test_home_shows_what_waits_for_whom_and_is_up_to_date_after_every_step(
    workspace: Conversation,
) -> None:
    """Alice asks, Carol approves, Alice upgrades; both look at their Homes meanwhile."""
    alice, carol = workspace.alice, workspace.carol
    empty = await alice.opens_home()
    assert empty.splitlines()[:6] == [
        "Waiting for you",
        "Nothing waits for you.",
        "Your requests",
        "None of yours is open.",
        "Done lately",
        "Nothing was finished lately.",
    ]
    assert "• `/upgrade contoso.onmicrosoft.com`: the domain, or the tenant id" in empty
    assert "Approve or decline: @license-approvers (1 approval," in empty
    await carol.opens_home()

    await alice.asks_for_e3()
    wanted = "⏳ Approval needed↗ · Contoso: Office 365 Enterprise E1 → Office 365 Enterprise E3"
    assert wanted in part("Waiting for you", await carol.sees_home())
    assert wanted in part("Your requests", await alice.sees_home())
    assert part("Waiting for you", await alice.sees_home()) == "Nothing waits for you."

    await carol.presses("Approve")
    assert part("Waiting for you", await carol.sees_home()) == "Nothing waits for you."
    assert "🔵 Approved↗ · Contoso" in part("Waiting for you", await alice.sees_home())

    await alice.presses("Upgrade now")
    assert "✅ Upgraded↗ · Contoso" in part("Done lately", await alice.sees_home())
    assert part("Waiting for you", await alice.sees_home()) == "Nothing waits for you."
    assert part("Your requests", await alice.sees_home()) == "None of yours is open."
    await workspace.card()
    await workspace.thread()


async def test_home_shows_approvers_what_they_have_to_confirm(start: Start) -> None:
    """Where the policy lets an approver press *Upgrade now*."""
    workspace = await start('[policy]\napprovers = ["S0APPROVERS"]\nconfirm = "approver"')
    await workspace.alice.asks_for_e3()
    await workspace.carol.presses("Approve")
    assert "🔵 Approved" in part("Waiting for you", await workspace.carol.opens_home())
    assert part("Waiting for you", await workspace.alice.opens_home()) == "Nothing waits for you."
    await workspace.card()
    await workspace.thread()


async def test_home_is_not_refreshed_for_who_looked_long_ago(workspace: Conversation) -> None:
    """Slack says when a Home is opened, and not when it is left: after an hour it is left alone."""
    await workspace.carol.opens_home()
    await workspace.passes(minutes=61)
    await workspace.alice.asks_for_e3()
    assert part("Waiting for you", await workspace.carol.sees_home()) == "Nothing waits for you."
    assert "⏳" in part("Waiting for you", await workspace.carol.opens_home())
    await workspace.card()


@pytest.mark.parametrize("member_kind", ["is_restricted", "deleted"])
async def test_home_shows_nothing_to_who_is_no_full_member(
    workspace: Conversation, member_kind: str
) -> None:
    """Guests see neither customers nor plans."""
    await workspace.alice.asks_for_e3()
    await workspace.card()
    setattr(workspace.slack.users[workspace.carol.id], member_kind, True)
    home = await workspace.carol.opens_home()
    assert home.startswith("Upgrades are for full members of this workspace.")
    assert "Contoso" not in home


async def test_a_home_that_slack_does_not_take_harms_nothing(workspace: Conversation) -> None:
    """The request goes on; the next step shows the Home again."""
    await workspace.alice.opens_home()
    workspace.practice.slack.trouble("views.publish", Trouble(error="internal_error"))
    await workspace.alice.asks_for_e3()
    assert part("Your requests", await workspace.alice.sees_home()) == "None of yours is open."
    await workspace.carol.presses("Approve")
    assert "🔵 Approved" in part("Your requests", await workspace.alice.sees_home())
    await workspace.card()
    await workspace.thread()


async def test_home_follows_the_strictest_questions(start: Start) -> None:
    """What somebody could not approve does not wait for them."""
    workspace = await start(
        '[policy]\napprovers = ["S0APPROVERS"]\n'
        '[[policy.rules]]\nmin_seats = 20\napprovers = ["U0BOB"]\n'
    )
    await workspace.alice.asks_for_e3()
    assert part("Waiting for you", await workspace.carol.opens_home()) == "Nothing waits for you."
    await workspace.card()


def part(title: str, home: str) -> str:
    """What stands below a title of the Home."""
    titles = ["Waiting for you", "Your requests", "Done lately", "What you can do"]
    rest = home.split(f"{title}\n", 1)[1]
    for other in titles:
        rest = rest.split(f"\n{other}\n", 1)[0]
    return rest
