"""What a person enters into an element, and what Slack says of it in `state` and `actions`.

A form's `given` holds what was typed (a string), chosen (an option's value) or ticked (a list of
values) by block id; what is missing there is as the app filled it in.
"""

from typing import Any

from bot.sandbox.slack.block_kit import elements_of, options_of

Json = dict[str, Any]

SEVERAL = frozenset({"multi_static_select", "multi_external_select", "checkboxes"})
ONE = frozenset({"static_select", "external_select", "radio_buttons", "overflow"})


def state(blocks: list[Json], given: Json, offered: dict[str, list[Json]]) -> Json:
    """`state.values` of a form or message. `offered`: the options of external selects."""
    values: Json = {}
    for block in blocks:
        for element in elements_of(block):
            if element["type"] in ("button", "overflow"):
                continue
            name = block["block_id"]
            key = f"{name}/{element['action_id']}"
            entry = given[key] if key in given else given.get(name, as_filled_in(element))
            said = entered(element, entry, offered.get(name, []))
            values.setdefault(name, {})[element["action_id"]] = said
    return values


def as_filled_in(element: Json) -> Any:
    """What the element holds before anybody touches it."""
    if "initial_option" in element:
        return element["initial_option"]["value"]
    if "initial_options" in element:
        return [each["value"] for each in element["initial_options"]]
    return element.get("initial_value", element.get("initial_date"))


def entered(element: Json, entry: Any, offered: list[Json]) -> Json:
    """The element as Slack tells it, with the `entry`."""
    kind = element["type"]
    initial = [element.get("initial_option"), *element.get("initial_options", [])]
    known = [*options_of(element), *offered, *(each for each in initial if each)]
    if kind in SEVERAL:
        chosen = [_option(known, value) for value in entry or []]
        return {"type": kind, "selected_options": chosen}
    if kind in ONE:
        return {"type": kind, "selected_option": _option(known, entry) if entry else None}
    if kind == "datepicker":
        return {"type": kind, "selected_date": entry or None}
    return {"type": kind, "value": entry or None}


def _option(known: list[Json], value: str) -> Json:
    """The option of that value. One that was never offered has only its value, as forgers send."""
    unknown = {"text": {"type": "plain_text", "text": value or "-"}, "value": value}
    return next((each for each in known if each["value"] == value), unknown)
