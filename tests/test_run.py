"""`upgrade-bot run` as an operator starts it: a process of its own, configured by variables."""

import asyncio
import os
import signal
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator

import aiohttp
import pytest
from cryptography.fernet import Fernet

from bot.sandbox.partner_center import Gate, Trouble
from bot.sandbox.practice import Practice, PracticeClock
from tests.workspace import Conversation

READY = b"upgrade-bot is ready"


@pytest.fixture
async def practice() -> AsyncIterator[Practice]:
    """Slack and Partner Center, but no bot yet."""
    practice = Practice(PracticeClock())
    await practice.start()
    yield practice
    await practice.stop()


def variables(practice: Practice, **more: str) -> dict[str, str]:
    """The environment of a bot in another process."""
    trusted = {"SSL_CERT_FILE": str(practice.partner_center.write_certificate(practice.folder))}
    return {"PATH": os.environ["PATH"], **practice.environment(), **trusted, **more}


async def start(environment: dict[str, str], command: str = "run") -> Process:
    """Start `upgrade-bot run`, or another command."""
    return await asyncio.create_subprocess_exec(
        sys.executable, "-m", "bot", command, env=environment, stderr=PIPE, stdout=PIPE
    )


async def ready(process: Process) -> list[str]:
    """Wait until it says that it is ready; returns what it said before."""
    assert process.stderr
    lines = []
    async for line in process.stderr:
        lines.append(line.decode())
        if READY in line:
            return lines
    raise AssertionError("it never got ready:\n" + "".join(lines))


async def stop(process: Process, how: signal.Signals = signal.SIGTERM) -> int:
    """Send a signal and wait for the end."""
    process.send_signal(how)
    await process.communicate()
    return int(process.returncode or 0)


async def test_it_does_the_main_job_and_stops_when_asked(practice: Practice) -> None:
    """The bot of the demo, against whatever the variables name."""
    conversation = Conversation(practice)
    process = await start(variables(practice))
    await ready(process)
    await practice.slack.interactions.command("U0ALICE", "C0UPGRADES", "/upgrade", "contoso")
    assert await conversation.until_somebody_sees("press what it should become")
    assert await stop(process) == 0


async def test_health_and_readiness_are_served(practice: Practice) -> None:
    """For whoever watches the process, in both modes."""
    environment = variables(practice, UPGRADE_BOT_HTTP="127.0.0.1:0", UPGRADE_BOT_LOG="json")
    process = await start(environment)
    said = await ready(process)
    port = int("".join(said).split('"port": ')[1].split(",")[0].rstrip("}\n "))
    async with aiohttp.ClientSession(f"http://127.0.0.1:{port}") as session:
        assert (await session.get("/healthz")).status == 200
        assert (await session.get("/readyz")).status == 200
        assert (await session.post("/slack/events")).status == 404
    await stop(process)


@pytest.mark.parametrize("after", [False, True])
async def test_a_kill_while_performing_leaves_one_upgrade_or_none(
    practice: Practice, after: bool
) -> None:
    """SIGKILL with the upgrade on its way; the next start looks and settles it."""
    conversation = Conversation(practice)
    environment = variables(practice)
    await practice.start_bot()
    await conversation.alice.asks_for_e3()
    await conversation.carol.presses("Approve")
    click = await conversation.alice.payload_of("Upgrade now")
    await practice.stop_bot()

    process = await start(environment)
    await ready(process)
    gate = Gate()
    practice.partner_center.trouble("POST", "/upgrades", Trouble(gate=gate, after=after, cut=True))
    await conversation.alice.sends(click)
    await gate.arrived.wait()
    await stop(process, signal.SIGKILL)
    gate.opened.set()

    await practice.start_bot()
    card = await conversation.card()
    assert ("✅ Upgraded" if after else "⚠️ Checking the result") in card
    assert len(conversation.upgrades()) == (1 if after else 0)
    assert conversation.posts() == 1


