"""`upgrade-bot check`: each piece of a set-up, broken on purpose, and the line that is printed."""

import asyncio
import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import sqlalchemy as sa
from aiohttp import web
from cryptography.fernet import Fernet

from bot.app import Bot
from bot.config.settings import load
from bot.errors import Unavailable
from bot.preflight.diagnostics import Finding, Mark, StartProblem, exit_code
from bot.sandbox.partner_center import Trouble
from bot.sandbox.practice import CHANNEL, Practice, PracticeClock
from bot.sandbox.slack.web_api import Trouble as SlackTrouble
from bot.store import NEWEST, Store
from bot.store.requests import Requests
from bot.store.vault import SealedVault
from tests.postgres import PostgresServer
from tests.processes import start, variables

KEY = Fernet.generate_key().decode()


@pytest.fixture
async def practice() -> AsyncIterator[Practice]:
    """Slack and Partner Center, but no bot yet."""
    practice = Practice(PracticeClock())
    await practice.start()
    yield practice
    await practice.stop()


async def check(practice: Practice, **more: str) -> list[Finding]:
    """What `upgrade-bot check` finds; an empty value takes a variable away."""
    environment = {**practice.environment(), "UPGRADE_BOT_SECRET_KEY": KEY, **more}
    settings, policies = load(environment)
    bot = Bot(settings, policies, trust=practice.partner_center.trust, retry_pause=0.02)
    return await bot.check()


async def the_only(mark: Mark, practice: Practice, **more: str) -> str:
    """The one line with that mark; all others are good."""
    findings = await check(practice, **more)
    (odd,) = [finding for finding in findings if finding.mark is not Mark.GOOD]
    assert odd.mark is mark, odd
    assert odd.fix.endswith("."), "it says what to do"
    assert exit_code(findings) == {Mark.WARNING: 1, Mark.BAD: 2}[mark]
    return str(odd)


async def test_what_is_in_order_has_a_line_each(practice: Practice) -> None:
    """In the order in which an operator sets it up."""
    findings = await check(practice)
    assert exit_code(findings) == 0
    assert [(finding.name, finding.what) for finding in findings] == [
        ("settings", "all is set, and the policy is understood"),
        ("database", f"SQLite, for one bot; its tables are of this version ({NEWEST})"),
        ("UPGRADE_BOT_SECRET_KEY", "will seal the sign-in; none is stored yet"),
        ("SLACK_BOT_TOKEN", "upgrade-bot in the workspace Practice (T0PRACTICE)"),
        ("scopes", "those of manifest.yml"),
        ("clock", "agrees with Slack's"),
        ("SLACK_APP_TOKEN", "opens Socket Mode"),
        ("channels", "in #upgrades"),
        ("approvers", "approvals by default: 1 of S0APPROVERS (1 person)"),
        ("sign-in", f"{practice.partner_center.api_url.removeprefix('http://')} lists customers"),
        ("refresh token", "89 days left, and every use renews it"),
        ("MFA", "whoever consented signed in with it"),
        ("roles for upgrades", "the first customer's subscriptions can be read"),
        ("roles for licence transfer", "the first customer's subscribedskus can be read"),
    ]


class Lying:
    """A proxy before the practice Slack whose answers have another date."""

    def __init__(self, slack: str, ahead: timedelta) -> None:
        self._slack = slack
        self._ahead = ahead
        self._runner: web.AppRunner | None = None
        self.api_url = ""

    async def __aenter__(self) -> "Lying":
        app = web.Application()
        app.router.add_route("*", "/api/{method}", self._pass_on)
        self._runner = web.AppRunner(app, access_log=None)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        self.api_url = f"http://127.0.0.1:{self._runner.addresses[0][1]}/api"
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._runner
        await self._runner.cleanup()

    async def _pass_on(self, request: web.Request) -> web.Response:
        where = f"{self._slack}/{request.match_info['method']}"
        headers = {"Authorization": request.headers.get("Authorization", "")}
        async with (
            aiohttp.ClientSession() as session,
            session.get(where, params=request.query, headers=headers) as answer,
        ):
            date = format_datetime(datetime.now(UTC) + self._ahead, usegmt=True)
            scopes = answer.headers.get("x-oauth-scopes", "")
            told = {"Date": date, "x-oauth-scopes": scopes}
            return web.json_response(await answer.json(), headers=told)


