"""`upgrade-bot run` as an operator starts it: a process of its own, configured by variables."""

import asyncio
import os
import signal
from asyncio.subprocess import Process
from collections.abc import AsyncIterator

import aiohttp
import pytest
from cryptography.fernet import Fernet

from bot.sandbox.partner_center import Gate, Trouble
from bot.sandbox.practice import Practice, PracticeClock
from bot.sandbox.slack import Message
from tests.processes import ready, start, stop, variables
from tests.tables import asked
from tests.workspace import Conversation


@pytest.fixture
async def practice() -> AsyncIterator[Practice]:
    """Slack and Partner Center, but no bot yet."""
    practice = Practice(PracticeClock())
    await practice.start()
    yield practice
    await practice.stop()


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


async def test_what_is_never_used_is_not_loaded(practice: Practice) -> None:
    """For months it would take memory; and nobody is warned that it is missing."""
    process = await start(variables(practice, PYTHONPROFILEIMPORTTIME="1"))
    lines = await ready(process)
    await stop(process)
    loaded = {line.rpartition("|")[2].strip() for line in lines if line.startswith("import time:")}
    assert {"structlog.dev", "requests.compat"} <= loaded  # who would load them
    assert not loaded & {"rich.text", "charset_normalizer.api"}  # what those begin with
    assert not any("Warning" in line for line in lines)


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


def button(practice: Practice, label: str) -> tuple[Message, str]:
    """The newest message with such a button, and its action."""
    for message in reversed(practice.slack.workspace.messages):
        for block in message.blocks:
            for element in block.get("elements", []):
                if element["type"] == "button" and element["text"]["text"] == label:
                    return message, str(element["action_id"])
    raise AssertionError(f"nobody shows {label}")


async def performing(practice: Practice, conversation: Conversation) -> tuple[Process, Gate]:
    """A bot whose upgrade Partner Center has made, and is about to answer."""
    process = await start(variables(practice))
    await ready(process)
    await practice.slack.interactions.command("U0ALICE", "C0UPGRADES", "/upgrade", "contoso")
    await conversation.until_somebody_sees("press what it should become")
    await practice.slack.interactions.click(
        "U0ALICE", *button(practice, "Office 365 Enterprise E3 (upgrade only)")
    )
    await practice.slack.interactions.submit(
        await conversation.until_a_form_opens("U0ALICE"), {"reason": "They need it."}
    )
    await conversation.until_somebody_sees("Approval needed")
    await practice.slack.interactions.click("U0CAROL", *button(practice, "Approve"))
    await conversation.until_somebody_sees("🔵 Approved")
    gate = Gate()
    practice.partner_center.trouble("POST", "/upgrades", Trouble(gate=gate, after=True))
    await practice.slack.interactions.click("U0ALICE", *button(practice, "Upgrade now"))
    await gate.arrived.wait()
    return process, gate


async def test_a_stop_lets_running_work_come_to_its_end(practice: Practice) -> None:
    """Whoever stops the bot in the middle of an upgrade waits for its result, and so does Alice."""
    conversation = Conversation(practice)
    process, gate = await performing(practice, conversation)
    process.send_signal(signal.SIGTERM)
    gate.opened.set()
    await process.communicate()
    assert process.returncode == 0
    assert await conversation.until_somebody_sees("✅ Upgraded")


async def test_a_second_signal_ends_it_at_once_and_loses_nothing(practice: Practice) -> None:
    """Somebody is in a hurry; the next start looks, and finds that it happened."""
    conversation = Conversation(practice)
    process, gate = await performing(practice, conversation)
    process.send_signal(signal.SIGTERM)
    while process.returncode is None:  # the first one may not have been noticed yet
        process.send_signal(signal.SIGTERM)
        await asyncio.wait({asyncio.ensure_future(process.wait())}, timeout=0.1)
    assert process.returncode == 1
    gate.opened.set()
    await practice.start_bot()
    assert "✅ Upgraded" in await conversation.card()
    assert conversation.posts() == len(conversation.upgrades()) == 1


