"""Slack's own clients, asynchronous and synchronous, with every method of the practice Slack."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from slack_sdk import WebClient
from slack_sdk.web.async_client import AsyncWebClient

from bot.sandbox.practice import ALICE, CHANNEL
from bot.sandbox.slack import SlackServer
from bot.sandbox.slack.web_api import CONNECTIONS_OPEN, METHODS
from tests.sandbox.slack import HOME, SECTION, form

AS_INSTALLED = {
    "im:write",
    "im:read",
    "files:write",
    "channels:history",
    "groups:history",
    "im:history",
}


class Prepared:
    """A workspace in which every method has something to work on."""

    def __init__(self, slack: SlackServer) -> None:
        there = slack.workspace
        there.app.scopes |= AS_INSTALLED
        there.app.home_tab = True
        self.app_token = there.app_token
        self.message = there.post(CHANNEL, there.bot.id, "mine")
        self.file = there.new_file("a.csv", 3)
        self.file.content = b"a,b"
        self.view = there.open_view(ALICE, form())
        self._workspace = there

    def new_trigger(self) -> str:
        """For one form."""
        return self._workspace.new_trigger(ALICE)


Call = Callable[[Any, Any], Any]

CALLS: dict[str, Call] = {
    "auth.test": lambda c, _: c.auth_test(),
    CONNECTIONS_OPEN: lambda c, w: c.apps_connections_open(app_token=w.app_token),
    "chat.postMessage": lambda c, w: c.chat_postMessage(
        channel=CHANNEL,
        text="a",
        blocks=[SECTION],
        thread_ts=w.message.ts,
        metadata={"event_type": "x", "event_payload": {"id": "1"}},
    ),
    "chat.postEphemeral": lambda c, _: c.chat_postEphemeral(channel=CHANNEL, user=ALICE, text="c"),
    "chat.update": lambda c, w: c.chat_update(channel=CHANNEL, ts=w.message.ts, text="b"),
    "chat.delete": lambda c, w: c.chat_delete(channel=CHANNEL, ts=w.message.ts),
    "chat.getPermalink": lambda c, w: c.chat_getPermalink(channel=CHANNEL, message_ts=w.message.ts),
    "views.open": lambda c, w: c.views_open(trigger_id=w.new_trigger(), view=form()),
    "views.push": lambda c, w: c.views_push(trigger_id=w.new_trigger(), view=form()),
    "views.update": lambda c, w: c.views_update(
        view_id=w.view.id, hash=w.view.hash, view=form("New")
    ),
    "views.publish": lambda c, _: c.views_publish(user_id=ALICE, view=HOME),
    "files.getUploadURLExternal": lambda c, _: c.files_getUploadURLExternal(
        filename="a.csv", length=3
    ),
    "files.completeUploadExternal": lambda c, w: c.files_completeUploadExternal(
        files=[{"id": w.file.id, "title": "A table"}],
        channel_id=CHANNEL,
        thread_ts=w.message.ts,
        initial_comment="here",
    ),
    "users.info": lambda c, _: c.users_info(user=ALICE, include_locale=True),
    "usergroups.list": lambda c, _: c.usergroups_list(),
    "usergroups.users.list": lambda c, _: c.usergroups_users_list(usergroup="S0APPROVERS"),
    "conversations.info": lambda c, _: c.conversations_info(channel=CHANNEL),
    "conversations.members": lambda c, _: c.conversations_members(channel=CHANNEL, limit=2),
    "users.conversations": lambda c, _: c.users_conversations(types="public_channel", limit=5),
    "conversations.open": lambda c, _: c.conversations_open(users=[ALICE]),
    "conversations.history": lambda c, _: c.conversations_history(
        channel=CHANNEL, include_all_metadata=True
    ),
    "conversations.replies": lambda c, w: c.conversations_replies(channel=CHANNEL, ts=w.message.ts),
}


def test_every_method_is_tried() -> None:
    """No more and no fewer."""
    assert set(CALLS) == {*METHODS, CONNECTIONS_OPEN}


@pytest.mark.parametrize("method", CALLS)
async def test_both_clients_speak_with_it(
    method: str, slack: SlackServer, client: AsyncWebClient
) -> None:
    """In every encoding that they use; what they get is good and has the same keys."""
    answered = (await CALLS[method](client, Prepared(slack))).data
    slack.workspace.views.clear()
    blocking = WebClient(slack.workspace.bot_token, base_url=slack.api_url + "/")
    again = (await asyncio.to_thread(CALLS[method], blocking, Prepared(slack))).data
    assert answered["ok"] is True
    assert set(again) == set(answered)


async def test_a_file_goes_up_with_the_clients_own_way(
    slack: SlackServer, client: AsyncWebClient
) -> None:
    """`files_upload_v2` is three calls in one."""
    there = slack.workspace
    there.app.scopes.add("files:write")
    await client.files_upload_v2(channel=CHANNEL, filename="a.csv", content="x,y", title="A")
    blocking = WebClient(there.bot_token, base_url=slack.api_url + "/")
    await asyncio.to_thread(
        blocking.files_upload_v2, channel=CHANNEL, filename="b.csv", content="z", title="B"
    )
    assert [m.files[0]["title"] for m in there.messages] == ["A", "B"]
    assert [f.content for f in there.files.values()] == [b"x,y", b"z"]
