"""`views.*`: forms, stacked up to three deep, and the Home tab.

https://docs.slack.dev/surfaces/modals
https://docs.slack.dev/surfaces/app-home
"""

import json
from collections.abc import Callable
from typing import Any

from bot.sandbox.slack import block_kit
from bot.sandbox.slack.payloads import Payloads
from bot.sandbox.slack.refusal import Answer, Arguments, SlackError, parsed
from bot.sandbox.slack.workspace import DEEPEST, TRIGGER_LASTS, View, Workspace

LARGEST = 250_000


def open_(workspace: Workspace, arguments: Arguments) -> Answer:
    """A form for whoever just did something."""
    return _open(workspace, arguments)


def push(workspace: Workspace, arguments: Arguments) -> Answer:
    """A form on top of the one in which somebody just did something."""
    return _open(workspace, arguments, on_top=True)


def update(workspace: Workspace, arguments: Arguments) -> Answer:
    """Other content for a form that is open."""
    content = _checked(arguments, block_kit.view_problems)
    view = _find(workspace, arguments)
    _unchanged(view, arguments)
    _unique(workspace, content, but=view)
    workspace.change_view(view, content)
    return _answer(workspace, view)


def publish(workspace: Workspace, arguments: Arguments) -> Answer:
    """What one person sees in the Home tab."""
    user = workspace.users.get(str(arguments.get("user_id", "")))
    if user is None or user.is_bot:
        raise SlackError("user_not_found")
    if not workspace.app.home_tab:
        raise SlackError("not_enabled")
    content = _checked(arguments, block_kit.home_problems)
    if home := workspace.homes.get(user.id):
        _unchanged(home, arguments)
    return _answer(workspace, workspace.publish_home(user.id, content))


def _open(workspace: Workspace, arguments: Arguments, *, on_top: bool = False) -> Answer:
    trigger = workspace.triggers.get(arguments.get("trigger_id", ""))
    if trigger is None:
        raise SlackError("invalid_trigger_id")
    if trigger.used:
        raise SlackError("exchanged_trigger_id")
    if workspace.clock() - trigger.issued_at > TRIGGER_LASTS:
        raise SlackError("expired_trigger_id")
    content = _checked(arguments, block_kit.view_problems)
    _unique(workspace, content)
    stack = workspace.views.get(trigger.user, [])
    trigger.used = True
    if on_top and not stack:
        raise SlackError("not_found")
    if len(stack) >= DEEPEST:
        raise SlackError("push_limit_reached")
    return _answer(workspace, workspace.open_view(trigger.user, content))


def _checked(arguments: Arguments, problems_of: Callable[[Any], list[str]]) -> Answer:
    content = parsed(arguments.get("view"))
    if problems := problems_of(content):
        raise SlackError("invalid_arguments", response_metadata={"messages": problems})
    if len(json.dumps(content)) > LARGEST:
        raise SlackError("view_too_large")
    return dict(content)


def _find(workspace: Workspace, arguments: Arguments) -> View:
    """By its own id, or by the one that the app gave it."""
    view_id, external_id = arguments.get("view_id"), arguments.get("external_id")
    for view in (each for stack in workspace.views.values() for each in stack):
        named = external_id and view.content.get("external_id") == external_id
        if view.id == view_id or named:
            return view
    raise SlackError("not_found")


def _unchanged(view: View, arguments: Arguments) -> None:
    """Who says which version they saw is refused when it is another one now."""
    if arguments.get("hash") not in (None, "", view.hash):
        raise SlackError("hash_conflict")


def _unique(workspace: Workspace, content: Answer, but: View | None = None) -> None:
    for view in (each for stack in workspace.views.values() for each in stack):
        theirs = view.content.get("external_id")
        if view is not but and theirs and theirs == content.get("external_id"):
            raise SlackError("duplicate_external_id")


def _answer(workspace: Workspace, view: View) -> Answer:
    return {"view": Payloads(workspace, "").view(view, {})}
