"""Every secret is a marked string, everything goes wrong that can, and no mark is found anywhere:
not in Slack, the log, the database, the figures, an answer of our server, or the audit trail."""

import base64
import io
import json
import logging
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from bot.commands.audit import export
from bot.config.settings import SettingsProblem, load
from bot.sandbox.partner_center import Trouble
from bot.sandbox.slack.web_api import Trouble as SlackTrouble
from bot.telemetry import logs
from tests.processes import start, variables
from tests.test_settings import variables as good_settings
from tests.workspace import Conversation, new_practice

MARK = "CANARY"
KEY = base64.urlsafe_b64encode(b"CANARY-CANARY-CANARY-CANARY-CANA").decode()

ECHO: dict[str, Any] = {
    "code": 3000,
    "description": "Bearer CANARY-echoed, client_secret=CANARY-echoed",
    "data": ["CANARY-echoed"],
    "source": "PartnerFD",
}
"""An answer that tells back what it was sent, or worse."""


class Canaries:
    """The secrets of a practice workspace, all of them marked, and the search for them."""

    def __init__(self, conversation: Conversation) -> None:
        self._conversation = conversation
        slack, login = conversation.slack, conversation.partner_center.login
        slack.bot_token = "xoxb-CANARY-bot"
        slack.app_token = "xapp-CANARY-app"
        slack.signing_secret = "CANARY-signing-secret"
        login.client_secret = "CANARY-client-secret"
        login.consented = "CANARY-refresh-token"
        login.refresh_tokens = {login.consented}

    @property
    def all(self) -> list[str]:
        """The marks, and what was given out meanwhile: tokens, tickets, response URLs."""
        login, slack = self._conversation.partner_center.login, self._conversation.practice.slack
        given = [*login._issued, *login.refresh_tokens, *slack.workspace.response_urls]
        return [
            MARK,
            KEY,
            base64.b64encode(b"CANARY").decode().rstrip("="),
            *given,
            *slack.delivery._tickets,
        ]

    def are_not_in(self, sink: str, what: str) -> None:
        """Fail with the secret's place when one is found."""
        for secret in self.all:
            at = what.find(secret)
            assert at < 0, f"a secret in {sink}: …{what[max(0, at - 80) : at + 20]}…"


FAILURES = [
    ("GET", "/subscriptions", Trouble(status=401, body=ECHO)),
    ("GET", "/subscriptions", Trouble(status=403, body=ECHO)),
    ("GET", "/subscriptions", Trouble(status=404, body=ECHO)),
    ("GET", "/subscriptions", Trouble(status=400, body=ECHO)),
    ("GET", "/subscriptions", Trouble(status=200, body={"items": "CANARY-echoed"})),
    ("GET", "/subscriptions", Trouble(status=302, body=ECHO)),
    ("GET", "/upgrades", Trouble(status=400, body=ECHO)),
]
UPGRADES_THAT_FAIL = [
    Trouble(status=400, body=ECHO),
    Trouble(status=500, body=ECHO, after=True),
    Trouble(cut=True),
]
SLACK_FAILURES = ["invalid_auth", "missing_scope", "internal_error"]


async def goes_wrong_in_every_way(conversation: Conversation) -> None:
    """Commands, clicks, forms, upgrades, the sign-in, and Slack itself."""
    alice, partner_center = conversation.alice, conversation.partner_center
    for method, ending, trouble in FAILURES:
        partner_center.trouble(method, ending, trouble)
        await alice.types("/upgrade contoso")
        assert await alice.reads()
    partner_center.login.broken = (7000222, "invalid_client")
    partner_center.login.revoke_access_tokens()
    await alice.types("/upgrade contoso")
    assert await alice.reads()
    partner_center.login.broken = None
    for word in SLACK_FAILURES:
        conversation.practice.slack.trouble("users.info", SlackTrouble(error=word))
        await alice.types("/upgrade contoso")
        await alice.reads()
        await conversation.passes(minutes=2)
    for trouble in UPGRADES_THAT_FAIL:
        await upgrade_with(conversation, trouble)
    payload = {"type": "block_actions", "user": {"id": alice.id}, "token": "CANARY-verification"}
    await conversation.practice.slack.deliver("interactive", payload)
    await alice.reads()


async def upgrade_with(conversation: Conversation, trouble: Trouble) -> None:
    """From the command to an upgrade that goes wrong, and a day of looking for it."""
    conversation.partner_center.records.subscriptions[conversation.contoso][0]["status"] = "active"
    await conversation.alice.asks_for_e3()
    await conversation.carol.presses("Approve")
    conversation.partner_center.trouble("POST", "/upgrades", trouble)
    await conversation.alice.presses("Upgrade now")
    await conversation.card()
    await conversation.passes(hours=30)
    await conversation.card()
    await conversation.thread()


