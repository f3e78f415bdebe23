"""Building blocks within Slack's limits, and the one place where outside text is made safe.

Limits: https://docs.slack.dev/reference/block-kit
"""

import re
import unicodedata
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from bot.domain.policy import CHANNEL, Names, Person
from bot.messages.language import gettext, listed

Block = dict[str, Any]

SECTION_LIMIT = 3000
FIELD_LIMIT = 2000
BUTTON_LIMIT = 75
TEXT_LIMIT = 3900
"""`chat.update` takes 4,000 characters of `text`."""


@dataclass(frozen=True, slots=True)
class Message:
    """Blocks, and the same as plain text: what notifications show and screen readers read.

    The text has all texts of the blocks, a line each, and the names of the buttons.
    """

    blocks: list[Block]
    text: str = field(init=False)

    def __post_init__(self) -> None:
        lines = [line for block in self.blocks for line in _lines(block)]
        object.__setattr__(self, "text", _cut("\n".join(lines), TEXT_LIMIT))


_LOOK_ALIKES = str.maketrans({"*": "∗", "~": "∼", "`": "ˋ", "\u2028": " ", "\u2029": " "})


def escape_mrkdwn(text: str, limit: int = 150) -> str:
    """Text from outside, safe inside a mrkdwn text: one line, at most `limit` characters.

    It can neither mention, link, format, set an emoji nor begin a line of its own. Signs that
    mean something to Slack become look-alikes, invisible and direction marks go, and it is
    cut after escaping, because escaping makes it longer.
    """
    text = " ".join(_visible(text).split()).translate(_LOOK_ALIKES)
    text = re.sub(r"(?<!\w)_|_(?!\w)", "ˍ", text)
    text = re.sub(r":(?=[\w+'-]+:)", "꞉", text)
    return _cut(text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;"), limit)


def escape_plain(text: str, limit: int) -> str:
    """Text from outside for a plain_text object, where Slack reads nothing but emoji names."""
    return _cut(" ".join(_visible(text).split()), limit)


def _visible(text: str) -> str:
    """Without controls, direction marks and other invisible signs; line ends become blanks."""
    kept = (
        c if unicodedata.category(c) not in ("Cc", "Cf", "Cs", "Co", "Cn") else _blank(c)
        for c in text
    )
    return "".join(kept)


def _blank(sign: str) -> str:
    return " " if sign in "\n\r\t\v\f" else ""


def _cut(text: str, limit: int) -> str:
    """At most `limit` characters, never through an `&amp;` or a `<…>` of ours."""
    if len(text) <= limit:
        return text
    text = re.sub(r"&[a-z]{0,4}$", "", text[: limit - 1])
    opened, closed = text.rfind("<"), text.rfind(">")
    return (text[:opened] if opened > closed else text) + "…"


def mention(person: Person) -> str:
    """A person, by id; one who was forgotten has none."""
    return f"<@{person.user_id}>" if person.user_id else gettext("somebody")


def anyone_of(names: Names) -> str:
    """Groups and users of a policy, as mentions."""
    return gettext(" or ").join(_anyone_of(name) for name in names)


def everyone_of(lists: tuple[Names, ...]) -> str:
    """Whoever is in each of the lists; `nobody` where there is none."""
    return gettext(", who are also of ").join(anyone_of(names) for names in lists) or gettext(
        "nobody"
    )


def _anyone_of(name: str) -> str:
    if name == CHANNEL:
        return gettext("the full members of this channel")
    return f"<!subteam^{name}>" if name.startswith("S") else f"<@{name}>"


def moment(at: datetime) -> str:
    """A point in time, shown in the reader's own zone."""
    fallback = at.astimezone(UTC).strftime("%Y-%m-%d %H:%M UTC")
    shown = gettext("{day} at {time}", day="{date_short_pretty}", time="{time}")
    return f"<!date^{int(at.timestamp())}^{shown}|{fallback}>"


def link(url: str, words: str) -> str:
    """A link to an address that was checked to hold no signs of Slack's."""
    return f"<{url.replace('&', '&amp;')}|{words}>"


def header(text: str) -> Block:
    return {"type": "header", "text": {"type": "plain_text", "text": _cut(text, 150)}}


def section(text: str, **more: Any) -> Block:
    return {"type": "section", "text": _mrkdwn(_cut(text, SECTION_LIMIT)), **more}


def fields(*texts: str) -> Block:
    return {"type": "section", "fields": [_mrkdwn(_cut(text, FIELD_LIMIT)) for text in texts]}


def context(text: str) -> Block:
    return {"type": "context", "elements": [_mrkdwn(_cut(text, SECTION_LIMIT))]}


def table(rows: list[list[str]]) -> Block:
    """Rows of plain cells, the first row the heads. Slack shows it below everything else of the
    message, and takes one a message."""
    cells = [[{"type": "raw_text", "text": cell or "-"} for cell in row] for row in rows]
    return {
        "type": "table",
        "column_settings": [{"is_wrapped": True} for _ in rows[0]],
        "rows": cells,
    }


def actions(block_id: str, *buttons: Block) -> Block:
    return {"type": "actions", "block_id": block_id, "elements": list(buttons)}


def button(text: str, action_id: str, value: str, **more: Any) -> Block:
    """`more`: `style` ("primary" or "danger"), `confirm`, `accessibility_label`."""
    label = {"type": "plain_text", "text": _cut(text, BUTTON_LIMIT), "emoji": False}
    return {"type": "button", "text": label, "action_id": action_id, "value": value, **more}


def link_button(text: str, action_id: str, url: str) -> Block:
    """A button that opens a page. Slack tells the bot of it too."""
    label = {"type": "plain_text", "text": _cut(text, BUTTON_LIMIT), "emoji": False}
    return {"type": "button", "text": label, "action_id": action_id, "url": url}


def confirm(title: str, text: str, yes: str, no: str) -> Block:
    return {
        "title": plain(title, 100),
        "text": plain(text, 300),
        "confirm": plain(yes, 30),
        "deny": plain(no, 30),
        "style": "primary",
    }


def plain(text: str, limit: int) -> Block:
    return {"type": "plain_text", "text": _cut(text, limit), "emoji": False}


def _mrkdwn(text: str) -> Block:
    """`verbatim` keeps Slack from making links of addresses inside outside text."""
    return {"type": "mrkdwn", "text": text, "verbatim": True}


def _lines(block: Block) -> list[str]:
    match block["type"]:
        case "header" | "section" if "text" in block:
            return [block["text"]["text"]]
        case "section":
            return [field["text"] for field in block["fields"]]
        case "context":
            return [element["text"] for element in block["elements"]]
        case "table":
            return [" · ".join(cell["text"] for cell in row) for row in block["rows"]]
        case "actions":
            labels = listed(e["text"]["text"] for e in block["elements"])
            return [gettext("Buttons: {labels}", labels=labels)]
        case _:
            return []
