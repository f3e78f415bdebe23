"""Everybody reads what is only for them in their own language; the channel has one for all."""

import pytest

from bot.sandbox.slack.web_api import Trouble
from tests.workspace import Conversation


async def test_private_answers_and_forms_are_in_the_readers_language(
    workspace: Conversation,
) -> None:
    """Alice reads Traditional Chinese, Bob English; the card is in the channel's language."""
    workspace.slack.users[workspace.alice.id].locale = "zh-TW"
    await workspace.alice.types("/upgrade contoso")
    told = await workspace.alice.reads()
    assert "press what it should become" not in told
    assert "Contoso (contoso.onmicrosoft.com)" in told
    await workspace.alice.presses("Office 365 Enterprise E3 (僅升級)")
    form = await workspace.alice.sees_form()
    assert "席次" in form
    assert "2027年2月28日" in told
    await workspace.alice.fills_in(reason="他們需要 Office。")
    assert "⏳ Approval needed" in await workspace.card()

    await workspace.alice.presses("Approve")
    assert "其他人" in await workspace.alice.reads()
    await workspace.bob.presses("Approve")
    assert "Only @license-approvers can decide" in await workspace.bob.reads()
    await workspace.carol.presses("Decline")
    assert "Why not?" in await workspace.carol.sees_form()


async def test_what_is_wrong_in_a_form_is_said_in_its_language(workspace: Conversation) -> None:
    """Beside the field."""
    workspace.slack.users[workspace.carol.id].locale = "zh-CN"
    await workspace.alice.asks_for_e3()
    await workspace.carol.presses("Decline")
    await workspace.carol.fills_in(reason="   ")
    form = await workspace.carol.sees_form()
    assert "! " in form
    assert "Please say why" not in form
    await workspace.carol.fills_in(reason="五月到期。")
    assert "Declined by @carol" in await workspace.card()
    await workspace.thread()


async def test_cards_and_threads_are_in_the_channels_language(workspace: Conversation) -> None:
    """As the operator set it, whoever presses."""
    workspace.practice.variables["UPGRADE_BOT_LANGUAGE"] = "zh-TW"
    await workspace.restarts()
    await workspace.alice.types("/upgrade contoso")
    await workspace.alice.reads()
    await workspace.alice.presses("Office 365 Enterprise E3 (upgrade only)")
    await workspace.alice.fills_in(reason="They need Office.")
    card = await workspace.card()
    assert "⏳" in card
    assert "Approval needed" not in card
    await workspace.carol.presses("核准")
    assert "Approved by" not in await workspace.thread()
    assert "It is your turn" in await workspace.alice.reads()
    await workspace.alice.presses("立即升級")
    assert "✅" in await workspace.card()
    assert "was upgraded" not in await workspace.thread()
    assert len(workspace.upgrades()) == 1


async def test_a_private_word_is_in_the_language_of_who_gets_it(workspace: Conversation) -> None:
    """Not in that of who caused it."""
    workspace.slack.users[workspace.alice.id].locale = "zh-CN"
    await workspace.bob.asks_for_e3()
    await workspace.carol.presses("Approve")
    assert "It is your turn" in await workspace.bob.reads()
    workspace.slack.users[workspace.bob.id].locale = "zh-CN"
    await workspace.passes(minutes=2)
    assert "It is your turn" not in await workspace.alice.opens_home()
    assert "待您处理" in await workspace.bob.opens_home()
    await workspace.card()
    await workspace.thread()


@pytest.mark.parametrize("locale", ["fr-FR", ""])
async def test_other_languages_are_answered_in_english(
    workspace: Conversation, locale: str
) -> None:
    """Until somebody translates them."""
    workspace.slack.users[workspace.alice.id].locale = locale
    await workspace.alice.types("/upgrade help")
    assert "Type `/upgrade` and the customer" in await workspace.alice.reads()


async def test_where_slack_does_not_say_the_language_it_is_english(
    workspace: Conversation,
) -> None:
    """An answer in the wrong language is better than none."""
    workspace.slack.users[workspace.alice.id].locale = "zh-TW"
    workspace.practice.slack.trouble("users.info", Trouble(error="internal_error"))
    await workspace.alice.types("/upgrade help")
    assert "Type `/upgrade` and the customer" in await workspace.alice.reads()
