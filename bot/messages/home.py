"""The Home tab: what waits for the reader, what they asked for, what was done lately, and help."""

from bot.domain.lists import Home, ListedItems
from bot.domain.policy import MemberKind
from bot.messages import history
from bot.messages.blocks import Block, context, header, section
from bot.messages.language import gettext
from bot.messages.usage import MORE_NEEDED, examples, who_may_what


def view(home: Home) -> Block:
    """The view that is published."""
    blocks = (
        _requests(home) if home.member_kind is MemberKind.FULL_MEMBER else [section(_nothing())]
    )
    return {"type": "home", "blocks": [*blocks, *_help(home)]}


def _nothing() -> str:
    return gettext("Upgrades are for full members of this workspace.")


def _requests(home: Home) -> list[Block]:
    return [
        *_list(gettext("Waiting for you"), home.waiting, gettext("Nothing waits for you.")),
        *_list(gettext("Your requests"), home.mine, gettext("None of yours is open.")),
        *_list(gettext("Done lately"), home.lately, gettext("Nothing was finished lately.")),
    ]


def _list(title: str, items: ListedItems, none: str) -> list[Block]:
    lines = [section(history.line(each)) for each in items]
    return [header(title), *(lines or [context(none)])]


def _help(home: Home) -> list[Block]:
    return [
        header(gettext("What you can do")),
        section(examples()),
        section(who_may_what(home.policy)),
        context(gettext(MORE_NEEDED)),
    ]
