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
    return VIEW(view, "/view") or _form_problems(view)


def home_problems(view: Any) -> Problems:
    """What Slack would not like about a Home tab; a field in it needs no `submit`."""
    return HOME(view, "/view") or _repeated_ids(view["blocks"])


def _form_problems(view: dict[str, Any]) -> Problems:
    problems = []
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


def _any_number(value: Any, path: str) -> Problems:
    good = isinstance(value, int | float) and not isinstance(value, bool)
    return [] if good else [f"{path}: must be a number"]


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

OPTION = _object(
    {"text": _plain(75), "value": _string(150)},
    {"description": _plain(75)},
)
MARKED_OPTION = _object(
    {"text": _text(75), "value": _string(150)},
    {"description": _text(75)},
)
OPTION_GROUP = _object({"label": _plain(75), "options": _list(OPTION, 1, 100)})
OPTIONS = _list(OPTION, 0, 100)

ELEMENT = {"action_id": ID, "type": TYPE}
_FOCUS = {"focus_on_load": _boolean}
_SELECT: dict[str, Rule] = {**_FOCUS, "placeholder": _plain(150), "confirm": CONFIRM}
_STATIC: dict[str, Rule] = {
    **_SELECT,
    "options": _list(OPTION, 1, 100),
    "option_groups": _list(OPTION_GROUP, 1, 100),
}
_EXTERNAL: dict[str, Rule] = {**_SELECT, "min_query_length": _number(0, 300)}
_ONE: dict[str, Rule] = {"initial_option": OPTION}
_SEVERAL: dict[str, Rule] = {
    "initial_options": _list(OPTION, 1, 100),
    "max_selected_items": _number(1, 100),
}
_MARKED = {**ELEMENT, "options": _list(MARKED_OPTION, 1, 10)}
_TYPED: dict[str, Rule] = {
    **_FOCUS,
    "placeholder": _plain(150),
    "dispatch_action_config": _object(
        {},
        {"trigger_actions_on": _list(_one_of("on_enter_pressed", "on_character_entered"), 1, 2)},
    ),
}


def _chosen_from(rule: Rule) -> Rule:
    """A select has options or groups of them; what is chosen at the start is one of them."""

    def check(value: Any, path: str) -> Problems:
        if problems := rule(value, path):
            return problems
        if ("options" in value) == ("option_groups" in value):
            return [f"{path}: needs either `options` or `option_groups`"]
        offered = options_of(value)
        initial = [*value.get("initial_options", []), value.get("initial_option")]
        return [
            f"{path}: the initial option is not one of the options"
            for each in initial
            if each is not None and each not in offered
        ]

    return check


def options_of(element: dict[str, Any]) -> list[dict[str, Any]]:
    """All the options of an element, whether or not they are in groups."""
    groups = element.get("option_groups", [])
    return [*element.get("options", []), *(each for g in groups for each in g["options"])]


CHOICES: dict[str, Rule] = {
    "static_select": _chosen_from(_object(ELEMENT, {**_STATIC, **_ONE})),
    "multi_static_select": _chosen_from(_object(ELEMENT, {**_STATIC, **_SEVERAL})),
    "external_select": _object(ELEMENT, {**_EXTERNAL, **_ONE}),
    "multi_external_select": _object(ELEMENT, {**_EXTERNAL, **_SEVERAL}),
    "checkboxes": _chosen_from(
        _object(
            _MARKED,
            {**_FOCUS, "confirm": CONFIRM, "initial_options": _list(MARKED_OPTION, 1, 10)},
        )
    ),
    "radio_buttons": _chosen_from(
        _object(_MARKED, {**_FOCUS, "confirm": CONFIRM, "initial_option": MARKED_OPTION})
    ),
    "datepicker": _object(
        ELEMENT,
        {**_FOCUS, "placeholder": _plain(150), "confirm": CONFIRM, "initial_date": _string(10, 10)},
    ),
}
FIELDS: dict[str, Rule] = {
    "plain_text_input": _object(
        ELEMENT,
        {
            **_TYPED,
            "initial_value": _string(3000),
            "multiline": _boolean,
            "min_length": _number(0, 3000),
            "max_length": _number(1, 3000),
        },
    ),
    "number_input": _object(
        {**ELEMENT, "is_decimal_allowed": _boolean},
        {
            **_TYPED,
            "initial_value": _string(100),
            "min_value": _string(100),
            "max_value": _string(100),
        },
    ),
    "url_text_input": _object(ELEMENT, {**_TYPED, "initial_value": _string(3000)}),
    "email_text_input": _object(ELEMENT, {**_TYPED, "initial_value": _string(3000)}),
}
INPUTS: dict[str, Rule] = {**FIELDS, **CHOICES}
"""What stands in an input block."""

