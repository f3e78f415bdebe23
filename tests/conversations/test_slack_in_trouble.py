"""Slack is down, slow or has lost something: what happened is kept, and shown when possible."""

import asyncio
import copy

import pytest

from bot.domain import steps
from bot.domain.policy import Person
from bot.domain.steps import nothing_forbids
from bot.sandbox.partner_center import Gate
from bot.sandbox.partner_center import Trouble as PartnerCenterTrouble
from bot.sandbox.practice import CAROL, CHANNEL
from bot.sandbox.slack.web_api import Trouble
from bot.slack.publisher import Publisher
from bot.tasks import KeyedLock
from tests.workspace import Conversation


async def test_a_result_that_slack_did_not_take_is_shown_later(workspace: Conversation) -> None:
    """The upgrade is recorded first; the card catches up."""
    await workspace.alice.asks_for_e3()
    await workspace.carol.presses("Approve")
    await workspace.card()
    await workspace.thread()
    for _ in range(4):
        workspace.practice.slack.trouble("chat.update", Trouble(status=503))
        workspace.practice.slack.trouble("chat.postMessage", Trouble(status=503))
    await workspace.alice.presses("Upgrade now")
    assert "🔵 Approved" in await workspace.card()
    assert len(workspace.upgrades()) == 1
    workspace.practice.slack.api.troubles.clear()
    await workspace.passes(seconds=30)
    assert "✅ Upgraded" in await workspace.card()
    assert (await workspace.thread()).count("was upgraded") == 1
    assert workspace.posts() == 1


@pytest.mark.parametrize("hiccup", [Trouble(status=500), Trouble(status=429, retry_after=1)])
async def test_a_hiccup_of_slack_costs_seconds(workspace: Conversation, hiccup: Trouble) -> None:
    """Somebody is looking at the channel and waits for the card."""
    workspace.practice.slack.trouble("chat.postMessage", hiccup)
    await workspace.alice.asks_for_e3()
    await workspace.bot.quiet()
    assert workspace.cards() == []
    await workspace.passes(seconds=3)
    assert "⏳ Approval needed" in await workspace.card()


async def test_slack_is_not_called_before_it_wants_to_be(workspace: Conversation) -> None:
    """It says for how many seconds it must not be asked; then the card is there at once."""
    workspace.practice.slack.trouble("chat.postMessage", Trouble(status=429, retry_after=30))
    await workspace.alice.asks_for_e3()
    await workspace.bot.quiet()
    for _ in range(9):
        await workspace.passes(seconds=3)
    assert tries(workspace) == 1
    await workspace.passes(seconds=4)
    assert "⏳ Approval needed" in await workspace.card()


async def test_a_card_is_tried_often_at_first_and_then_less_often(
    workspace: Conversation,
) -> None:
    """An hour without Slack costs some fifteen calls, and after it the card takes ten minutes at
    most."""
    for _ in range(100):
        workspace.practice.slack.trouble("chat.postMessage", Trouble(status=503))
    await workspace.alice.asks_for_e3()
    for _ in range(30):
        await workspace.passes(seconds=2)
    assert tries(workspace) == 5
    for _ in range(59):
        await workspace.passes(minutes=1)
    assert 12 <= tries(workspace) <= 16
    workspace.practice.slack.api.troubles.clear()
    await workspace.passes(minutes=10)
    assert "⏳ Approval needed" in await workspace.card()


async def test_an_old_trouble_does_not_delay_a_new_card(workspace: Conversation) -> None:
    """Not even one that another bot, or this one before its restart, had with the same request."""
    for _ in range(100):
        workspace.practice.slack.trouble("chat.postMessage", Trouble(status=503))
    await workspace.alice.asks_for_e3()
    for _ in range(40):
        await workspace.passes(seconds=30)
    workspace.practice.slack.api.troubles.clear()
    await workspace.restarts()
    await workspace.passes(minutes=10)
    assert "⏳ Approval needed" in await workspace.card()
    await workspace.passes(hours=3)
    workspace.practice.slack.trouble("chat.update", Trouble(status=503))
    await workspace.carol.presses("Approve")
    assert "⏳ Approval needed" in await workspace.card()
    await workspace.passes(seconds=3)
    assert "🔵 Approved" in await workspace.card()
    await workspace.thread()


def tries(workspace: Conversation) -> int:
    """How often the bot tried to post a message."""
    return sum(
        1 for each in workspace.practice.traffic.exchanges if each.name == "chat.postMessage"
    )


async def test_a_channel_without_the_bot_is_told_to_the_requester(workspace: Conversation) -> None:
    """The request is kept, and its card appears when the bot was invited."""
    workspace.slack.channels[CHANNEL].members.discard(workspace.slack.bot.id)
    await workspace.alice.asks_for_e3()
    assert await workspace.alice.reads() == (
        "I could not show the request for Contoso in #upgrades, because I am not in that channel. "
        "It is kept, and nothing was ordered. Type `/invite @upgrade-bot` there and I will post it."
    )
    await workspace.passes(minutes=1)
    assert await workspace.alice.reads() == ""
    workspace.slack.channels[CHANNEL].members.add(workspace.slack.bot.id)
    await workspace.passes(minutes=1)
    assert "⏳ Approval needed" in await workspace.card()


