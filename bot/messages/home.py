"""The Home tab: what waits for the reader, what they asked for, what was done lately, and help."""

from collections.abc import Mapping

from bot.domain.home import Home, Requests
from bot.domain.policy import MemberKind
from bot.messages import history
from bot.messages.blocks import Block, context, header, section
from bot.messages.language import gettext
from bot.messages.replies import MORE_NEEDED, examples, who_may_what


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
        *_list(
            gettext("Waiting for you"), home.waiting, gettext("Nothing waits for you."), home.links
        ),
        *_list(gettext("Your requests"), home.mine, gettext("None of yours is open."), home.links),
        *_list(
            gettext("Done lately"), home.lately, gettext("Nothing was finished lately."), home.links
        ),
    ]


def _list(title: str, requests: Requests, none: str, links: Mapping[str, str]) -> list[Block]:
    lines = [section(history.line(request, links.get(request.id, ""))) for request in requests]
    return [header(title), *(lines or [context(none)])]


def _help(home: Home) -> list[Block]:
    return [
        header(gettext("What you can do")),
        section(examples()),
        section(who_may_what(home.policy)),
        context(gettext(MORE_NEEDED)),
    ]
