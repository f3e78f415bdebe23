"""`conversations.*`: channels and direct messages, and what was said there."""

from collections.abc import Iterable, Sequence

from bot.sandbox.slack.refusal import (
    Answer,
    Arguments,
    SlackError,
    channel_seen,
    is_in,
    is_true,
    needs,
    told,
)
from bot.sandbox.slack.workspace import Channel, Message, Workspace


def info(workspace: Workspace, arguments: Arguments) -> Answer:
    """One channel."""
    channel = _readable(workspace, arguments, "read")
    facts = {"id": channel.id, "name": channel.name, "is_archived": channel.is_archived}
    kinds = {"is_im": channel.is_im, "is_private": channel.is_private}
    member = {} if channel.is_im else {"is_member": is_in(workspace, channel)}
    return {"channel": {**facts, **kinds, **member}}


def members(workspace: Workspace, arguments: Arguments) -> Answer:
    """Who is in a channel, page by page."""
    channel = _readable(workspace, arguments, "read")
    return _page(arguments, "members", sorted(channel.members))


def of_the_app(workspace: Workspace, arguments: Arguments) -> Answer:
    """The channels that the app is in, page by page."""
    there = [c for c in workspace.channels.values() if not c.is_im and is_in(workspace, c)]
    for channel in there:
        needs(workspace, "groups:read" if channel.is_private else "channels:read")
    return _page(arguments, "channels", [{"id": c.id, "name": c.name} for c in there])


def open_(workspace: Workspace, arguments: Arguments) -> Answer:
    """The direct messages with one person."""
    users = str(arguments.get("users") or "").split(",")
    user = workspace.users.get(users[0])
    if user is None or len(users) > 1:
        raise SlackError("user_not_found")
    if user.is_bot or user.deleted:
        raise SlackError("user_disabled" if user.deleted else "cannot_dm_bot")
    return {"channel": {"id": workspace.direct_messages(user.id).id}}


def history(workspace: Workspace, arguments: Arguments) -> Answer:
    """What stands in a channel, the newest first; what only one person saw is not in it."""
    channel = _readable(workspace, arguments, "history")
    here = [m for m in workspace.messages if m.channel == channel.id and not m.only_for]
    shown = [m for m in here if not m.thread_ts or m.broadcast]
    return _messages(arguments, reversed(shown))


def replies(workspace: Workspace, arguments: Arguments) -> Answer:
    """A message and the replies to it."""
    channel = _readable(workspace, arguments, "history")
    parent = workspace.find(channel.id, str(arguments.get("ts", "")))
    if parent is None or parent.only_for:
        raise SlackError("thread_not_found")
    here = [m for m in workspace.messages if m.channel == channel.id and not m.only_for]
    return _messages(arguments, [parent, *(m for m in here if m.thread_ts == parent.ts)])


def _messages(arguments: Arguments, found: Iterable[Message]) -> Answer:
    metadata = is_true(arguments.get("include_all_metadata"))
    answer = _page(arguments, "messages", [told(each, metadata=metadata) for each in found])
    return {**answer, "has_more": bool(answer["response_metadata"]["next_cursor"])}


def _readable(workspace: Workspace, arguments: Arguments, right: str) -> Channel:
    """A channel that the app may read. The scope depends on the kind of channel."""
    channel_id = str(arguments.get("channel", ""))
    known = workspace.channels.get(channel_id)
    kind = "channels"
    if known:
        kind = "im" if known.is_im else "groups" if known.is_private else "channels"
    needs(workspace, f"{kind}:{right}")
    channel = channel_seen(workspace, channel_id)
    if right == "history" and not is_in(workspace, channel):
        raise SlackError("not_in_channel")
    return channel


def _page(arguments: Arguments, name: str, found: Sequence[object]) -> Answer:
    limit, start = int(arguments.get("limit") or 100), int(arguments.get("cursor") or 0)
    more = str(start + limit) if start + limit < len(found) else ""
    return {name: list(found[start : start + limit]), "response_metadata": {"next_cursor": more}}