@pytest.mark.parametrize("archived", [False, True])
async def test_a_result_that_the_channel_cannot_show_is_told_privately_once(
    workspace: Conversation, archived: bool
) -> None:
    """The bot was thrown out, or the channel archived, while the upgrade was on its way: who asked
    and who approved learn the result; when the channel is back, so does everybody."""
    await workspace.alice.asks_for_e3()
    await workspace.carol.presses("Approve")
    await workspace.card()
    await workspace.thread()
    gate = Gate()
    workspace.partner_center.trouble("POST", "/upgrades", PartnerCenterTrouble(gate=gate))
    click = await workspace.alice.payload_of("Upgrade now")
    await workspace.alice.sends(click)
    await gate.arrived.wait()
    channel = workspace.slack.channels[CHANNEL]
    channel.is_archived = archived
    channel.members.discard(workspace.slack.bot.id)
    gate.opened.set()
    for person in (workspace.alice, workspace.carol):
        told = await person.reads()
        assert "I cannot show how the request for Contoso in #upgrades goes on" in told
        assert ("that channel is archived" if archived else "I am not in that channel") in told
        assert "✅ @alice: Contoso was upgraded." in told
    await workspace.restarts()
    await workspace.passes(minutes=1)
    assert await workspace.alice.reads() == await workspace.carol.reads() == ""

    channel.is_archived = False
    channel.members.add(workspace.slack.bot.id)
    await workspace.passes(minutes=10)
    assert "✅ Upgraded" in await workspace.card()
    assert (await workspace.thread()).count("was upgraded") == 1


async def test_a_card_that_somebody_deleted_is_posted_anew(workspace: Conversation) -> None:
    """The request still is what the store says."""
    await workspace.alice.asks_for_e3()
    click = await workspace.carol.payload_of("Approve")
    workspace.slack.delete(await workspace.newest_card())
    await workspace.carol.sends(click)
    assert "🔵 Approved" in await workspace.card()
    assert "Approved by @carol" in await workspace.thread()


async def test_a_form_that_slack_did_not_open_is_told(workspace: Conversation) -> None:
    """The person presses again."""
    await workspace.alice.types("/upgrade contoso")
    await workspace.alice.reads()
    workspace.practice.slack.trouble("views.open", Trouble(error="expired_trigger_id"))
    await workspace.alice.presses("Office 365 Enterprise E3 (upgrade only)")
    assert "Please press the button again." in await workspace.alice.reads()


async def test_when_slack_does_not_say_who_somebody_is_nothing_happens(
    workspace: Conversation,
) -> None:
    """Fail closed, with an answer."""
    for _ in range(2):  # its language, and who it is
        workspace.practice.slack.trouble("users.info", Trouble(error="internal_error"))
    await workspace.alice.types("/upgrade contoso")
    assert "Slack did not tell me who you are, so I did nothing." in await workspace.alice.reads()


async def test_an_answer_that_its_url_does_not_take_comes_another_way(
    workspace: Conversation,
) -> None:
    """After half an hour a response URL is dead; the answer still arrives, once."""
    await workspace.alice.asks_for_e3()
    await workspace.card()
    click = await workspace.bob.payload_of("Approve")
    await workspace.passes(minutes=31)
    await workspace.bob.sends(click)
    assert "Only @license-approvers can decide" in await workspace.bob.reads()


async def test_an_answer_is_never_sent_to_a_foreign_address(workspace: Conversation) -> None:
    """A forged payload cannot make the bot call somebody else."""
    await workspace.alice.asks_for_e3()
    await workspace.card()
    click = await workspace.bob.payload_of("Approve")
    click["response_url"] = "http://169.254.169.254/latest/meta-data"
    await workspace.bob.sends(click)
    assert "Only @license-approvers can decide" in await workspace.bob.reads()


@pytest.mark.parametrize("bots", [2, 5])
async def test_bots_that_show_the_same_at_once_leave_one_card_and_one_line(
    workspace: Conversation, bots: int
) -> None:
    """Who finds that another was faster takes its own message back."""
    store, worker = workspace.bot.store, workspace.bot.worker
    channel = workspace.slack.channels[CHANNEL]
    channel.members.discard(workspace.slack.bot.id)
    await workspace.alice.asks_for_e3()
    await workspace.alice.reads()
    channel.members.add(workspace.slack.bot.id)
    (listed,) = await store.lists.asked_in(CHANNEL, None, 5)
    request_id, carol = listed.item.request_id, Person(workspace.slack.team_id, CAROL)
    await store.requests.take(
        request_id, lambda r, now: steps.approve(r, carol, now, 1, nothing_forbids), attend=[]
    )
    publishers = [another_like(worker._publisher) for _ in range(bots)]
    snapshot = await store.requests.snapshot(request_id)
    await asyncio.gather(*(publisher.show(snapshot) for publisher in publishers))
    here = [m for m in workspace.slack.messages if m.channel == CHANNEL and not m.only_for]
    assert len([m for m in here if not m.thread_ts]) == 1
    assert len([m for m in here if m.thread_ts]) == 1
    assert "🔵 Approved" in await workspace.card()
    assert (await workspace.thread()).count("Approved by @carol") == 1
    assert await store.schedule.due() == []


def another_like(publisher: Publisher) -> Publisher:
    """The publisher of another bot: it does not wait for the turns of the first."""
    other = copy.copy(publisher)
    other._showing = KeyedLock()
    return other