OVERFLOW = _object(
    {
        **ELEMENT,
        "options": _list(
            _object(
                {"text": _plain(75), "value": _string(150)},
                {"description": _plain(75), "url": _string(3000)},
            ),
            1,
            5,
        ),
    },
    {"confirm": CONFIRM},
)
PRESSED: dict[str, Rule] = {"button": BUTTON, "overflow": OVERFLOW, **CHOICES}
"""What acts at once when it is used."""

IMAGE = _object(
    {"type": TYPE, "image_url": _string(3000), "alt_text": _string(2000)},
)

_BLOCK = {"block_id": ID}
DIVIDER = _object({"type": TYPE}, _BLOCK)
SECTION = _object(
    {"type": TYPE},
    {
        **_BLOCK,
        "text": _text(3000),
        "fields": _list(_text(2000), 1, 10),
        "accessory": _any_of({**PRESSED, "image": IMAGE}),
        "expand": _boolean,
    },
)


def _section(value: Any, path: str) -> Problems:
    if problems := SECTION(value, path):
        return problems
    return [] if "text" in value or "fields" in value else [f"{path}: needs `text` or `fields`"]


COMMON: dict[str, Rule] = {
    "divider": DIVIDER,
    "header": _object({"type": TYPE, "text": _plain(150)}, _BLOCK),
    "section": _section,
    "context": _object(
        {
            "type": TYPE,
            "elements": _list(
                _any_of({"plain_text": _text(3000), "mrkdwn": _text(3000), "image": IMAGE}), 1, 10
            ),
        },
        _BLOCK,
    ),
    "actions": _object({"type": TYPE, "elements": _list(_any_of(PRESSED), 1, 25)}, _BLOCK),
    "image": _object(
        {"type": TYPE, "image_url": _string(3000), "alt_text": _string(2000)},
        {**_BLOCK, "title": _plain(2000)},
    ),
    "input": _object(
        {"type": TYPE, "label": _plain(2000), "element": _any_of(INPUTS)},
        {**_BLOCK, "hint": _plain(2000), "optional": _boolean, "dispatch_action": _boolean},
    ),
}
CELL = _any_of(
    {
        "raw_text": _object({"type": TYPE, "text": _string(3000)}),
        "raw_number": _object({"type": TYPE, "value": _any_number}, {"text": _string(3000)}),
    }
)
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
VIEW_KINDS = COMMON


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
        "submit_disabled": _boolean,
        "external_id": ID,
    },
)
HOME = _object(
    {"type": _one_of("home"), "blocks": _list(_any_of(VIEW_KINDS), 1, VIEW_BLOCKS)},
    {
        "callback_id": ID,
        "private_metadata": _string(3000, least=0),
        "external_id": ID,
    },
)


def elements_of(block: dict[str, Any]) -> list[dict[str, Any]]:
    """The interactive elements of a block, wherever they stand in it."""
    single = [block[key] for key in ("accessory", "element") if key in block]
    return [each for each in [*block.get("elements", []), *single] if "action_id" in each]


def _repeated_ids(blocks: list[dict[str, Any]]) -> Problems:
    ids = [block["block_id"] for block in blocks if "block_id" in block]
    problems = [f"block_id {each!r} is not unique" for each in set(ids) if ids.count(each) > 1]
    for block in blocks:
        actions = [each["action_id"] for each in elements_of(block)]
        problems += [
            f"action_id {each!r} is not unique" for each in set(actions) if actions.count(each) > 1
        ]
    return problems
