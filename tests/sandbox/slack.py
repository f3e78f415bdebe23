"""What the tests of the practice Slack share."""

from typing import Any

import pytest
from slack_sdk.errors import SlackApiError

SECTION = {"type": "section", "text": {"type": "mrkdwn", "text": "Hello"}}
BUTTON = {
    "type": "button",
    "action_id": "press",
    "text": {"type": "plain_text", "text": "Press"},
    "value": "1",
}
ACTIONS = {"type": "actions", "block_id": "actions", "elements": [BUTTON]}
HOME = {"type": "home", "blocks": [SECTION, ACTIONS]}


def field(block_id: str, element: dict[str, Any], **more: Any) -> dict[str, Any]:
    """An input block whose element has the block's name."""
    label = {"type": "plain_text", "text": block_id}
    element = {"action_id": block_id, **element}
    return {"type": "input", "block_id": block_id, "label": label, "element": element, **more}


def option(value: str) -> dict[str, Any]:
    """An option that is called as its value."""
    return {"text": {"type": "plain_text", "text": value}, "value": value}


def form(title: str = "Title", *blocks: dict[str, Any], **more: Any) -> dict[str, Any]:
    """A form."""
    return {
        "type": "modal",
        "title": {"type": "plain_text", "text": title},
        "submit": {"type": "plain_text", "text": "Go"},
        "close": {"type": "plain_text", "text": "Stop"},
        "blocks": list(blocks) or [SECTION],
        **more,
    }


async def error_of(call: Any) -> str:
    """The word of a refused call."""
    with pytest.raises(SlackApiError) as refused:
        await call
    return str(refused.value.response["error"])
