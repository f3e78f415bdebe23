"""The Home tab: what waits for the reader, what they asked for, what was done lately, and help."""

from collections.abc import Mapping

from bot.domain.home import Home, Requests
from bot.domain.policy import Standing
from bot.messages import past
from bot.messages.blocks import Block, context, header, section
from bot.messages.language import say
from bot.messages.replies import MORE_NEEDED, examples, who_may_what


def view(home: Home) -> Block:
    """The view that is published."""
    blocks = _requests(home) if home.standing is Standing.FULL_MEMBER else [section(_nothing())]
    return {"type": "home", "blocks": [*blocks, *_help(home)]}


def _nothing() -> str:
    return say("Upgrades are for full members of this workspace.")


def _requests(home: Home) -> list[Block]:
    return [
        *_list(say("Waiting for you"), home.waiting, say("Nothing waits for you."), home.links),
        *_list(say("Your requests"), home.mine, say("None of yours is open."), home.links),
        *_list(say("Done lately"), home.lately, say("Nothing was finished lately."), home.links),
    ]


def _list(title: str, requests: Requests, none: str, links: Mapping[str, str]) -> list[Block]:
    lines = [section(past.line(request, links.get(request.id, ""))) for request in requests]
    return [header(title), *(lines or [context(none)])]


def _help(home: Home) -> list[Block]:
    return [
        header(say("What you can do")),
        section(examples()),
        section(who_may_what(home.policy)),
        context(say(MORE_NEEDED)),
    ]
