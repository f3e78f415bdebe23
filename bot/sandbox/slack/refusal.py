"""What every method shares: arguments in, Slack's words for a no, and who is asked."""

import json
from typing import Any

from bot.sandbox.slack.workspace import Channel, Message, Workspace

Arguments = dict[str, Any]
Answer = dict[str, Any]


class SlackError(Exception):
    """An answer with `ok: false`."""

    def __init__(self, error: str, **more: Any) -> None:
        super().__init__(error)
        self.answer = {"ok": False, "error": error, **more}


def needs(workspace: Workspace, scope: str) -> None:
    """Raises SlackError(missing_scope) when the app was not given it."""
    if scope not in workspace.scopes:
        provided = ",".join(sorted(workspace.scopes))
        raise SlackError("missing_scope", needed=scope, provided=provided)


def parsed(value: Any) -> Any:
    """Blocks and views come as JSON, or as a JSON string inside a form.

    Raises SlackError for a string that is no JSON.
    """
    if not isinstance(value, str):
        return value
    try:
        return json.loads(value)
    except ValueError:
        raise SlackError("invalid_arguments") from None


def is_true(value: Any) -> bool:
    """The clients say true in several ways."""
    return value in (True, 1, "1", "true", "True")


def is_in(workspace: Workspace, channel: Channel) -> bool:
    """Whether the app is a member."""
    return workspace.bot.id in channel.members


def channel_seen(workspace: Workspace, channel_id: Any) -> Channel:
    """A channel that the app can see. Raises SlackError."""
    channel = workspace.channels.get(str(channel_id or ""))
    hidden = channel and (channel.is_private or channel.is_im) and not is_in(workspace, channel)
    if channel is None or hidden:
        raise SlackError("channel_not_found")
    return channel


def channel_to_post(workspace: Workspace, channel_id: Any) -> Channel:
    """A channel that the app may write into; a user id means that person's direct messages.

    Raises SlackError.
    """
    if channel_id in workspace.users:
        if workspace.users[channel_id].is_bot:
            raise SlackError("channel_not_found")
        return workspace.direct_messages(channel_id)
    channel = channel_seen(workspace, channel_id)
    if channel.is_archived:
        raise SlackError("is_archived")
    if not is_in(workspace, channel):
        raise SlackError("not_in_channel")
    return channel


def parent_in(workspace: Workspace, channel: Channel, thread_ts: Any) -> str | None:
    """The time of the message that a reply belongs to. Raises SlackError when there is none."""
    if thread_ts is None:
        return None
    parent = workspace.find(channel.id, str(thread_ts))
    if parent is None or parent.only_for or parent.thread_ts:
        raise SlackError("thread_not_found")
    return parent.ts


def told(message: Message, *, metadata: bool = False) -> Answer:
    """A message as the Web API tells it."""
    answer: Answer = {
        "type": "message",
        "ts": message.ts,
        "user": message.user,
        "text": message.text,
        "blocks": message.blocks,
    }
    if message.thread_ts:
        answer["thread_ts"] = message.thread_ts
    if message.files:
        answer |= {"files": message.files, "subtype": "file_share"}
    if message.edited:
        answer["edited"] = {"user": message.user, "ts": message.ts}
    if metadata and message.metadata:
        answer["metadata"] = message.metadata
    return answer
