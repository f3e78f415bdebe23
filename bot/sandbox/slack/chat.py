"""`chat.*`: messages of the app.

https://docs.slack.dev/reference/methods/chat.postMessage
"""

from typing import Any

from bot.sandbox.slack import block_kit
from bot.sandbox.slack.refusal import (
    Answer,
    Arguments,
    SlackError,
    channel_seen,
    channel_to_post,
    is_true,
    parent_in,
    parsed,
    told,
)
from bot.sandbox.slack.workspace import Message, Workspace

LONGEST_POST, LONGEST_EDIT = 40_000, 4000
LARGEST_METADATA = 8000


def post_message(workspace: Workspace, arguments: Arguments) -> Answer:
    """A new message, in a channel, a thread, or somebody's direct messages."""
    channel = channel_to_post(workspace, arguments.get("channel"))
    text, blocks = _content(arguments, LONGEST_POST)
    thread_ts = parent_in(workspace, channel, arguments.get("thread_ts"))
    message = workspace.post(
        channel.id,
        workspace.bot.id,
        text,
        blocks,
        thread_ts,
        metadata=_metadata(arguments),
        broadcast=bool(thread_ts) and is_true(arguments.get("reply_broadcast")),
    )
    return {"channel": channel.id, "ts": message.ts, "message": told(message)}


def post_ephemeral(workspace: Workspace, arguments: Arguments) -> Answer:
    """A message for one person, who has to be in the channel."""
    channel = channel_to_post(workspace, arguments.get("channel"))
    user = arguments.get("user", "")
    if user not in channel.members:
        raise SlackError("user_not_in_channel")
    text, blocks = _content(arguments, LONGEST_POST)
    thread_ts = arguments.get("thread_ts")
    bot = workspace.bot.id
    message = workspace.post(channel.id, bot, text, blocks, thread_ts, only_for=user)
    return {"message_ts": message.ts}


def update(workspace: Workspace, arguments: Arguments) -> Answer:
    """An edit: text without blocks takes the blocks away, and metadata that is not said stays."""
    message = _own(workspace, arguments, "cant_update_message")
    text, blocks = _content(arguments, LONGEST_EDIT)
    if "metadata" in arguments:
        message.metadata = _metadata(arguments)
    workspace.edit(message, text, blocks)
    return {"channel": message.channel, "ts": message.ts, "text": text, "message": told(message)}


def delete(workspace: Workspace, arguments: Arguments) -> Answer:
    """Take a message of the app away."""
    message = _own(workspace, arguments, "cant_delete_message")
    workspace.delete(message)
    return {"channel": message.channel, "ts": message.ts}


def get_permalink(workspace: Workspace, arguments: Arguments) -> Answer:
    """The link that opens a message."""
    channel = channel_seen(workspace, arguments.get("channel"))
    message = workspace.find(channel.id, str(arguments.get("message_ts", "")))
    if message is None or message.only_for:
        raise SlackError("message_not_found")
    return {"channel": channel.id, "permalink": workspace.permalink(message)}


def _own(workspace: Workspace, arguments: Arguments, otherwise: str) -> Message:
    channel = workspace.channels.get(str(arguments.get("channel", "")))
    if channel is None:
        raise SlackError("channel_not_found")
    if channel.is_archived:
        raise SlackError("is_inactive")
    message = workspace.find(channel.id, str(arguments.get("ts", "")))
    if message is None or message.only_for:
        raise SlackError("message_not_found")
    if message.user != workspace.bot.id:
        raise SlackError(otherwise)
    return message


def _content(arguments: Arguments, longest: int) -> tuple[str, list[dict[str, Any]] | None]:
    text, blocks = arguments.get("text") or "", parsed(arguments.get("blocks"))
    if not text and not blocks:
        raise SlackError("no_text")
    if len(text) > longest:
        raise SlackError("msg_too_long")
    if blocks is not None:
        if problems := block_kit.message_problems(blocks):
            raise SlackError("invalid_blocks", response_metadata={"messages": problems})
        if block_kit.text_size(blocks) > block_kit.ALL_TEXT:
            raise SlackError("msg_blocks_too_long")
    return text, blocks


def _metadata(arguments: Arguments) -> dict[str, Any] | None:
    """An event type and an object; `{}` says that there is none."""
    metadata = parsed(arguments.get("metadata"))
    if not metadata:
        return None
    good = isinstance(metadata, dict) and set(metadata) == {"event_type", "event_payload"}
    if not good or not isinstance(metadata["event_payload"], dict):
        raise SlackError("invalid_metadata_format")
    if len(str(metadata)) > LARGEST_METADATA:
        raise SlackError("metadata_too_large")
    return dict(metadata)