async def test_check_explains_who_could_approve_a_request_and_why(practice: Practice) -> None:
    """Given the link of the card, as Slack copies it; by the policy that was stored with it."""
    conversation = Conversation(practice)
    slack = practice.slack.workspace
    slack.add_user("U0GUEST", "gus", "Gus Guest")
    slack.users["U0GUEST"].is_restricted = True
    slack.groups["S0APPROVERS"] |= {"U0GUEST", "U0BOB"}
    await practice.start_bot()
    await conversation.alice.asks_for_e3()
    card = await conversation.newest_card()
    await practice.stop_bot()
    (practice.folder / "policy.toml").write_text('[policy]\napprovers = ["U0ALICE"]\n', "utf-8")
    slack.groups["S0APPROVERS"] -= {"U0BOB"}
    link = f"https://practice.slack.example/archives/{card.channel}/p{card.ts.replace('.', '')}"
    process = await start(variables(practice), "check", link)
    said, _ = await process.communicate()
    assert process.returncode == 0
    lines = said.decode().splitlines()
    assert lines[1:] == [
        "Contoso: Office 365 Enterprise E1 to Office 365 Enterprise E3, 25 seats",
        lines[2],
        "By the policy that it was asked under, approvers are in: S0APPROVERS.",
        "Who could approve it now (1):",
        "  yes  Carol Clark (licence approver) (U0CAROL): a full member, in every list",
        "  no   Alice Archer (account manager) (U0ALICE): asked for it, and nobody approves their "
        "own request",
        "  no   Gus Guest (U0GUEST): is a guest, a bot, deactivated, or of another workspace",
    ]
    assert lines[2].startswith("It waits for approval. It has 0 of 1 approvals, and expires 20")

    process = await start(variables(practice), "check", "no-such-request")
    _, said = await process.communicate()
    assert process.returncode == 2
    assert b"request: there is no such request. Copy the link of its card" in said


async def test_check_explains_every_row_of_several_at_once(practice: Practice) -> None:
    """Given the link of their one card: rows by the policy of each, and what is the same once."""
    conversation = Conversation(practice)
    rule = '[[policy.rules]]\nmin_seats = 8\napprovers = ["U0BOB"]\n'
    policy = '[policy]\napprovers = ["U0CAROL", "U0BOB"]\n'
    (practice.folder / "policy.toml").write_text(policy + rule, "utf-8")
    await practice.start_bot()
    await asked(conversation, 3)
    card = await conversation.newest_card()
    await practice.stop_bot()
    link = f"https://practice.slack.example/archives/{card.channel}/p{card.ts.replace('.', '')}"
    process = await start(variables(practice), "check", link)
    said, _ = await process.communicate()
    assert process.returncode == 0
    lines = said.decode().splitlines()
    e1_to_e3 = "Office 365 Enterprise E1 to Office 365 Enterprise E3"
    bob, carol = "Bob Baker (account manager) (U0BOB)", "Carol Clark (licence approver) (U0CAROL)"
    assert [
        line for line in lines if not line.startswith(("Request ", "It waits", "  no   Al"))
    ] == [
        f"Shop 01: {e1_to_e3}, 6 seats",
        f"Shop 02: {e1_to_e3}, 7 seats",
        "Of each of these 2 requests:",
        "By the policy that it was asked under, approvers are in: U0BOB, U0CAROL.",
        "Who could approve it now (2):",
        f"  yes  {bob}: a full member, in every list",
        f"  yes  {carol}: a full member, in every list",
        "",
        f"Shop 03: {e1_to_e3}, 8 seats",
        "By the policy that it was asked under, approvers are in: U0BOB, U0CAROL; and in: U0BOB.",
        "Who could approve it now (1):",
        f"  yes  {bob}: a full member, in every list",
        f"  no   {carol}: is not in every list of approvers",
    ]
    assert len(lines) == 13 + 3 + 2 + 2


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
    assert "scopes: usergroups:read missing." in said.decode()


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
    assert "UPGRADE_BOT_SECRET_KEY: is not set. Make one with: python3 -c" in said.decode()
