"""What people do: commands, clicks, choices and forms, and what Slack shows them in return.

An app that does not acknowledge within three seconds lets the person see Slack's error line.
"""

import asyncio
import uuid
from typing import Any, Protocol

from bot.sandbox.slack import block_kit
from bot.sandbox.slack.installed import Shortcut
from bot.sandbox.slack.payloads import Payload, Payloads, element_of
from bot.sandbox.slack.workspace import DEEPEST, Message, View, Workspace

NO_ANSWER = "⚠ This app did not respond. Your click had no answer."
TROUBLE_CONNECTING = {"": "We had some trouble connecting. Try again?"}


class Delivery(Protocol):
    """How the app is reached."""

    async def deliver(self, kind: str, payload: Payload) -> Payload | None:
        """The app's acknowledgement, maybe with content; None when there was none in time."""

    def tell(self, kind: str, payload: Payload) -> "asyncio.Task[bool]":
        """Bring something to the app that nobody waits for; an event again and again until it is
        acknowledged. The task says whether it was."""


class Interactions:
    """People's hands. `base` is the address of the practice Slack, for response URLs."""

    def __init__(self, workspace: Workspace, delivery: Delivery, base: str) -> None:
        self._workspace = workspace
        self._delivery = delivery
        self.payloads = Payloads(workspace, base)
        self.command_payload = self.payloads.command
        self.click_payload = self.payloads.message_action
        self.submission_payload = self.payloads.submission

    async def command(self, user: str, channel: str, command: str, text: str) -> None:
        """Somebody types a slash command in a channel."""
        payload = self.command_payload(user, channel, command, text)
        ack = await self._delivery.deliver("slash_commands", payload)
        if ack is None:
            self._slack_says(user, channel, f"{command} failed with the error “operation_timeout”")
        elif ack.get("text") or ack.get("blocks"):
            public = ack.get("response_type") == "in_channel"
            self._workspace.post(
                channel,
                self._workspace.bot.id,
                ack.get("text", ""),
                ack.get("blocks"),
                only_for=None if public else user,
            )

    async def click(self, user: str, message: Message, action_id: str) -> None:
        """Somebody presses a button of a message that they can see."""
        await self.use(user, message, button(message, action_id))

    async def use(
        self,
        user: str,
        message: Message,
        element: dict[str, Any],
        entry: Any = None,
        given: dict[str, Any] | None = None,
    ) -> None:
        """Somebody uses an element of a message. `entry`: what they chose in it; `given`: what
        the other elements hold."""
        await self.deliver_click(self.click_payload(user, message, element, entry, given))

    async def deliver_click(self, payload: Payload) -> None:
        """Deliver a click, whatever is in it."""
        if await self._delivery.deliver("interactive", payload) is None:
            user, channel = payload["user"]["id"], payload["channel"]["id"]
            self._slack_says(user, channel, NO_ANSWER)

    async def use_in_view(
        self, view: View, element: dict[str, Any], entry: Any, given: dict[str, Any]
    ) -> bool:
        """Somebody uses an element of a form or of their Home tab; whether the app answered."""
        payload = self.payloads.view_action(view, element, entry, given)
        if await self._delivery.deliver("interactive", payload) is not None:
            return True
        view.errors = TROUBLE_CONNECTING
        self._workspace.happened("form_errors", view=view)
        return False

    async def shortcut(self, user: str, shortcut: Shortcut, message: Message | None) -> None:
        """Somebody takes a shortcut from a message's menu, or from the composer's."""
        payload = self.payloads.shortcut(user, shortcut, message)
        ack = await self._delivery.deliver("interactive", payload)
        if ack is None and message:
            self._slack_says(user, message.channel, NO_ANSWER)

    async def submit(self, view: View, values: dict[str, Any]) -> None:
        """Somebody submits a form. `values`: what they entered, by block id."""
        ack = await self._delivery.deliver("interactive", self.submission_payload(view, values))
        if ack is None:
            self._complain(view, TROUBLE_CONNECTING)
        elif problem := self._refused_answer(view, ack):
            self._complain(view, {"": problem})
        else:
            await self._follow(view, ack)

    def _complain(self, view: View, errors: dict[str, str]) -> None:
        view.errors = errors
        self._workspace.happened("form_errors", view=view)

    def _refused_answer(self, view: View, ack: Payload) -> str:
        """Why Slack would not follow the app's answer to a submission."""
        match ack.get("response_action"):
            case "errors":
                fields = {b["block_id"] for b in view.content["blocks"] if b["type"] == "input"}
                strange = set(ack.get("errors") or {}) - fields
                return f"The app named fields that are not there: {strange}" if strange else ""
            case "update" | "push":
                problems = block_kit.view_problems(ack.get("view"))
                return f"The app answered with a wrong form: {problems}" if problems else ""
            case None | "clear":
                return ""
            case other:
                return f"The app answered with response_action {other!r}, which there is not"

    async def _follow(self, view: View, ack: Payload) -> None:
        """What the app wants to happen with a form that was submitted."""
        stack = self._workspace.views.get(view.user, [])
        match ack.get("response_action"):
            case "errors":
                self._complain(view, ack["errors"])
            case "update":
                self._workspace.change_view(view, ack["view"])
            case "push" if len(stack) < DEEPEST:
                self._workspace.open_view(view.user, ack["view"])
            case "push":
                self._complain(view, {"": "push_limit_reached"})
            case "clear":
                await self.clear(view.user)
            case _:
                if view in stack:  # the app may have closed it already, by another answer
                    self._workspace.close_view(view)

    async def suggestions(self, view: View, block_id: str, typed: str) -> list[dict[str, Any]]:
        """What a field offers while somebody types into it; nothing when the app does not say, or
        says it wrongly, as in Slack."""
        block = next(each for each in view.content["blocks"] if each.get("block_id") == block_id)
        external = next(e for e in block_kit.elements_of(block) if "external" in e["type"])
        element = {**external, "block_id": block_id}
        options = await self._suggested(view.user, element, typed, self.payloads.in_view(view))
        view.offered[block_id] = [*view.offered.get(block_id, []), *options]
        return options

    async def suggestions_in_message(
        self, user: str, message: Message, element: dict[str, Any], typed: str
    ) -> list[dict[str, Any]]:
        """The same for an external select in a message."""
        where = self.payloads.in_message(message)
        return await self._suggested(user, element, typed, where)

    async def _suggested(
        self, user: str, element: dict[str, Any], typed: str, where: Payload
    ) -> list[dict[str, Any]]:
        if len(typed) < element.get("min_query_length", 3):
            return []
        payload = self.payloads.suggestion(user, element, typed, where)
        ack = await self._delivery.deliver("interactive", payload) or {}
        groups = ack.get("option_groups") or []
        options: list[dict[str, Any]] = ack.get("options") or [
            each for group in groups for each in group["options"]
        ]
        return [] if block_kit.option_problems(options) else options

    def cancel(self, view: View) -> None:
        """Somebody closes a form without submitting it; the one below is there again."""
        self._workspace.close_view(view)
        self._tell_closed(view, is_cleared=False)

    async def clear(self, user: str) -> None:
        """All forms of somebody are closed at once."""
        for view in reversed(list(self._workspace.views.get(user, []))):
            self._workspace.close_view(view)
            self._tell_closed(view, is_cleared=True)

    def _tell_closed(self, view: View, *, is_cleared: bool) -> None:
        if view.content.get("notify_on_close"):
            self._delivery.tell("interactive", self.payloads.closed(view, is_cleared=is_cleared))

    def open_app(self, user: str, tab: str) -> "asyncio.Task[bool] | None":
        """Somebody opens the app's Home tab (`home`) or its `messages`; the delivery, if the app
        wants to know."""
        if "app_home_opened" not in self._workspace.app.events:
            return None
        return self._delivery.tell("events_api", self.payloads.home_opened(user, tab))

    def _slack_says(self, user: str, channel: str, text: str) -> None:
        self._workspace.post(channel, "", text, only_for=user)


def button(message: Message, action_id: str) -> dict[str, Any]:
    """A button of a message, with its block's id. Raises LookupError when it has none such."""
    return element_of(message.blocks, action_id)


def new_envelope_id() -> str:
    """The name of one delivery over Socket Mode."""
    return str(uuid.uuid4())