@pytest.mark.parametrize(
    ("ahead", "mark", "words"),
    [
        (timedelta(minutes=10), Mark.BAD, "seconds behind Slack's. Have this machine's clock set"),
        (timedelta(minutes=-10), Mark.BAD, "seconds ahead of Slack's."),
        (timedelta(minutes=1), Mark.WARNING, "seconds behind Slack's."),
    ],
)
async def test_a_clock_that_is_wrong(
    practice: Practice, ahead: timedelta, mark: Mark, words: str
) -> None:
    """Signatures would be refused, and so would Microsoft refuse ours."""
    async with Lying(practice.slack.api_url, ahead) as slack:
        line = await the_only(mark, practice, SLACK_API_URL=slack.api_url)
    assert line.startswith("clock: ")
    assert words in line


@pytest.mark.parametrize(
    ("variable", "value", "words"),
    [
        ("SLACK_BOT_TOKEN", "xoxb-wrong", "SLACK_BOT_TOKEN: Slack says invalid_auth."),
        ("SLACK_APP_TOKEN", "xapp-wrong", "SLACK_APP_TOKEN: Slack says invalid_auth. Make an app-"),
        ("PARTNER_CENTER_CLIENT_SECRET", "wrong", "(AADSTS7000215). The client secret is wrong."),
        ("PARTNER_CENTER_TENANT_ID", "nobody", "does not accept it (the sign-in address does no"),
        ("PARTNER_CENTER_CLIENT_ID", "nobody", "AADSTS700016). The application is not known in"),
        ("PARTNER_CENTER_REFRESH_TOKEN", "old", "AADSTS70008). The bot's sign-in has expired."),
        ("PARTNER_CENTER_API_URL", "http://127.0.0.1:9", "PARTNER_CENTER: no use of Partner Cen"),
        ("SLACK_API_URL", "http://127.0.0.1:9", "SLACK_API_URL: http://127.0.0.1:9 does not answ"),
        ("UPGRADE_BOT_DATABASE_URL", "sqlite:////proc/x/y.db", "UPGRADE_BOT_DATABASE_URL: cannot"),
        ("UPGRADE_BOT_DATABASE_URL", "postgresql://127.0.0.1:9/x", "cannot be opened (Connection"),
    ],
    ids=str,
)
async def test_a_setting_that_is_wrong(
    practice: Practice, variable: str, value: str, words: str
) -> None:
    """Nothing else hides it, and the value, which could be a secret, is not repeated."""
    findings = await check(practice, **{variable: value})
    told = [str(finding) for finding in findings if finding.mark is Mark.BAD]
    assert len(told) == 1
    assert words in told[0]
    assert exit_code(findings) == 2
    with pytest.raises(StartProblem) as refused:
        await started(practice, **{variable: value})
    assert refused.value.problems == told, "a start says the same"


async def started(practice: Practice, **more: str) -> None:
    """Start a bot with these variables, and stop it."""
    settings, policies = load({**practice.environment(), "UPGRADE_BOT_SECRET_KEY": KEY, **more})
    bot = Bot(settings, policies, trust=practice.partner_center.trust, retry_pause=0.02)
    await bot.start()
    await bot.stop()


async def test_scopes_that_are_missing_or_too_many(practice: Practice) -> None:
    """What the manifest asks for, no less and no more."""
    practice.slack.workspace.scopes.add("channels:history")
    line = await the_only(Mark.WARNING, practice)
    assert line.startswith("scopes: more than needed: channels:history. Take them away")
    practice.slack.workspace.app.scopes -= {"channels:history", "chat:write"}
    line = await the_only(Mark.BAD, practice)
    assert line.startswith("scopes: chat:write missing. Add them under OAuth & Permissions")


