"""What Slack sends to the app, field by field.

https://docs.slack.dev/reference/interaction-payloads
"""

from typing import Any

from bot.sandbox.slack.block_kit import elements_of
from bot.sandbox.slack.entered import entered, state
from bot.sandbox.slack.installed import Shortcut
from bot.sandbox.slack.workspace import Message, View, Workspace, new_hash

Payload = dict[str, Any]


class Payloads:
    """Makes payloads for one workspace. `base` is the practice Slack's own address."""

    def __init__(self, workspace: Workspace, base: str) -> None:
        self._workspace = workspace
        self._base = base

    def command(self, user: str, channel: str, command: str, text: str) -> Payload:
        """For a slash command."""
        return {
            "token": "deprecated",
            "team_id": self._workspace.team_id,
            "team_domain": "practice",
            "channel_id": channel,
            "channel_name": self._channel_name(channel),
            "user_id": user,
            "user_name": self._workspace.users[user].name,
            "command": command,
            "text": text,
            "api_app_id": self._workspace.app_id,
            "is_enterprise_install": "false",
            "response_url": self._response_url(user, channel, None),
            "trigger_id": self._workspace.new_trigger(user),
        }

    def message_action(
        self,
        user: str,
        message: Message,
        element: dict[str, Any],
        entry: Any = None,
        given: dict[str, Any] | None = None,
    ) -> Payload:
        """For an element of a message that was used. `entry`: what was chosen in it; `given`:
        what the other elements of the message hold."""
        return {
            **self._interaction("block_actions", user),
            "container": {
                "type": "message",
                "message_ts": message.ts,
                "channel_id": message.channel,
                "is_ephemeral": message.only_for is not None,
            },
            "channel": {"id": message.channel, "name": self._channel_name(message.channel)},
            "message": {"ts": message.ts, "text": message.text, "blocks": message.blocks},
            "state": {"values": state(message.blocks, given or {}, {})},
            "response_url": self._response_url(user, message.channel, message.ts),
            "actions": [self._action(element, entry, [])],
        }

    def view_action(
        self, view: View, element: dict[str, Any], entry: Any, given: dict[str, Any]
    ) -> Payload:
        """For an element of a form or of a Home tab: there is no response URL."""
        shown = self.view(view, given)
        offered = view.offered.get(element["block_id"], [])
        return {
            **self._interaction("block_actions", view.user),
            "container": {"type": "view", "view_id": view.id},
            "view": shown,
            "actions": [self._action(element, entry, offered)],
        }

    def submission(self, view: View, given: dict[str, Any]) -> Payload:
        """For a submitted form."""
        return {
            **self._interaction("view_submission", view.user),
            "view": self.view(view, given),
            "response_urls": [],
        }

    def closed(self, view: View, *, is_cleared: bool) -> Payload:
        """For a form that was closed and wants the app to know."""
        payload = self._interaction("view_closed", view.user)
        del payload["trigger_id"]
        return {**payload, "view": self.view(view, {}), "is_cleared": is_cleared}

    def suggestion(self, user: str, element: dict[str, Any], typed: str, where: Payload) -> Payload:
        """For letters typed into an external select. `where`: its view, or its message."""
        payload = self._interaction("block_suggestion", user)
        del payload["trigger_id"]
        return {
            **payload,
            "action_id": element["action_id"],
            "block_id": element["block_id"],
            "value": typed,
            **where,
        }

    def in_view(self, view: View) -> Payload:
        """Where something happens: in a form or a Home tab."""
        return {"container": {"type": "view", "view_id": view.id}, "view": self.view(view, {})}

    def in_message(self, message: Message) -> Payload:
        """Where something happens: in a message."""
        return {
            "container": {
                "type": "message",
                "message_ts": message.ts,
                "channel_id": message.channel,
                "is_ephemeral": message.only_for is not None,
            },
            "channel": {"id": message.channel, "name": self._channel_name(message.channel)},
        }

    def shortcut(self, user: str, shortcut: Shortcut, message: Message | None) -> Payload:
        """For a shortcut: on a message, or on its own."""
        if message is None:
            return {**self._interaction("shortcut", user), "callback_id": shortcut.callback_id}
        return {
            **self._interaction("message_action", user),
            "callback_id": shortcut.callback_id,
            "message_ts": message.ts,
            "channel": {"id": message.channel, "name": self._channel_name(message.channel)},
            "message": {
                "type": "message",
                "user": message.user,
                "ts": message.ts,
                "text": message.text,
                "blocks": message.blocks,
            },
            "response_url": self._response_url(user, message.channel, message.ts),
        }

    def home_opened(self, user: str, tab: str) -> Payload:
        """For somebody who opens the app's Home tab or its messages."""
        event: Payload = {
            "type": "app_home_opened",
            "user": user,
            "channel": self._workspace.direct_messages(user).id,
            "tab": tab,
            "event_ts": self._workspace.new_ts(),
        }
        if tab == "home" and (home := self._workspace.homes.get(user)):
            event |= {"view": self.view(home, {})}
        return {
            "token": "deprecated",
            "team_id": self._workspace.team_id,
            "api_app_id": self._workspace.app_id,
            "event": event,
            "type": "event_callback",
            "event_id": f"Ev{new_hash().upper()}",
            "event_time": int(self._workspace.clock().timestamp()),
            "authorizations": [
                {
                    "enterprise_id": None,
                    "team_id": self._workspace.team_id,
                    "user_id": self._workspace.bot.id,
                    "is_bot": True,
                    "is_enterprise_install": False,
                }
            ],
            "is_ext_shared_channel": False,
        }

    def view(self, view: View, given: dict[str, Any]) -> Payload:
        """A form or Home tab as Slack tells it."""
        stack = self._workspace.views.get(view.user, [])
        below = stack[stack.index(view) - 1] if view in stack[1:] else None
        return {
            "id": view.id,
            "team_id": self._workspace.team_id,
            "app_id": self._workspace.app_id,
            "bot_id": "B0UPGRADE",
            "hash": view.hash,
            "root_view_id": stack[0].id if view in stack else view.id,
            "previous_view_id": below.id if below else None,
            "callback_id": "",
            "private_metadata": "",
            "external_id": "",
            **view.content,
            "state": {"values": state(view.content["blocks"], given, view.offered)},
        }

    def _action(
        self, element: dict[str, Any], entry: Any, offered: list[dict[str, Any]]
    ) -> Payload:
        action: Payload = {
            "type": element["type"],
            "action_id": element["action_id"],
            "block_id": element.get("block_id", ""),
            "action_ts": self._workspace.new_ts(),
        }
        if element["type"] == "button":
            return action | {"text": element.get("text", {}), "value": element.get("value", "")}
        return action | entered(element, entry, offered)

    def _interaction(self, kind: str, user: str) -> Payload:
        return {
            "type": kind,
            "team": {"id": self._workspace.team_id, "domain": "practice"},
            "user": {
                "id": user,
                "username": self._workspace.users[user].name,
                "team_id": self._workspace.users[user].team_id,
            },
            "api_app_id": self._workspace.app_id,
            "token": "deprecated",
            "enterprise": None,
            "is_enterprise_install": False,
            "trigger_id": self._workspace.new_trigger(user),
        }

    def _response_url(self, user: str, channel: str, message_ts: str | None) -> str:
        secret = self._workspace.new_response_url(user, channel, message_ts)
        return f"{self._base}/response/{secret}"

    def _channel_name(self, channel_id: str) -> str:
        """People see no name of theirs where direct messages are, and apps neither."""
        channel = self._workspace.channels[channel_id]
        if channel.is_im:
            return "directmessage"
        return "privategroup" if channel.is_private else channel.name


def element_of(blocks: list[dict[str, Any]], action_id: str, block_id: str = "") -> dict[str, Any]:
    """An interactive element with its block's id. Raises LookupError when there is none such."""
    for block in blocks:
        for element in elements_of(block):
            if element["action_id"] == action_id and block_id in ("", block["block_id"]):
                return {**element, "block_id": block["block_id"]}
    raise LookupError(f"no element {action_id!r} here")
