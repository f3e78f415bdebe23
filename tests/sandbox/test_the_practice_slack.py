"""The practice Slack refuses what the real one refuses, with the same word."""

import json
from datetime import timedelta

import aiohttp
import pytest
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from bot.sandbox.practice import ALICE, BOB, CHANNEL, PracticeClock
from bot.sandbox.slack import SlackServer
from bot.sandbox.slack.server import signature
from tests.sandbox.slack import SECTION, error_of, form


async def test_unknown_tokens_methods_and_missing_scopes_are_refused(
    slack: SlackServer, client: AsyncWebClient
) -> None:
    """An app that is not set up right learns it here, not in production."""
    async with aiohttp.ClientSession() as session:
        stranger = AsyncWebClient("xoxb-wrong", base_url=slack.api_url + "/", session=session)
        assert await error_of(stranger.auth_test()) == "invalid_auth"
        assert await error_of(stranger.apps_connections_open(app_token="xapp-wrong")) == (
            "invalid_auth"
        )
        async with session.post(slack.api_url + "/auth.test") as answer:
            assert (await answer.json())["error"] == "not_authed"
    assert await error_of(client.pins_list(channel=CHANNEL)) == "unknown_method"
    slack.workspace.scopes.discard("users:read")
    with pytest.raises(SlackApiError) as refused:
        await client.users_info(user=ALICE)
    assert refused.value.response["error"] == "missing_scope"
    assert refused.value.response["needed"] == "users:read"


async def test_channels_are_posted_to_only_where_the_bot_is(
    slack: SlackServer, client: AsyncWebClient
) -> None:
    """Public, private, archived and unknown, each with its own word."""
    there = slack.workspace
    there.add_channel("C0PUBLIC", "public", {ALICE})
    there.add_channel("C0PRIVATE", "private", {ALICE}, is_private=True)
    there.add_channel("C0OLD", "old", {ALICE, there.bot.id}, is_archived=True)
    for channel, word in (
        ("C0PUBLIC", "not_in_channel"),
        ("C0PRIVATE", "channel_not_found"),
        ("C0OLD", "is_archived"),
        ("C0NOWHERE", "channel_not_found"),
    ):
        assert await error_of(client.chat_postMessage(channel=channel, text="x")) == word
    outsider = client.chat_postEphemeral(channel=CHANNEL, user="U0NOBODY", text="x")
    assert await error_of(outsider) == "user_not_in_channel"


async def test_messages_are_held_to_slacks_limits(
    slack: SlackServer, client: AsyncWebClient
) -> None:
    """Blocks, texts, sums, threads and edits."""
    too_long = {"type": "section", "text": {"type": "mrkdwn", "text": "x" * 3001}}
    unknown = {"type": "hologram"}
    for blocks in ([too_long], [unknown], [{**SECTION, "colour": "red"}], [SECTION] * 51):
        call = client.chat_postMessage(channel=CHANNEL, text="x", blocks=blocks)
        assert await error_of(call) == "invalid_blocks"
    much = [{"type": "section", "text": {"type": "mrkdwn", "text": "x" * 2900}}] * 5
    call = client.chat_postMessage(channel=CHANNEL, text="x", blocks=much)
    assert await error_of(call) == "msg_blocks_too_long"
    assert await error_of(client.api_call("chat.postMessage", json={"channel": CHANNEL})) == (
        "no_text"
    )
    lost = client.chat_postMessage(channel=CHANNEL, text="x", thread_ts="1.000001")
    assert await error_of(lost) == "thread_not_found"
    ts = (await client.chat_postMessage(channel=CHANNEL, text="x"))["ts"]
    edit = client.chat_update(channel=CHANNEL, ts=ts, text="x" * 4001)
    assert await error_of(edit) == "msg_too_long"
    assert await error_of(client.chat_update(channel=CHANNEL, ts="1.0", text="x")) == (
        "message_not_found"
    )
    alices = slack.workspace.post(CHANNEL, ALICE, "mine")
    edit = client.chat_update(channel=CHANNEL, ts=alices.ts, text="x")
    assert await error_of(edit) == "cant_update_message"


async def test_an_edit_without_blocks_drops_them(
    slack: SlackServer, client: AsyncWebClient
) -> None:
    """As Slack does it: text alone replaces everything."""
    ts = (await client.chat_postMessage(channel=CHANNEL, text="x", blocks=[SECTION]))["ts"]
    await client.chat_update(channel=CHANNEL, ts=ts, text="y")
    message = slack.workspace.find(CHANNEL, ts)
    assert message
    assert (message.text, message.blocks, message.edited) == ("y", [], True)


