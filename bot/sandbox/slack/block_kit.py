"""Slack's rules for blocks and forms, as far as the practice Slack speaks them.

Whatever is not written here is refused, unknown keys too.
https://docs.slack.dev/reference/block-kit
"""

from collections.abc import Callable
from typing import Any

Problems = list[str]
Rule = Callable[[Any, str], Problems]

MESSAGE_BLOCKS, VIEW_BLOCKS = 50, 100
TABLE_TEXT = 10_000
ALL_TEXT = 13_200
"""Slack answers `msg_blocks_too_long` from about here on, though every block is allowed."""


def message_problems(blocks: Any) -> Problems:
    """What Slack would not like about the blocks of a message."""
    problems = _list(_any_of(MESSAGE_KINDS), 1, MESSAGE_BLOCKS)(blocks, "/blocks")
    return problems or [*_repeated_ids(blocks), *_tables(blocks)]


def _tables(blocks: list[dict[str, Any]]) -> Problems:
    tables = [block for block in blocks if block["type"] == "table"]
    problems = ["only_one_table_allowed"] if len(tables) > 1 else []
    if any(text_size(each["rows"]) > TABLE_TEXT for each in tables):
        problems.append(f"a table has more than {TABLE_TEXT} characters")
    return problems


def view_problems(view: Any) -> Problems:
    """What Slack would not like about a form."""
    problems = VIEW(view, "/view")
    if problems:
        return problems
    if any(block["type"] == "input" for block in view["blocks"]) and "submit" not in view:
        problems.append("/view: a form with input blocks needs `submit`")
    return problems + _repeated_ids(view["blocks"])


def text_size(blocks: list[dict[str, Any]]) -> int:
    """How many characters of text all the blocks hold."""

    def size(value: Any) -> int:
        if isinstance(value, dict):
            own = len(value["text"]) if isinstance(value.get("text"), str) else 0
            return own + sum(size(each) for each in value.values())
        return sum(map(size, value)) if isinstance(value, list) else 0

    return size(blocks)


def _string(limit: int, least: int = 1) -> Rule:
    def rule(value: Any, path: str) -> Problems:
        if not isinstance(value, str):
            return [f"{path}: must be a string"]
        if not least <= len(value) <= limit:
            return [f"{path}: must have {least} to {limit} characters, has {len(value)}"]
        return []

    return rule


def _boolean(value: Any, path: str) -> Problems:
    return [] if isinstance(value, bool) else [f"{path}: must be true or false"]


def _number(least: int, most: int) -> Rule:
    def rule(value: Any, path: str) -> Problems:
        good = isinstance(value, int) and not isinstance(value, bool) and least <= value <= most
        return [] if good else [f"{path}: must be a number from {least} to {most}"]

    return rule


def _one_of(*values: str) -> Rule:
    def rule(value: Any, path: str) -> Problems:
        return [] if value in values else [f"{path}: must be one of {', '.join(values)}"]

    return rule


def _list(rule: Rule, least: int, most: int) -> Rule:
    def check(value: Any, path: str) -> Problems:
        if not isinstance(value, list):
            return [f"{path}: must be a list"]
        if not least <= len(value) <= most:
            return [f"{path}: must have {least} to {most} members, has {len(value)}"]
        return [p for i, each in enumerate(value) for p in rule(each, f"{path}/{i}")]

    return check


def _object(required: dict[str, Rule], optional: dict[str, Rule] | None = None) -> Rule:
    rules = {**required, **(optional or {})}

    def check(value: Any, path: str) -> Problems:
        if not isinstance(value, dict):
            return [f"{path}: must be an object"]
        problems = [f"{path}: lacks `{key}`" for key in required if key not in value]
        problems += [f"{path}: unknown key `{key}`" for key in value if key not in rules]
        for key, each in value.items():
            if key in rules:
                problems += rules[key](each, f"{path}/{key}")
        return problems

    return check


def _any_of(kinds: dict[str, Rule]) -> Rule:
    def check(value: Any, path: str) -> Problems:
        kind = value.get("type") if isinstance(value, dict) else None
        if kind not in kinds:
            return [f"{path}: unsupported type {kind!r}"]
        return kinds[kind](value, path)

    return check


def _plain(limit: int) -> Rule:
    return _object({"type": _one_of("plain_text"), "text": _string(limit)}, {"emoji": _boolean})


def _text(limit: int) -> Rule:
    mrkdwn = _object({"type": _one_of("mrkdwn"), "text": _string(limit)}, {"verbatim": _boolean})
    return _any_of({"plain_text": _plain(limit), "mrkdwn": mrkdwn})


