"""What people do: commands, clicks and forms become payloads for the app, as Slack makes them.

An app that does not acknowledge within three seconds lets the person see Slack's error line.
"""

import uuid
from typing import Any, Protocol

from bot.sandbox.slack.block_kit import option_problems
from bot.sandbox.slack.workspace import Message, View, Workspace

Payload = dict[str, Any]


class Delivery(Protocol):
    """How the app is reached."""

    async def deliver(self, kind: str, payload: Payload) -> Payload | None:
        """The app's acknowledgement, maybe with content; None when there was none in time."""


class Interactions:
    """People's hands. `base` is the address of the practice Slack, for response URLs."""

    def __init__(self, workspace: Workspace, delivery: Delivery, base: str) -> None:
        self._workspace = workspace
        self._delivery = delivery
        self._base = base

    async def command(self, user: str, channel: str, command: str, text: str) -> None:
        """Somebody types a slash command in a channel."""
        payload = self.command_payload(user, channel, command, text)
        ack = await self._delivery.deliver("slash_commands", payload)
        if ack is None:
            self._slack_says(user, channel, f"{command} failed with the error “operation_timeout”")
        elif ack.get("text"):
            self._workspace.post(
                channel, self._workspace.bot.id, ack["text"], ack.get("blocks"), only_for=user
            )

    async def click(self, user: str, message: Message, action_id: str) -> None:
        """Somebody presses a button of a message that they can see."""
        element = button(message, action_id)
        payload = self.click_payload(user, message, element)
        await self.deliver_click(payload)

    async def deliver_click(self, payload: Payload) -> None:
        """Deliver a click, whatever is in it."""
        if await self._delivery.deliver("interactive", payload) is None:
            user, channel = payload["user"]["id"], payload["channel"]["id"]
            self._slack_says(user, channel, "⚠ This app did not respond. Your click had no answer.")

    async def submit(self, view: View, values: dict[str, str]) -> None:
        """Somebody submits a form. `values`: what they typed, by block id."""
        payload = self.submission_payload(view, values)
        ack = await self._delivery.deliver("interactive", payload)
        if ack is None:
            view.errors = {"": "We had some trouble connecting. Try again?"}
            self._workspace.happened("form_errors", view=view)
        elif ack.get("response_action") == "errors":
            view.errors = ack["errors"]
            self._workspace.happened("form_errors", view=view)
        else:
            self._workspace.close_view(view)

    async def suggestions(self, view: View, block_id: str, typed: str) -> list[dict[str, Any]]:
        """What a field offers while somebody types into it; nothing when the app does not say, or
        says it wrongly, as in Slack."""
        block = next(each for each in view.content["blocks"] if each.get("block_id") == block_id)
        if len(typed) < block["element"].get("min_query_length", 3):
            return []
        payload = {
            **self._interaction("block_suggestion", view.user),
            "action_id": block["element"]["action_id"],
            "block_id": block_id,
            "value": typed,
            "container": {"type": "view", "view_id": view.id},
            "view": {"id": view.id, "hash": view.hash, **view.content},
        }
        del payload["trigger_id"]
        ack = await self._delivery.deliver("interactive", payload)
        options: list[dict[str, Any]] = (ack or {}).get("options") or []
        return [] if option_problems(options) else options

    def cancel(self, view: View) -> None:
        """Somebody closes a form without submitting it."""
        self._workspace.close_view(view)

    def command_payload(self, user: str, channel: str, command: str, text: str) -> Payload:
        """What Slack sends for a slash command."""
        return {
            "token": "deprecated",
            "team_id": self._workspace.team_id,
            "team_domain": "practice",
            "channel_id": channel,
            "channel_name": self._workspace.channels[channel].name,
            "user_id": user,
            "user_name": self._workspace.users[user].name,
            "command": command,
            "text": text,
            "api_app_id": self._workspace.app_id,
            "is_enterprise_install": "false",
            "response_url": self._response_url(user, channel, None),
            "trigger_id": self._workspace.new_trigger(user),
        }

    def click_payload(self, user: str, message: Message, element: dict[str, Any]) -> Payload:
        """What Slack sends for a pressed button."""
        return {
            **self._interaction("block_actions", user),
            "container": {
                "type": "message",
                "message_ts": message.ts,
                "channel_id": message.channel,
                "is_ephemeral": message.only_for is not None,
            },
            "channel": {
                "id": message.channel,
                "name": self._workspace.channels[message.channel].name,
            },
            "message": {"ts": message.ts, "text": message.text, "blocks": message.blocks},
            "state": {"values": {}},
            "response_url": self._response_url(user, message.channel, message.ts),
            "actions": [
                {
                    "type": "button",
                    "action_id": element["action_id"],
                    "block_id": element.get("block_id", ""),
                    "text": element.get("text", {}),
                    "value": element.get("value", ""),
                    "action_ts": self._workspace.new_ts(),
                }
            ],
        }

    def submission_payload(self, view: View, values: dict[str, str]) -> Payload:
        """What Slack sends for a submitted form."""
        inputs = [block for block in view.content["blocks"] if block["type"] == "input"]
        state = {
            block["block_id"]: {block["element"]["action_id"]: _entered(block, values)}
            for block in inputs
        }
        content = {**view.content, "state": {"values": state}}
        return {
            **self._interaction("view_submission", view.user),
            "view": {"id": view.id, "hash": view.hash, "team_id": self._workspace.team_id}
            | content,
            "response_urls": [],
        }

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

    def _slack_says(self, user: str, channel: str, text: str) -> None:
        self._workspace.post(channel, "", text, only_for=user)


def _entered(block: dict[str, Any], values: dict[str, str]) -> dict[str, Any]:
    """What Slack says of a field: the words that were typed, or the option that was chosen."""
    kind = block["element"]["type"]
    if kind != "external_select":
        return {"type": kind, "value": _typed(block, values)}
    value = values.get(block["block_id"])
    text = {"type": "plain_text", "text": "chosen"}
    return {"type": kind, "selected_option": {"text": text, "value": value} if value else None}


def _typed(block: dict[str, Any], values: dict[str, str]) -> str | None:
    """What the field holds: as typed, or as it was filled in at the opening."""
    initial = block["element"].get("initial_value")
    return values.get(block["block_id"], initial) or None


def button(message: Message, action_id: str) -> dict[str, Any]:
    """A button of a message, with its block's id. Raises LookupError when it has none such."""
    for block in message.blocks:
        for element in block.get("elements", []):
            if element.get("action_id") == action_id:
                return {**element, "block_id": block["block_id"]}
    raise LookupError(f"no button {action_id!r} in this message")


def new_envelope_id() -> str:
    """The name of one delivery over Socket Mode."""
    return str(uuid.uuid4())