async def test_a_trigger_opens_one_form_within_three_seconds(
    slack: SlackServer, client: AsyncWebClient
) -> None:
    """Used, late and invented triggers are told apart."""
    there = slack.workspace
    clock = there.clock
    assert isinstance(clock, PracticeClock)
    once = there.new_trigger(ALICE)
    await client.views_open(trigger_id=once, view=form())
    again = client.views_open(trigger_id=once, view=form())
    assert await error_of(again) == "exchanged_trigger_id"
    late = there.new_trigger(ALICE)
    clock.move(timedelta(seconds=3, milliseconds=1))
    assert await error_of(client.views_open(trigger_id=late, view=form())) == "expired_trigger_id"
    assert await error_of(client.views_open(trigger_id="1.2", view=form())) == "invalid_trigger_id"
    bad = {**form(), "title": {"type": "plain_text", "text": "x" * 25}}
    call = client.views_open(trigger_id=there.new_trigger(ALICE), view=bad)
    assert await error_of(call) == "invalid_arguments"


async def test_a_response_url_works_five_times_for_half_an_hour(slack: SlackServer) -> None:
    """Afterwards it is used up, or expired."""
    base = slack.api_url.removesuffix("/api")
    clock = slack.workspace.clock
    assert isinstance(clock, PracticeClock)
    async with aiohttp.ClientSession() as session:
        used = f"{base}/response/{slack.workspace.new_response_url(ALICE, CHANNEL, None)}"
        answers = [await session.post(used, json={"text": "x"}) for _ in range(6)]
        assert [answer.status for answer in answers] == [200] * 5 + [404]
        assert await answers[5].text() == "used_url"
        old = f"{base}/response/{slack.workspace.new_response_url(ALICE, CHANNEL, None)}"
        clock.move(timedelta(minutes=31))
        assert await (await session.post(old, json={"text": "x"})).text() == "expired_url"
        assert (await session.post(f"{base}/response/invented", json={})).status == 404


async def test_an_answer_to_a_response_url_is_for_one_person_unless_said_otherwise(
    slack: SlackServer,
) -> None:
    """Ephemeral by default; it can replace or delete the message that was clicked."""
    there = slack.workspace
    base = slack.api_url.removesuffix("/api")
    message = there.post(CHANNEL, there.bot.id, "clicked", only_for=ALICE)
    url = f"{base}/response/{there.new_response_url(ALICE, CHANNEL, message.ts)}"
    async with aiohttp.ClientSession() as session:
        await session.post(url, json={"text": "private"})
        assert there.messages[-1].only_for == ALICE
        await session.post(url, json={"text": "public", "response_type": "in_channel"})
        assert there.messages[-1].only_for is None
        await session.post(url, json={"text": "new", "replace_original": True})
        assert message.text == "new"
        await session.post(url, json={"delete_original": True})
        assert message not in there.messages


async def test_a_socket_ticket_is_good_once(slack: SlackServer, client: AsyncWebClient) -> None:
    """And the connection says hello."""
    opened = await client.apps_connections_open(app_token=slack.workspace.app_token)
    url = opened["url"]
    async with aiohttp.ClientSession() as session:
        async with session.ws_connect(url) as socket:
            hello = await socket.receive_json()
            assert hello["type"] == "hello"
        with pytest.raises(aiohttp.WSServerHandshakeError):
            await session.ws_connect(url)


async def test_whoever_is_not_answered_in_time_sees_slacks_error(slack: SlackServer) -> None:
    """Without any app listening, a command and a click end in Slack's own words."""
    await slack.interactions.command(ALICE, CHANNEL, "/upgrade", "contoso")
    said = slack.workspace.messages[-1]
    assert (said.user, said.only_for) == ("", ALICE)
    assert said.text == "/upgrade failed with the error “operation_timeout”"
    button = {
        "type": "button",
        "action_id": "a",
        "text": {"type": "plain_text", "text": "Press"},
        "value": "1",
    }
    card = slack.workspace.post(
        CHANNEL, slack.workspace.bot.id, "x", [{"type": "actions", "elements": [button]}]
    )
    await slack.interactions.click(BOB, card, "a")
    assert "did not respond" in slack.workspace.messages[-1].text


def test_the_signature_is_the_one_slack_publishes() -> None:
    """The vector of Slack's page on verifying requests."""
    body = (
        "token=xyzz0WbapA4vBCDEFasx0q6G&team_id=T1DC2JH3J&team_domain=testteamnow"
        "&channel_id=G8PSS9T3V&channel_name=foobar&user_id=U2CERLKJA&user_name=roadrunner"
        "&command=%2Fwebhook-collect&text=&response_url=https%3A%2F%2Fhooks.slack.com%2Fcommands"
        "%2FT1DC2JH3J%2F397700885554%2F96rGlfmibIGlgcZRskXaIFfN"
        "&trigger_id=398738663015.47445629121.803a0bc887a14d10d2c447fce8b6703c"
    )
    assert signature("8f742231b10e8888abcd99yyyzzz85a5", "1531420618", body) == (
        "v0=a2114d57b48eac39b9ad189dd8316235a7b4a8d21a10bd27519666489c69b503"
    )


async def test_blocks_are_taken_as_a_json_string_too(slack: SlackServer) -> None:
    """Forms carry them so."""
    async with aiohttp.ClientSession() as session:
        form = {
            "token": slack.workspace.bot_token,
            "channel": CHANNEL,
            "text": "x",
            "blocks": json.dumps([SECTION]),
        }
        answer = await session.post(slack.api_url + "/chat.postMessage", data=form)
        assert (await answer.json())["ok"] is True
