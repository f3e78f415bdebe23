"""What people see and press is the same on a card of one upgrade and on a card of two."""

import pytest

from bot.sandbox.partner_center import Trouble
from bot.sandbox.practice import CHANNEL
from tests.conftest import Start
from tests.tables import asked
from tests.workspace import Conversation

of_one_and_of_two = pytest.mark.parametrize("number", [1, 2])
YES = {1: "Approve", 2: "Approve all"}


async def approved(workspace: Conversation, number: int) -> None:
    """Alice has asked for so many, and Carol has approved."""
    await asked(workspace, number)
    await workspace.carol.presses(YES[number])
    await workspace.thread()


@of_one_and_of_two
async def test_an_approver_says_that_they_are_looking(workspace: Conversation, number: int) -> None:
    """And no longer, with another press."""
    await asked(workspace, number)
    await workspace.carol.presses("I'm looking")
    assert "@carol is looking" in await workspace.card()
    await workspace.carol.presses("I'm looking")
    assert "looking at" not in await workspace.card()


@of_one_and_of_two
async def test_what_failed_can_be_tried_again(start: Start, number: int) -> None:
    """From the card, without typing anything once more."""
    workspace = await start('[policy]\napprovers = ["S0APPROVERS"]\nfailures_allowed = 1')
    await approved(workspace, number)
    refused = Trouble(status=400)
    workspace.partner_center.trouble("POST", "/upgrades", *[refused] * number)
    await workspace.alice.presses("Upgrade now")
    assert "[Try again] [Partner Center]" in await workspace.card()
    await workspace.thread()
    await workspace.alice.presses("Try again")
    if number == 2:  # the lines stand in the form already
        await workspace.alice.sees_form()
        await workspace.alice.fills_in(reason="Once more.")
    answer = "press what it should become" if number == 1 else "[Ask the team for 2 upgrades]"
    assert answer in await workspace.alice.reads()


@of_one_and_of_two
async def test_what_was_withdrawn_can_be_asked_for_again(
    workspace: Conversation, number: int
) -> None:
    """As what was declined and what expired."""
    await asked(workspace, number)
    await workspace.alice.presses("Withdraw")
    assert "[Ask again] [Partner Center]" in await workspace.card()
    await workspace.thread()


@of_one_and_of_two
async def test_an_hour_later_the_thread_says_how_it_stands(
    workspace: Conversation, number: int
) -> None:
    """Of several upgrades in one line, when all of them were looked at."""
    await approved(workspace, number)
    await workspace.alice.presses("Upgrade now")
    await workspace.card()
    await workspace.thread()
    await workspace.passes(hours=1, minutes=1)
    told = await workspace.thread()
    if number == 1:
        assert told.startswith("Looked after: The new plan is active, with 6 seats.")
    else:
        assert told == (
            "Looked after: The new plans of 2 upgrades are active, and nothing is left over."
        )
    await workspace.restarts()
    await workspace.passes(minutes=5)
    assert await workspace.thread() == ""


@of_one_and_of_two
async def test_an_archived_channel_is_told_as_archived(
    workspace: Conversation, number: int
) -> None:
    """An invitation would not help there."""
    await asked(workspace, number)
    channel = workspace.slack.channels[CHANNEL]
    channel.is_archived = True
    await workspace.carol.presses(YES[number])
    await workspace.bot.quiet()
    told = await workspace.alice.reads() + await workspace.carol.reads()
    assert "that channel is archived" in told
    assert "/invite" not in told
    channel.is_archived = False
    await workspace.passes(minutes=15)
    assert "🔵 Approved" in await workspace.card()
    await workspace.thread()
