"""What one person sees: the workspace's state as the page gets it."""

import json
import shlex
from typing import Any

from bot.sandbox.practice import Practice
from bot.sandbox.slack import Message, View, Workspace
from bot.sandbox.slack.workspace import RESPONSE_URL_USES, Channel
from bot.sandbox.switches import SWITCHES, thrown
from bot.sandbox.traffic import Exchange

Json = dict[str, Any]


def state(practice: Practice, user: str) -> Json:
    """All of it, for a page that begins."""
    slack = practice.slack.workspace
    slack.direct_messages(user)
    here = [each for each in slack.channels.values() if user in each.members]
    visible = {each.id for each in here}
    return {
        "bot": slack.bot.id,
        "url": slack.url,
        "people": [
            {"id": u.id, "name": u.name, "real_name": u.real_name, "is_bot": u.is_bot}
            for u in slack.users.values()
        ],
        "groups": slack.group_handles,
        "channels": [channel(each) for each in here],
        "app": {
            "commands": [vars(each) for each in slack.app.commands],
            "shortcuts": [vars(each) for each in slack.app.shortcuts],
            "home_tab": slack.app.home_tab,
            "messages_read_only": slack.app.messages_read_only,
        },
        "messages": [
            message(each)
            for each in slack.messages
            if each.channel in visible and each.only_for in (None, user)
        ],
        "views": views(slack, user),
        "home": view(slack.homes[user]) if user in slack.homes else None,
        "exchanges": [exchange(each) for each in practice.traffic.exchanges],
        "switches": [vars(each) | {"throw": None, "state": None} for each in SWITCHES],
        **around(practice),
    }


def around(practice: Practice) -> Json:
    """What is the same for everybody: the bot, the clock, the switches that are thrown."""
    return {
        "running": practice.is_running,
        "seconds_ahead": practice.clock.ahead.total_seconds(),
        "thrown": thrown(practice),
    }


def channel(each: Channel) -> Json:
    """A channel in the list."""
    return {
        "id": each.id,
        "name": each.name,
        "is_im": each.is_im,
        "is_private": each.is_private,
        "is_archived": each.is_archived,
        "members": len(each.members),
    }


def message(each: Message) -> Json:
    """A message; the very blocks that the bot sent."""
    return {
        "channel": each.channel,
        "ts": each.ts,
        "user": each.user,
        "text": each.text,
        "blocks": each.blocks,
        "thread_ts": each.thread_ts,
        "only_for": each.only_for,
        "edited": each.edited,
        "files": each.files,
        "broadcast": each.broadcast,
    }


def view(each: View) -> Json:
    """A form or Home tab. Its hash changes with its content."""
    return {"id": each.id, "content": each.content, "errors": each.errors, "hash": each.hash}


def views(slack: Workspace, user: str) -> list[Json]:
    """The forms before one person, the topmost last."""
    return [view(each) for each in slack.views.get(user, [])]


def exchange(each: Exchange) -> Json:
    """One line of the inspector."""
    return {
        "number": each.number,
        "kind": each.kind,
        "name": each.name,
        "at": each.at.timestamp(),
        "method": each.method,
        "status": each.status,
        "took_ms": each.took_ms,
        "failed": each.failed,
    }


def exchange_in_full(practice: Practice, each: Exchange) -> Json:
    """All about one exchange, with what is left of its trigger and its response URL."""
    return {
        **exchange(each),
        "url": each.url,
        "headers": each.headers,
        "sent": _plain(each.sent),
        "answered": _plain(each.answered),
        "more": {key: value for key, value in each.more.items() if key != "body"},
        "left": _left(practice, each.sent if isinstance(each.sent, dict) else {}),
        "curl": curl(each),
    }


def _plain(value: Any) -> Any:
    """JSON where it is JSON, with or without Microsoft's byte order mark; words otherwise."""
    if isinstance(value, bytes):
        value = value.decode("utf-8-sig", "replace")
    if not isinstance(value, str):
        return value
    try:
        return json.loads(value)
    except ValueError:
        return value


def _left(practice: Practice, sent: Json) -> Json:
    slack = practice.slack.workspace
    left: Json = {}
    if trigger := slack.triggers.get(str(sent.get("trigger_id"))):
        age = (slack.clock() - trigger.issued_at).total_seconds()
        left["trigger"] = {"age_seconds": age, "used": trigger.used}
    secret = str(sent.get("response_url", "")).rpartition("/")[2]
    if there := slack.response_urls.get(secret):
        age = (slack.clock() - there.issued_at).total_seconds()
        left["response_url"] = {"uses": RESPONSE_URL_USES - there.uses, "age_seconds": age}
    return left


def curl(each: Exchange) -> str:
    """The call as a command, to be made again; a payload as Slack sends it in HTTP mode."""
    is_payload = each.kind == "payload"
    url = each.url if each.url.startswith("http") else "http://127.0.0.1:3000/slack/events"
    words = ["curl", "-X", each.method, url]
    for name, value in each.headers.items():
        words += ["-H", f"{name}: {value}"]
    body = each.more.get("body", "")
    if is_payload and not body:
        return "# Socket Mode: an envelope cannot be sent by curl"
    if body:
        words += ["--data-raw", body]
    return shlex.join(words)