async def test_slack_in_trouble_is_not_a_wrong_token(practice: Practice) -> None:
    """A limit or an outage says nothing about the token; and nobody is told three times."""
    practice.slack.trouble("auth.test", SlackTrouble("ratelimited", 429, retry_after=9))
    practice.slack.trouble("apps.connections.open", SlackTrouble("internal_error", 500))
    assert "SLACK_API_URL" in await the_only(Mark.BAD, practice)
    practice.slack.trouble("usergroups.users.list", SlackTrouble("ratelimited", 429))
    line = await the_only(Mark.WARNING, practice)
    assert "user group S0APPROVERS cannot be read (Slack says ratelimited)" in line
    practice.slack.trouble("users.conversations", SlackTrouble("ratelimited", 429))
    assert "channels: Slack does not tell (ratelimited)" in await the_only(Mark.WARNING, practice)


async def test_a_bot_in_no_channel(practice: Practice) -> None:
    """No card could appear."""
    slack = practice.slack.workspace
    slack.channels[CHANNEL].members.discard(slack.bot.id)
    line = await the_only(Mark.WARNING, practice)
    assert line.startswith("channels: the bot is in no channel")
    assert "/invite @upgrade-bot" in line


def write_policy(practice: Practice, text: str) -> None:
    """Another policy file."""
    (practice.folder / "policy.toml").write_text(text, encoding="utf-8")


DEFAULTS = '[policy]\napprovers = ["S0APPROVERS"]\n'


@pytest.mark.parametrize(
    ("policy", "mark", "words"),
    [
        (
            '[policy]\napprovers = ["S0GONE"]\n',
            Mark.BAD,
            "the members of the user group S0GONE cannot be read (Slack says no_such_subteam).",
        ),
        (
            DEFAULTS + '[[policy.rules]]\nmin_seats = 100\napprovers = ["S0GONE"]\n',
            Mark.WARNING,
            "S0GONE cannot be read",
        ),
        (
            DEFAULTS + "approvals = 2\n",
            Mark.BAD,
            "approvals by default: 2 of S0APPROVERS (1 person), so nothing can be approved. Put",
        ),
        (
            DEFAULTS + '[[policy.rules]]\nmin_seats = 9\napprovers = ["U0BOB"]\n',
            Mark.WARNING,
            "approvals with min_seats 9: 1 of S0APPROVERS and of U0BOB (0 people), so nothing",
        ),
        (
            DEFAULTS + '[[policy.rules]]\nchannels = ["C0OTHER"]\napprovals = 1\n',
            Mark.WARNING,
            "channels: the policy names C0OTHER, where the bot is not. Type /invite",
        ),
    ],
    ids=["no such group", "in a rule", "too few people", "nobody in both lists", "a channel"],
)
async def test_a_policy_by_which_nobody_could_approve(
    practice: Practice, policy: str, mark: Mark, words: str
) -> None:
    """Found before the first request waits in vain."""
    write_policy(practice, policy)
    assert words in await the_only(mark, practice)


async def test_who_could_approve_what_is_told(practice: Practice) -> None:
    """By the defaults, and by every rule beside them."""
    more = '[[policy.rules]]\ncustomers = ["8a6b2c1e-0000-4000-8000-000000000000"]\napprovals = 2\n'
    write_policy(practice, '[policy]\napprovers = ["channel", "S0APPROVERS"]\n' + more)
    found = [each for each in await check(practice) if each.name == "approvers"]
    assert {each.mark for each in found} == {Mark.GOOD}
    assert [each.what for each in found] == [
        "approvals by default: 1 of channel, S0APPROVERS",
        "approvals with 1 customers: 2 of channel, S0APPROVERS",
    ]


async def test_a_sign_in_without_mfa(practice: Practice) -> None:
    """Partner Center refuses it, and where it does not yet, it will."""
    practice.partner_center.login.amr = ["pwd"]
    line = await the_only(Mark.BAD, practice)
    assert line.startswith("sign-in: Microsoft refuses it (900421).")
    practice.partner_center.login.enforces_mfa = False
    line = await the_only(Mark.BAD, practice)
    assert line.startswith("MFA: the sign-in was made without it.")
    assert "`upgrade-bot login` with MFA" in line


