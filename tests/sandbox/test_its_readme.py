"""The list of what the practice workspace does is the code's own."""

import re
from pathlib import Path

from bot.sandbox.partner_center import PartnerCenterServer, Records
from bot.sandbox.practice import PracticeClock
from bot.sandbox.slack import block_kit
from bot.sandbox.slack.web_api import CONNECTIONS_OPEN, METHODS
from bot.sandbox.switches import SWITCHES
from tests.workspace import START

README = Path(__file__).parents[2] / "bot/sandbox/README.md"
BY_KIND = "by the kind of channel"


def rows(head: str) -> list[list[str]]:
    """The rows of the table that has this head, without backticks."""
    text = README.read_text(encoding="utf-8")
    table = text.split(f"| {head} |", 1)[1].split("\n\n", 1)[0]
    lines = [line for line in table.splitlines()[2:] if line.startswith("|")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]


def names(cell: str) -> set[str]:
    """What stands in backticks."""
    return set(re.findall(r"`([^`]+)`", cell))


def test_it_names_every_method_with_its_scope() -> None:
    """No more, and no fewer."""
    told = {method.strip("`"): scope.strip("`") for method, scope in rows("method")}
    code = {name: each.scope or "-" for name, each in METHODS.items()}
    for name in ("info", "members", "history", "replies"):
        code[f"conversations.{name}"] = BY_KIND
    code["users.conversations"] = BY_KIND
    assert told == {**code, CONNECTIONS_OPEN: "-"}


def test_it_names_every_block_and_element() -> None:
    """As the rules know them."""
    told = {where: names(what) for where, what in rows("where")}
    assert told["blocks"] == set(block_kit.MESSAGE_KINDS)
    assert told["in an input block"] == set(block_kit.INPUTS)
    assert told["acts at once"] == set(block_kit.PRESSED)


def test_it_names_every_kind_of_payload() -> None:
    """Those that `payloads.py` makes."""
    told = {where: names(what) for where, what in rows("where")}["payloads"]
    made = (README.parent / "slack/payloads.py").read_text(encoding="utf-8")
    kinds = set(re.findall(r'"type": "(\w+)"', made)) | set(
        re.findall(r'_interaction\(\s*"(\w+)"', made)
    )
    other = {"message", "view", "event_callback"}
    assert told == {"slash_commands"} | (kinds - other)


async def test_it_names_every_call_of_partner_center() -> None:
    """As they are served."""
    server = PartnerCenterServer(Records(PracticeClock(lambda: START)))
    await server.start()
    served = {
        f"{route.method} {route.resource.canonical}"
        for runner in server._runners[:1]
        if runner.app
        for route in runner.app.router.routes()
        if route.resource and route.method != "HEAD"
    }
    await server.stop()
    assert {each[0].strip("`") for each in rows("call")} == served


def test_it_names_every_switch() -> None:
    """By what stands beside it on the page."""
    assert [tuple(each) for each in rows("switch")] == [(s.label, s.side) for s in SWITCHES]
