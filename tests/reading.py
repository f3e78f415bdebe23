"""A Slack message as a person reads it: the text, with mentions and dates made plain."""

import re
from typing import Any

from bot.sandbox.slack import Message, View, Workspace

GUID = re.compile(r"\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b")


def message(workspace: Workspace, shown: Message) -> str:
    """The message's lines, with its buttons in brackets."""
    files = [f"(file) {each['title']}" for each in shown.files]
    if not shown.blocks:
        return plain(workspace, "\n".join([shown.text, *files]).strip())
    return blocks(workspace, shown.blocks)


def blocks(workspace: Workspace, shown: list[dict[str, Any]]) -> str:
    """The lines of blocks, with their buttons in brackets."""
    return plain(workspace, "\n".join(line for block in shown if (line := _block(block))))


def form(workspace: Workspace, view: View) -> str:
    """The form's lines: title, texts, the names of the fields, what is wrong, and the buttons."""
    content = view.content
    lines = [f"«{content['title']['text']}»"]
    for block in content["blocks"]:
        lines.append(_block(block))
        if wrong := view.errors.get(block.get("block_id", "")):
            lines.append(f"! {wrong}")
    lines.append(f"[{content['submit']['text']}] [{content['close']['text']}]")
    return plain(workspace, "\n".join(line for line in lines if line))


def plain(workspace: Workspace, text: str) -> str:
    """mrkdwn without its signs: names for mentions, UTC for dates, `(id)` for ids."""
    names = {user.id: user.name for user in workspace.users.values()}
    names |= workspace.group_handles
    text = re.sub(r"<!date\^\d+\^[^|]*\|([^>]*)>", r"\1", text)
    text = re.sub(r"<!subteam\^(\w+)>", lambda m: "@" + names.get(m[1], m[1]), text)
    text = re.sub(r"<@(\w+)>", lambda m: "@" + names.get(m[1], m[1]), text)
    text = re.sub(r"<#(\w+)>", lambda m: "#" + workspace.channels[m[1]].name, text)
    text = re.sub(r"<[^|>]*/archives/[^|>]*\|([^>]*)>", r"\1↗", text)
    text = re.sub(r"<([^|>]*)\|([^>]*)>", r"\2 [\1]", text)
    return GUID.sub("(id)", text).replace("*", "")


def _block(block: dict[str, Any]) -> str:
    match block["type"]:
        case "divider":
            return "---"
        case "actions":
            return " ".join(f"[{each['text']['text']}]" for each in block["elements"])
        case "context":
            return "\n".join(each["text"] for each in block["elements"])
        case "input":
            return f"{block['label']['text']}: ____"
        case "table":
            return "\n".join(" | ".join(cell["text"] for cell in row) for row in block["rows"])
        case "section" if "fields" in block:
            return " | ".join(each["text"] for each in block["fields"])
        case _:
            return str(block["text"]["text"])