@pytest.mark.parametrize(
    ("path", "status", "mark", "words"),
    [
        ("/v1/customers?size=1", 403, Mark.BAD, "roles: the sign-in may not list customers"),
        ("/subscriptions", 403, Mark.WARNING, "roles for upgrades: the first customer's subscr"),
        ("/subscribedskus", 403, Mark.WARNING, "roles for licence transfer: the first customer"),
        (
            "/subscribedskus",
            404,
            Mark.WARNING,
            "licence transfer: could not be tried out (",
        ),
    ],
)
async def test_roles_that_are_too_weak(
    practice: Practice, path: str, status: int, mark: Mark, words: str
) -> None:
    """For listing, for upgrades, and for moving licences: each by its own line."""
    practice.partner_center.trouble("GET", path, Trouble(status=status))
    assert words in await the_only(mark, practice)


async def test_the_application_alone_cannot_move_licences(practice: Practice) -> None:
    """A warning, because some teams never do."""
    line = await the_only(
        Mark.WARNING,
        practice,
        PARTNER_CENTER_AUTH="app_only",
        PARTNER_CENTER_REFRESH_TOKEN="",
    )
    assert line.startswith("PARTNER_CENTER_AUTH: app_only: upgrades that move licences too are not")


async def test_a_sign_in_that_is_kept_nowhere(practice: Practice) -> None:
    """It dies with its 90 days, whatever the bot does."""
    line = await the_only(Mark.WARNING, practice, UPGRADE_BOT_SECRET_KEY="")
    assert line.startswith("UPGRADE_BOT_SECRET_KEY: is not set, so the sign-in is in memory only")


async def test_a_key_that_opens_nothing(practice: Practice) -> None:
    """Whoever loses the key has to sign in once more."""
    await check(practice)
    findings = await check(practice)
    assert any(each.what == "opens the stored sign-in" for each in findings)
    line = await the_only(
        Mark.WARNING, practice, UPGRADE_BOT_SECRET_KEY=Fernet.generate_key().decode()
    )
    assert line.startswith("UPGRADE_BOT_SECRET_KEY: is another one than the stored sign-in was")


async def test_a_sign_in_that_ends_soon(practice: Practice) -> None:
    """A bot that stood still for two months, and whose access token is still good."""
    url = practice.environment()["UPGRADE_BOT_DATABASE_URL"]
    await check(practice)
    store = await Store.open(url)
    vault = SealedVault(store, KEY)
    kept = json.loads(await vault.load() or "")
    kept["used_at"] = (datetime.now(UTC) - timedelta(days=80)).isoformat()
    await vault.save(json.dumps(kept))
    await store.close()
    line = await the_only(Mark.WARNING, practice)
    assert line.startswith("refresh token: the stored sign-in ends in 9 days unless it is used.")