async def test_every_problem_of_the_settings_is_named_at_once() -> None:
    """Each with its fix, and exit code 2."""
    process = await start(
        {
            "PATH": os.environ["PATH"],
            "SLACK_BOT_TOKEN": "xoxp-wrong",
            "SLACK_API_URL": "http://slack.example/api/",
            "PARTNER_CENTER_LOGIN_URL": "http://localhost:1",
            "UPGRADE_BOT_POLICY": "/nowhere/policy.toml",
            "UPGRADE_BOT_DATABASE_URL": "mysql://x",
            "UPGRADE_BOT_HTTP": "3000",
        }
    )
    _, said = await process.communicate()
    assert process.returncode == 2
    lines = said.decode().splitlines()
    assert lines[0] == "upgrade-bot cannot start:"
    for variable in (
        "SLACK_BOT_TOKEN does not begin with xoxb-",
        "SLACK_API_URL is plain http",
        "SLACK_APP_TOKEN is not set",
        "PARTNER_CENTER_TENANT_ID is not set",
        "PARTNER_CENTER_CLIENT_ID is not set",
        "PARTNER_CENTER_CLIENT_SECRET is not set",
        "PARTNER_CENTER_REFRESH_TOKEN is not set",
        "PARTNER_CENTER_LOGIN_URL is not https",
        "UPGRADE_BOT_POLICY: /nowhere/policy.toml cannot be read",
        "UPGRADE_BOT_DATABASE_URL is neither sqlite:///path nor postgresql://",
        "UPGRADE_BOT_HTTP is not host:port",
    ):
        assert any(line.startswith(f"  - {variable}") for line in lines), (variable, lines)
    assert "xoxp-wrong" not in said.decode()


async def test_both_sets_of_credentials_are_checked_before_it_is_ready(practice: Practice) -> None:
    """A wrong token at Slack and a wrong secret at Microsoft are told together."""
    process = await start(
        variables(
            practice,
            SLACK_BOT_TOKEN="xoxb-wrong",
            SLACK_APP_TOKEN="xapp-wrong",
            PARTNER_CENTER_CLIENT_SECRET="wrong",
        )
    )
    _, said = await process.communicate()
    assert process.returncode == 2
    told = said.decode()
    assert "SLACK_BOT_TOKEN: Slack says invalid_auth." in told
    assert "SLACK_APP_TOKEN: Slack says invalid_auth." in told
    assert "The client secret is wrong." in told
    assert "xoxb-wrong" not in told


async def test_missing_scopes_are_named(practice: Practice) -> None:
    """An app that was installed before a scope was added cannot work."""
    practice.slack.workspace.scopes.discard("usergroups:read")
    process = await start(variables(practice))
    _, said = await process.communicate()
    assert process.returncode == 2
    assert "SLACK_BOT_TOKEN lacks the scopes usergroups:read." in said.decode()


async def test_a_policy_without_approvers_says_which_line_to_write(practice: Practice) -> None:
    """Nobody may approve by accident."""
    (practice.folder / "policy.toml").write_text("[policy]\napprovals = 1\n", encoding="utf-8")
    process = await start(variables(practice))
    _, said = await process.communicate()
    assert process.returncode == 2
    assert 'approvers = ["S0APPROVERS"] under [policy]' in said.decode()


async def test_an_operator_signs_in_on_a_device_and_the_bot_uses_it(practice: Practice) -> None:
    """`upgrade-bot login` shows Microsoft's sentence and waits; then `run` needs no token."""
    environment = variables(practice, UPGRADE_BOT_SECRET_KEY=Fernet.generate_key().decode())
    del environment["PARTNER_CENTER_REFRESH_TOKEN"]
    process = await start(environment)
    _, said = await process.communicate()
    assert process.returncode == 2
    assert "An operator has to run `upgrade-bot login`." in said.decode()

    process = await start(environment, "login")
    assert process.stdout
    assert b"enter PRACTICE1" in await process.stdout.readline()
    codes = practice.partner_center.login.device_codes
    codes.update(dict.fromkeys(codes, True))
    said, _ = await process.communicate()
    assert process.returncode == 0
    assert b"Signed in." in said

    process = await start(environment)
    await ready(process)
    assert await stop(process) == 0


async def test_a_login_without_a_key_says_how_to_make_one(practice: Practice) -> None:
    """The sign-in is never kept in the open."""
    process = await start(variables(practice), "login")
    _, said = await process.communicate()
    assert process.returncode == 2
    assert "UPGRADE_BOT_SECRET_KEY is not set. Make one with: python3 -c" in said.decode()