async def test_whatever_fails_no_sink_has_a_secret(
    log: list[dict[str, Any]], caplog: pytest.LogCaptureFixture
) -> None:
    """All sinks at once, after all failures at once."""
    caplog.set_level(logging.INFO)
    practice = new_practice()
    conversation = Conversation(practice)
    canaries = Canaries(conversation)
    await practice.start()
    environment = {**practice.environment(), "UPGRADE_BOT_SECRET_KEY": KEY}
    practice.environment = lambda: environment  # type: ignore[method-assign]
    await practice.start_bot()
    await goes_wrong_in_every_way(conversation)

    for message in conversation.slack.messages:
        canaries.are_not_in("a message", json.dumps([message.text, message.blocks]))
    for call in practice.slack.api.calls:
        canaries.are_not_in("a call to Slack", json.dumps(call.arguments))
    address = f"http://127.0.0.1:{conversation.bot.http.port}"
    async with aiohttp.ClientSession(address) as session:
        for path in ("/metrics", "/readyz", "/healthz", "/nowhere"):
            async with session.get(path) as answer:
                canaries.are_not_in(path, await answer.text())
    for as_json in (True, False):
        to = io.StringIO()
        await export(conversation.bot.store, to, since=None, as_json=as_json)
        canaries.are_not_in("the audit trail", to.getvalue())
    await practice.stop_bot()
    for file in practice.folder.glob("upgrade-bot.db*"):
        canaries.are_not_in(file.name, file.read_bytes().decode("latin-1"))
    canaries.are_not_in("our log", repr(log))
    assert len(log) > 50, "there was something to look at"
    for record in caplog.records:
        shown = logs.without_secrets(None, "", {"event": record.getMessage()})
        canaries.are_not_in(f"the log of {record.name}", str(shown))
    log[:] = [entry for entry in log if entry["event"] != "dispatch.unreadable"]
    await practice.stop()


async def test_the_search_would_find_one() -> None:
    """A search that cannot fail proves nothing."""
    practice = new_practice()
    canaries = Canaries(Conversation(practice))
    with pytest.raises(AssertionError, match="a secret in a message"):
        canaries.are_not_in("a message", "your token is xoxb-CANARY-bot, keep it safe")
    await practice.stop()


@pytest.mark.parametrize("command", ["run", "check", "login"])
async def test_a_set_up_that_is_wrong_is_told_without_what_was_set(command: str) -> None:
    """Every secret is wrong, and none is repeated: by a process as an operator starts it."""
    practice = new_practice()
    await practice.start()
    wrong = {
        "SLACK_BOT_TOKEN": "xoxb-CANARY-1",
        "SLACK_APP_TOKEN": "xapp-CANARY-2",
        "SLACK_SIGNING_SECRET": "CANARY-3-CANARY",
        "PARTNER_CENTER_CLIENT_SECRET": "CANARY-4",
        "PARTNER_CENTER_REFRESH_TOKEN": "CANARY-5",
        "UPGRADE_BOT_SECRET_KEY": KEY,
        "UPGRADE_BOT_DATABASE_URL": "postgresql://bot:CANARY-6@127.0.0.1:9/x",
    }
    process = await start(variables(practice, **wrong), command)
    said, complained = await process.communicate()
    assert process.returncode == 2
    assert MARK.encode() not in said + complained
    assert KEY.encode() not in said + complained
    await practice.stop()


@pytest.mark.parametrize(
    "variable", ["SLACK_BOT_TOKEN", "UPGRADE_BOT_SECRET_KEY", "PARTNER_CENTER_API_URL"]
)
def test_a_variable_that_is_malformed_is_not_repeated(variable: str, tmp_path: Path) -> None:
    """It may be a secret in the wrong place."""
    with pytest.raises(SettingsProblem) as refused:
        load(good_settings(tmp_path, **{variable: "CANARY malformed"}))
    assert MARK not in str(refused.value)


@pytest.mark.parametrize(
    "text",
    [
        "Failed to connect (url='wss://wss-primary.slack.com/link/?ticket=CANARY-1&app_id=A1')",
        "POST https://hooks.slack.com/commands/T1/2/CANARY",
        "Authorization: Bearer CANARY.a.b",
        "token=xoxb-1-CANARY, xapp-1-CANARY",
        "could not connect to postgresql://bot:CANARY@db.example/x",
        "eyJCANARYCANARY.eyJCANARY.CANARY",
    ],
)
def test_what_a_library_logs_is_cleaned(text: str) -> None:
    """They put addresses and headers into their complaints; also deep inside, and in errors."""
    event = {"event": text, "more": [{"deep": (text,)}], "error": ValueError(text), "count": 3}
    cleaned = logs.without_secrets(None, "", event)
    assert MARK not in repr(cleaned)
    assert cleaned["count"] == 3


def test_a_log_without_secrets_stays_as_it_is() -> None:
    """Ids, addresses and sentences of ours."""
    event = {"event": "partner_center.call", "path": "customers/8a6b/upgrades", "seconds": 0.1,
             "url": "https://api.partnercenter.microsoft.com/v1", "none": None}  # fmt: skip
    assert logs.without_secrets(None, "", dict(event)) == event