async def set_revision(url: str, revision: str) -> None:
    """As if another version had made the tables."""
    store = await Store.open(url, only_if_new=True)
    version = sa.table("alembic_version", sa.column("version_num"))
    update = sa.update(version).values(version_num=revision)
    await store._database.write(lambda connection: connection.execute(update))
    await store.close()


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
async def test_tables_of_another_version(
    practice: Practice, kind: str, request: pytest.FixtureRequest
) -> None:
    """Older ones are left as they are until the start; newer ones are not touched at all."""
    url = practice.environment()["UPGRADE_BOT_DATABASE_URL"]
    if kind == "postgresql":
        server: PostgresServer = request.getfixturevalue("postgres")
        url = await server.new_database()
    await check(practice, UPGRADE_BOT_DATABASE_URL=url)
    await set_revision(url, "0003")
    for _ in range(2):
        line = await the_only(Mark.WARNING, practice, UPGRADE_BOT_DATABASE_URL=url)
        assert "its tables are of an older version (0003). The next start brings them to" in line
    await set_revision(url, "9999")
    line = await the_only(Mark.BAD, practice, UPGRADE_BOT_DATABASE_URL=url)
    assert "the tables are of a newer version of upgrade-bot (9999)." in line


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
async def test_a_database_that_goes_away_after_it_was_opened(
    practice: Practice,
    kind: str,
    request: pytest.FixtureRequest,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """One line with its fix, whoever asked the database; the other lines are there all the same."""
    url = practice.environment()["UPGRADE_BOT_DATABASE_URL"]
    await check(practice)
    file = Path(url.removeprefix("sqlite:///"))
    kept = file.with_suffix(".kept")

    def go_away() -> None:
        kept.write_bytes(file.read_bytes())
        file.write_bytes(b"no database at all" * 1000)

    def come_back() -> None:
        file.write_bytes(kept.read_bytes())

    if kind == "postgresql":
        server: PostgresServer = request.getfixturevalue("fallible_postgres")
        if not server.can_fall:
            pytest.skip("the machine's own PostgreSQL is not ours to stop")
        url = await server.new_database()
        go_away, come_back = server.fall, server.rise
        await check(practice, UPGRADE_BOT_DATABASE_URL=url)
    open_store = Store.open

    async def open_and_lose(*args: Any, **more: Any) -> Store:
        store = await open_store(*args, **more)
        go_away()
        return store

    monkeypatch.setattr(Store, "open", open_and_lose)
    findings = await check(practice, UPGRADE_BOT_DATABASE_URL=url)
    (line,) = [str(finding) for finding in findings if finding.mark is Mark.BAD]
    assert line == (
        "UPGRADE_BOT_DATABASE_URL: was opened, and then did not answer any more. See that it runs "
        "and stays within reach, then check again."
    )
    assert exit_code(findings) == 2
    assert "SLACK_BOT_TOKEN" in {finding.name for finding in findings}
    come_back()
    with pytest.raises(StartProblem) as refused:
        await started(practice, UPGRADE_BOT_DATABASE_URL=url)
    assert refused.value.problems == [line], "a start says the same"


async def test_a_database_that_goes_away_while_a_request_is_explained(
    practice: Practice, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same line, and no traceback."""
    environment = {**practice.environment(), "UPGRADE_BOT_SECRET_KEY": KEY}
    settings, policies = load(environment)
    bot = Bot(settings, policies, trust=practice.partner_center.trust, retry_pause=0.02)

    async def gone(_requests: Requests, _id: str) -> None:
        raise Unavailable

    monkeypatch.setattr(Requests, "get", gone)
    with pytest.raises(StartProblem) as refused:
        await bot.explain("some-request")
    (line,) = refused.value.problems
    assert "was opened, and then did not answer any more" in line


async def test_the_command_prints_lines_or_json_and_ends_with_the_code(practice: Practice) -> None:
    """For people, and for whatever installs it."""
    environment = variables(practice, UPGRADE_BOT_SECRET_KEY=KEY)
    process = await start(environment, "check", "--json")
    said, _ = await process.communicate()
    assert process.returncode == 0
    assert {each["mark"] for each in json.loads(said)} == {"good"}

    process = await start({**environment, "SLACK_BOT_TOKEN": "xoxb-wrong"}, "check")
    said, _ = await process.communicate()
    assert process.returncode == 2
    (line,) = [each for each in said.decode().splitlines() if each.startswith("BAD")]
    assert line.split(maxsplit=2)[1:] == [
        "SLACK_BOT_TOKEN",
        "Slack says invalid_auth. Copy the xoxb- token again from OAuth & Permissions.",
    ]

    process = await start({**environment, "UPGRADE_BOT_POLICY": ""}, "check", "--json")
    said, _ = await process.communicate()
    assert process.returncode == 2
    (finding,) = json.loads(said)
    assert finding["what"].startswith("UPGRADE_BOT_POLICY is not set. Set it to the path of a pol")


async def test_a_start_asks_side_by_side(practice: Practice) -> None:
    """However slow each of the services is, a start takes about as long as the slowest: the
    sign-in and one call."""
    practice.partner_center.delay = 0.3
    began = asyncio.get_running_loop().time()
    await started(practice)
    assert asyncio.get_running_loop().time() - began < 2