TYPE: Rule = _string(50)
ID = _string(255)

CONFIRM = _object(
    {"title": _plain(100), "text": _text(300), "confirm": _plain(30), "deny": _plain(30)},
    {"style": _one_of("primary", "danger")},
)

BUTTON = _object(
    {"type": TYPE, "text": _plain(75), "action_id": ID},
    {
        "value": _string(2000),
        "url": _string(3000),
        "style": _one_of("primary", "danger"),
        "confirm": CONFIRM,
        "accessibility_label": _string(75),
    },
)

_INPUT = {"action_id": ID, "type": TYPE}
INPUTS: dict[str, Rule] = {
    "plain_text_input": _object(
        _INPUT,
        {
            "initial_value": _string(3000),
            "multiline": _boolean,
            "min_length": _number(0, 3000),
            "max_length": _number(1, 3000),
            "placeholder": _plain(150),
            "focus_on_load": _boolean,
        },
    ),
    "number_input": _object(
        {**_INPUT, "is_decimal_allowed": _boolean},
        {
            "initial_value": _string(100),
            "min_value": _string(100),
            "max_value": _string(100),
            "placeholder": _plain(150),
            "focus_on_load": _boolean,
        },
    ),
    "external_select": _object(
        _INPUT,
        {
            "placeholder": _plain(150),
            "min_query_length": _number(0, 300),
            "focus_on_load": _boolean,
        },
    ),
    "url_text_input": _object(
        _INPUT,
        {"initial_value": _string(3000), "placeholder": _plain(150), "focus_on_load": _boolean},
    ),
}

_BLOCK = {"block_id": ID}
DIVIDER = _object({"type": TYPE}, _BLOCK)
SECTION_WITH_TEXT = _object(
    {"type": TYPE, "text": _text(3000)},
    {**_BLOCK, "accessory": _any_of({"button": BUTTON}), "expand": _boolean},
)
SECTION_WITH_FIELDS = _object(
    {"type": TYPE, "fields": _list(_text(2000), 1, 10)},
    {**_BLOCK, "text": _text(3000), "expand": _boolean},
)


def _section(value: Any, path: str) -> Problems:
    return (SECTION_WITH_FIELDS if "fields" in value else SECTION_WITH_TEXT)(value, path)


COMMON: dict[str, Rule] = {
    "divider": DIVIDER,
    "header": _object({"type": TYPE, "text": _plain(150)}, _BLOCK),
    "section": _section,
    "context": _object({"type": TYPE, "elements": _list(_text(3000), 1, 10)}, _BLOCK),
    "actions": _object(
        {"type": TYPE, "elements": _list(_any_of({"button": BUTTON}), 1, 25)}, _BLOCK
    ),
}
CELL = _object({"type": _one_of("raw_text"), "text": _string(3000)})
MESSAGE_KINDS: dict[str, Rule] = {
    **COMMON,
    "table": _object(
        {"type": TYPE, "rows": _list(_list(CELL, 1, 20), 1, 100)},
        {
            **_BLOCK,
            "column_settings": _list(
                _object({}, {"is_wrapped": _boolean, "align": _one_of("left", "center", "right")}),
                0,
                20,
            ),
        },
    ),
}
VIEW_KINDS: dict[str, Rule] = {
    **COMMON,
    "input": _object(
        {"type": TYPE, "label": _plain(2000), "element": _any_of(INPUTS)},
        {**_BLOCK, "hint": _plain(2000), "optional": _boolean},
    ),
}

OPTIONS = _list(_object({"text": _plain(75), "value": _string(150)}), 0, 100)


def option_problems(options: Any) -> Problems:
    """What Slack would not like about the options that a field is to offer."""
    return OPTIONS(options, "/options")


VIEW = _object(
    {
        "type": _one_of("modal"),
        "title": _plain(24),
        "blocks": _list(_any_of(VIEW_KINDS), 1, VIEW_BLOCKS),
    },
    {
        "submit": _plain(24),
        "close": _plain(24),
        "callback_id": ID,
        "private_metadata": _string(3000, least=0),
        "clear_on_close": _boolean,
        "notify_on_close": _boolean,
        "external_id": ID,
    },
)


def _repeated_ids(blocks: list[dict[str, Any]]) -> Problems:
    ids = [block["block_id"] for block in blocks if "block_id" in block]
    problems = [f"block_id {each!r} is not unique" for each in set(ids) if ids.count(each) > 1]
    for block in blocks:
        actions = [each["action_id"] for each in block.get("elements", []) if "action_id" in each]
        problems += [
            f"action_id {each!r} is not unique" for each in set(actions) if actions.count(each) > 1
        ]
    return problems
