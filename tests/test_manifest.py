"""The manifest creates just the app that the bot is."""

from collections import defaultdict
from pathlib import Path
from typing import Any

import pytest
import yaml
from slack_bolt.async_app import AsyncApp
from slack_sdk.web.async_client import AsyncWebClient
from typer.testing import CliRunner

from bot.cli import app as cli
from bot.commands.manifest import for_http, for_sockets
from bot.preflight.slack import SCOPES
from bot.sandbox.practice import PracticeClock, workspace
from handlers import Dispatcher, register


class Registered(AsyncApp):
    """An app that remembers which commands it was told to hear."""

    def __init__(self, **more: Any) -> None:
        super().__init__(**more)
        self.heard: list[Any] = []

    def command(self, command: Any, *args: Any, **more: Any) -> Any:
        """Remember, then register."""
        self.heard.append(command)
        return super().command(command, *args, **more)


class OnlyRegisters(Dispatcher):
    """A dispatcher whose listeners are not called."""

    def __init__(self) -> None:
        unused: Any = None
        super().__init__(
            defaultdict(object),
            tasks=unused,
            people=unused,
            decisions=unused,
            rate_limit=unused,
            messenger=unused,
            worker=unused,
        )


@pytest.fixture
def manifest() -> dict[str, Any]:
    """The manifest as Slack reads it."""
    text = (Path(__file__).parent.parent / "manifest.yml").read_text(encoding="utf-8")
    return dict(yaml.safe_load(text))


def test_it_asks_for_the_scopes_that_are_used_and_no_others(manifest: dict[str, Any]) -> None:
    """At start the same scopes are checked, and the practice Slack grants no more."""
    assert set(manifest["oauth_config"]["scopes"]["bot"]) == SCOPES
    assert workspace(PracticeClock()).scopes == SCOPES


async def test_it_declares_the_commands_that_are_registered(manifest: dict[str, Any]) -> None:
    """A command without a listener, or a listener without a command, is a mistake."""

    app = Registered(client=AsyncWebClient(token="xoxb-x"), signing_secret="x" * 32)
    register(app, OnlyRegisters())
    declared = [each["command"] for each in manifest["features"]["slash_commands"]]
    assert [each for each in app.heard if isinstance(each, str)] == declared


def test_interactivity_and_socket_mode_are_on(manifest: dict[str, Any]) -> None:
    """Without them no button does anything."""
    assert manifest["settings"]["interactivity"]["is_enabled"] is True
    assert manifest["settings"]["socket_mode_enabled"] is True


def test_for_http_mode_every_address_is_there(manifest: dict[str, Any]) -> None:
    """Commands, buttons and forms, and letters typed ahead; everything else is the same."""
    made = yaml.safe_load(for_http("https://bot.example.com"))
    url = "https://bot.example.com/slack/events"
    (command,) = made["features"]["slash_commands"]
    assert command.pop("url") == url
    interactivity = made["settings"]["interactivity"]
    assert interactivity.pop("request_url") == interactivity.pop("message_menu_options_url") == url
    assert made["settings"]["socket_mode_enabled"] is False
    made["settings"]["socket_mode_enabled"] = True
    assert made == manifest == yaml.safe_load(for_sockets())
    assert "https://x.example/my/path\n" in for_http("https://x.example/my/path")


@pytest.mark.parametrize(
    "address",
    ["http://bot.example.com", "bot.example.com", "https://", "https://a b", "https://x#y"],
)
def test_an_address_that_slack_could_not_call_is_refused(address: str) -> None:
    """Slack wants https."""
    with pytest.raises(ValueError, match="is no https address such as"):
        for_http(address)


def test_the_command_prints_it() -> None:
    """To be pasted at Slack."""
    runner = CliRunner()
    assert runner.invoke(cli, ["manifest"]).stdout == for_sockets()
    said = runner.invoke(cli, ["manifest", "--http", "https://bot.example.com"])
    assert said.stdout == for_http("https://bot.example.com")
    assert runner.invoke(cli, ["manifest", "--http", "http://x"]).exit_code == 2
