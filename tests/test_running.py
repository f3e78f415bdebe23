"""What an operator watches: health, figures, one log; and connections that mend themselves."""

import asyncio
import io
import json
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from urllib.parse import urlencode

import aiohttp
import pytest
from prometheus_client.parser import text_string_to_metric_families

from bot.sandbox.partner_center import Trouble
from bot.sandbox.practice import ALICE, CHANNEL, Practice, PracticeClock
from bot.sandbox.slack.server import signature
from bot.server.http import LARGEST_BODY, HttpServer
from bot.slack.socket_mode import PATIENCE, SocketMode
from tests.conftest import Start
from tests.postgres import PostgresServer
from tests.processes import ready, variables
from tests.processes import start as start_command
from tests.tables import customers, previewed, table
from tests.workspace import Conversation


@asynccontextmanager
async def visiting(workspace: Conversation) -> AsyncIterator[aiohttp.ClientSession]:
    """Somebody at the bot's own HTTP server."""
    address = f"http://127.0.0.1:{workspace.bot.http.port}"
    async with aiohttp.ClientSession(address) as session:
        yield session


Figures = dict[tuple[str, tuple[str, ...]], float]


async def figures(session: aiohttp.ClientSession) -> Figures:
    """Every sample of `/metrics`, by name and labels."""
    async with session.get("/metrics") as answer:
        text = await answer.text()
    families = text_string_to_metric_families(text)
    return {
        (sample.name.removeprefix("upgrade_bot_"), tuple(sample.labels.values())): sample.value
        for family in families
        for sample in family.samples
    }


async def test_the_figures_tell_the_story(workspace: Conversation) -> None:
    """Requests by state, steps, refusals, how long it took, and every call."""
    async with visiting(workspace) as session:
        before = await figures(session)
        workspace.bot.health._counted_at = -1000.0  # otherwise not for half a minute
        troubles = [Trouble(status=429), Trouble(status=503)]
        workspace.partner_center.trouble("GET", "/subscriptions", *troubles)
        await workspace.alice.asks_for_e3()
        await workspace.bob.presses("Approve")
        await workspace.bob.reads()
        await workspace.passes(minutes=30)
        await workspace.carol.presses("Approve")
        await workspace.alice.presses("Upgrade now")
        await workspace.card()
        await workspace.thread()
        after = await figures(session)

    def grown(name: str, *labels: str) -> float:
        return after[name, labels] - before.get((name, labels), 0)

    assert after["requests", ("done",)] == 1
    assert after["requests", ("awaiting_approval",)] == 0
    assert grown("steps_total", "approved", "approve") == 1
    assert grown("refusals_total", "may_not_approve") == 1
    half_an_hour = pytest.approx(1800)  # a sum of everything before, too, in floating point
    assert grown("approval_seconds_sum") == grown("done_seconds_sum") == half_an_hour
    assert grown("acknowledgement_seconds_count", "block_actions") == 4
    assert grown("acknowledgement_seconds_count", "command") == 1
    assert grown("acknowledgement_seconds_count", "view_submission") == 1
    assert grown("slack_seconds_count", "chat.postMessage", "200") >= 1
    assert grown("slack_seconds_count", "response_url", "200") >= 1
    post = ("customers/subscriptions/upgrades", "POST", "200")
    assert grown("partner_center_seconds_count", *post) == 1
    assert grown("partner_center_retries_total") == 2
    assert grown("partner_center_throttles_total") == 1
    assert after["queue_jobs", ()] == 0
    assert 89 < after["sign_in_days_left", ()] <= 90
    assert after["sockets_connected", ()] == 2
    assert after["ready", ("slack",)] == after["ready", ("database",)] == 1


async def test_readiness_says_which_part_is_not(start: Start) -> None:
    """A Slack that has gone, a bot that stops."""
    workspace = await start()
    async with visiting(workspace) as session:
        answer = await session.get("/readyz")
        ok = {"work": "ok", "slack": "ok", "database": "ok"}
        assert (answer.status, await answer.json()) == (200, {"status": "ready", "parts": ok})
        await workspace.practice.slack.stop()

        async def gone() -> bool:
            return (await session.get("/readyz")).status == 503

        await until(20, gone)
        said = {**ok, "slack": "there is no connection to Slack"}
        assert (await (await session.get("/readyz")).json())["parts"] == said
        workspace.bot.health.accepting = False
        said["work"] = "is starting or stopping"
        assert (await (await session.get("/readyz")).json())["parts"] == said
        assert (await session.get("/healthz")).status == 200, "it is alive all the same"


async def test_a_database_that_is_away_is_named(fallible_postgres: PostgresServer) -> None:
    """And comes back."""
    postgres = fallible_postgres
    if not postgres.can_fall:
        pytest.skip("the machine's own PostgreSQL is not ours to stop")
    practice = Practice(PracticeClock())
    await practice.start()
    url = await postgres.new_database()
    environment = {**practice.environment(), "UPGRADE_BOT_DATABASE_URL": url}
    practice.environment = lambda: environment  # type: ignore[method-assign]
    await practice.start_bot()
    workspace = Conversation(practice)
    async with visiting(workspace) as session:
        postgres.fall()
        try:
            answer = await session.get("/readyz")
            assert answer.status == 503
            assert (await answer.json())["parts"]["database"] == "the database does not answer"
            assert (await session.get("/metrics")).status == 200
        finally:
            postgres.rise()
        assert (await session.get("/readyz")).status == 200
    await practice.stop()


async def test_one_id_leads_from_the_click_to_microsoft_and_back() -> None:
    """In the JSON log of a real process: what was typed, what was asked of Partner Center, and what
    Partner Center was told it belongs to."""
    practice = Practice(PracticeClock())
    await practice.start()
    process = await start_command(variables(practice, UPGRADE_BOT_LOG="json"))
    await ready(process)
    conversation = Conversation(practice)
    await practice.slack.interactions.command(ALICE, CHANNEL, "/upgrade", "contoso")
    await conversation.until_somebody_sees("press what it should become")
    process.terminate()
    _, said = await process.communicate()
    lines = [json.loads(line) for line in said.decode().splitlines() if line.startswith("{")]
    (answered,) = [line for line in lines if line["event"] == "slack.answered"]
    (asked,) = [call for call in practice.partner_center.calls if call.path.endswith("/upgrades")
                and "896a2862" in call.path]  # fmt: skip
    assert asked.correlation_id == answered["correlation_id"]
    told = [line for line in lines if line.get("request_id") == asked.request_id]
    assert [line["event"] for line in told] == ["partner_center.call"]
    assert told[0]["correlation_id"] == answered["correlation_id"]
    await practice.stop()


async def test_the_id_of_a_request_is_that_of_everything_about_it(
    workspace: Conversation, log: list[dict[str, object]]
) -> None:
    """From the form, over the approver's click, to the upgrade."""
    await workspace.alice.asks_for_e3()
    await workspace.carol.presses("Approve")
    await workspace.alice.presses("Upgrade now")
    await workspace.card()
    await workspace.thread()
    (post,) = [call for call in workspace.partner_center.calls if call.method == "POST"]
    (item_id,) = {each["item"] for each in log if each["event"] == "executor.sent"}
    request = await workspace.bot.store.requests.of_item(str(item_id))
    assert post.correlation_id == request.items[0].correlation_id == request.correlation_id


async def test_a_decline_has_the_id_of_its_request(
    workspace: Conversation, log: list[dict[str, object]]
) -> None:
    """Also one that is too late."""
    await workspace.alice.asks_for_e3()
    await workspace.carol.presses("Decline")
    await workspace.carol.sees_form()
    await workspace.alice.presses("Withdraw")
    await workspace.card()
    await workspace.thread()
    await workspace.carol.fills_in(reason="Not now.")
    assert "already withdrawn by @alice" in await workspace.carol.reads()
    (listed,) = await workspace.bot.store.lists.asked_in(CHANNEL, None, 10)
    (refused,) = [each for each in log if each["event"] == "dispatch.refused"]
    assert refused["correlation_id"] == listed.item.correlation_id


async def test_a_table_has_the_id_of_its_click_and_each_item_is_tied_to_it(
    workspace: Conversation, log: list[dict[str, object]]
) -> None:
    """The preview asks under one id. All that happens to the request has that of the click that
    asked for it, whose line in the log names the ids under which Microsoft knows the items."""
    domains, before = customers(workspace, 2), len(workspace.partner_center.calls)
    await previewed(workspace, table([*domains, "nobody at all"]))
    looked = [c for c in workspace.partner_center.calls[before:] if c.path.endswith("/upgrades")]
    named = [c for c in workspace.partner_center.calls[before:] if "filter" in c.path]
    assert named
    assert len({call.correlation_id for call in looked + named}) == 1
    await workspace.alice.presses("Ask the team for 2 upgrades")
    await workspace.card()
    (asked,) = [each for each in log if each["event"] == "request.asked"]
    of_click = asked["correlation_id"]
    (click,) = [
        each
        for each in log
        if each["event"] == "slack.answered" and each["correlation_id"] == of_click
    ]
    assert click["kind"] == "block_actions"

    await workspace.bob.presses("Approve all")
    await workspace.bob.reads()
    await workspace.carol.presses("Decline")
    await workspace.carol.sees_form()
    await workspace.carol.presses("Approve all")
    await workspace.alice.presses("Upgrade now")
    assert (await workspace.card()).startswith("✅ Upgraded")
    await workspace.carol.fills_in(reason="Not now.")
    await workspace.carol.reads()
    await workspace.thread()
    about = [each for each in log if each["event"] in ("dispatch.refused", "worker.step")]
    assert len(about) >= 3
    assert {each["correlation_id"] for each in about} == {of_click}

    posts = [call for call in workspace.partner_center.calls if call.method == "POST"]
    ids = asked["correlation_ids"]
    assert isinstance(ids, dict)
    assert sorted(call.correlation_id for call in posts) == sorted(ids.values())
    sent = {
        each["item"]: each["correlation_id"] for each in log if each["event"] == "executor.sent"
    }
    assert sent == ids


async def test_a_refused_click_is_logged_under_the_id_of_its_request(
    workspace: Conversation, log: list[dict[str, object]]
) -> None:
    """Carol presses twice."""
    await workspace.alice.asks_for_e3()
    again = await workspace.carol.payload_of("Approve")
    await workspace.carol.presses("Approve")
    await workspace.card()
    await workspace.thread()
    log.clear()
    (listed,) = await workspace.bot.store.lists.asked_in(CHANNEL, None, limit=1)
    await workspace.carol.sends(again)
    assert "You have approved this already." in await workspace.carol.reads()
    ids = {each["event"]: each["correlation_id"] for each in log}
    assert ids["dispatch.refused"] == ids["slack.answered"] == listed.item.correlation_id


def sockets_of(workspace: Conversation) -> SocketMode:
    """The connections of the running bot."""
    sockets = workspace.bot.health.sockets
    assert sockets
    return sockets


async def until(seconds: float, true: Callable[[], Awaitable[bool]]) -> None:
    """Wait for something that happens by itself, in a library that tells nobody of it."""
    async with asyncio.timeout(seconds):
        while not await true():  # noqa: ASYNC110 - there is no event to wait for
            await asyncio.sleep(0.02)


async def test_an_address_that_is_dead_is_given_up(workspace: Conversation) -> None:
    """The SDK alone would try it for ever: a one-time address whose first use failed."""
    slack = workspace.practice.slack
    app = sockets_of(workspace)._app
    good = slack.api._connect
    dead: list[str] = []

    def address() -> str:
        dead.append(good().replace("ticket=", "ticket=used-"))
        return dead[-1]

    slack.api._connect = address
    sockets = SocketMode(app, slack.workspace.app_token, 2, ping_every=0.05, watch_every=0.1)
    connecting = asyncio.create_task(sockets.connect())

    async def both_asked_again() -> bool:
        return len(dead) >= 4

    await until(10, both_asked_again)
    assert not connecting.done()
    assert await sockets.connected() == 0
    slack.api._connect = good

    async def both() -> bool:
        return await sockets.connected() == 2

    await until(10, both)
    await connecting
    await sockets.close()


async def test_a_connection_on_which_slack_says_nothing_is_made_anew(
    workspace: Conversation,
) -> None:
    """It looks open, pings are answered, and no click would ever come."""
    slack = workspace.practice.slack
    app = sockets_of(workspace)._app
    sockets = SocketMode(app, slack.workspace.app_token, 1, ping_every=0.2, watch_every=0.1)
    await sockets.connect()
    socket = sockets._sockets[0]

    async def heard() -> bool:
        return await sockets.connected() == 1

    await until(5, heard)
    socket._client.on_message_listeners.clear()
    socket._heard = None

    async def anew() -> bool:
        return sockets._sockets[0] is not socket and await heard()

    await until(10 + PATIENCE, anew)
    await sockets.close()


async def test_a_click_is_answered_while_one_of_two_connections_is_down(
    workspace: Conversation,
) -> None:
    """Slack takes each down every few hours."""
    slack = workspace.practice.slack

    async def both() -> bool:
        return await sockets_of(workspace).connected() == 2

    await until(5, both)
    await slack.delivery._sockets[0].close()
    await workspace.alice.types("/upgrade help")
    assert "Who may do what here" in await workspace.alice.reads()


class Caller:
    """Somebody who calls `/slack/events`, signed or not."""

    def __init__(self, workspace: Conversation) -> None:
        self.port = workspace.bot.http.port
        self._secret = workspace.practice.slack.workspace.signing_secret
        self._url = f"http://127.0.0.1:{self.port}/slack/events"

    async def call(self, body: bytes, **headers: str) -> int:
        """The status."""
        form = {"Content-Type": "application/x-www-form-urlencoded"}
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        async with (
            aiohttp.ClientSession() as session,
            session.post(self._url, data=io.BytesIO(body), headers=form | named) as answer,
        ):
            return answer.status

    def signed(self, body: bytes, stamp: str | None = None) -> dict[str, str]:
        """What Slack would add."""
        stamp = str(int(time.time())) if stamp is None else stamp
        made = signature(self._secret, stamp, body.decode())
        return {"X_Slack_Request_Timestamp": stamp, "X_Slack_Signature": made}


HELP = urlencode({"command": "/upgrade", "text": "help", "user_id": ALICE, "team_id": "T0PRACTICE",
                  "channel_id": CHANNEL}).encode()  # fmt: skip


@pytest.fixture
async def caller(start: Start) -> tuple[Conversation, Caller]:
    """A bot in HTTP mode."""
    workspace = await start(http_mode=True)
    return workspace, Caller(workspace)


@pytest.mark.parametrize(
    "stamp", ["abc", "", "1e9", "-1", "9" * 5000, "٣٤٥", "1.5", " 12", "0x10", "1531420618"]
)
async def test_a_time_that_is_none_is_refused_and_no_mistake(
    caller: tuple[Conversation, Caller], stamp: str
) -> None:
    """Bolt alone would answer 500; 401 also for a good signature of long ago."""
    _, calls = caller
    headers = calls.signed(HELP, stamp)
    assert await calls.call(HELP, **headers) == 401


@pytest.mark.parametrize("made", ["", "v0=", "v0=" + "0" * 64, "v1=x", "vé=1", "v0=" + "f" * 4000])
async def test_a_signature_that_is_not_slacks_is_refused_and_logged_without_the_body(
    caller: tuple[Conversation, Caller], log: list[dict[str, object]], made: str
) -> None:
    """Only the size of what came."""
    _, calls = caller
    stamp = str(int(time.time()))
    headers = {"X_Slack_Request_Timestamp": stamp, "X_Slack_Signature": made}
    assert await calls.call(HELP, **headers) == 401
    (told,) = [entry for entry in log if entry["event"] == "http.bad_signature"]
    assert told["bytes"] == len(HELP)
    assert ALICE not in str(told)


async def test_what_is_signed_is_answered_and_what_was_changed_is_not(
    caller: tuple[Conversation, Caller],
) -> None:
    """The guard lets Slack in, and nobody with a body of Slack's that is another by one letter."""
    workspace, calls = caller
    assert await calls.call(HELP, **calls.signed(HELP)) == 200
    await workspace.alice.reads()
    assert await calls.call(HELP.replace(b"help", b"helq"), **calls.signed(HELP)) == 401
    assert await calls.call(b"\xff\xfe", **calls.signed(HELP)) == 401
    assert await calls.call(b"ssl_check=1&token=x") == 200


@pytest.mark.parametrize(
    "body",
    [
        b"payload=%7Bnot-json",
        b"payload=[]",
        b'{"user": 5, "type": "block_actions"}',
        b'{"authorizations": [5]}',
        b'{"a": ' + b"[" * 100_000,
    ],
)
async def test_what_nobody_can_read_is_refused_and_logged_without_the_body(
    caller: tuple[Conversation, Caller], log: list[dict[str, object]], body: bytes
) -> None:
    """Slack has signed it, so somebody should learn of it."""
    _, calls = caller
    assert await calls.call(body, **calls.signed(body)) == 400
    (told,) = [entry for entry in log if entry["event"] == "http.unreadable"]
    assert told["bytes"] == len(body)
    log.remove(told)


async def test_nothing_is_unpacked_before_it_is_doubted(
    caller: tuple[Conversation, Caller],
) -> None:
    """Whoever says that a body is packed could have the server stumble, or unpack without end."""
    _, calls = caller
    assert await calls.call(HELP, Content_Encoding="gzip") == 401


async def test_what_nobody_has_signed_does_not_reach_bolt(
    caller: tuple[Conversation, Caller],
) -> None:
    """Bolt would begin no listener for a header of its own, and nobody would be answered."""
    workspace, calls = caller
    headers = {**calls.signed(HELP), "X_Slack_Bolt_Lazy_Only": "1"}
    assert await calls.call(HELP, **headers) == 200
    assert "/upgrade" in await workspace.alice.reads()


async def test_a_body_without_end_is_not_read(caller: tuple[Conversation, Caller]) -> None:
    """Whatever is signed."""
    _, calls = caller
    large = b"x" * (LARGEST_BODY + 1)
    assert await calls.call(large, **calls.signed(large)) == 413


@pytest.mark.parametrize(
    "sent",
    [
        b"POST /slack/ev",
        b"POST /slack/events HTTP/1.1\r\nHost: x\r\nX-Slow: ",
        b"POST /slack/events HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\npayload=",
    ],
    ids=["in its first line", "in its headers", "in its body"],
)
async def test_a_caller_that_is_too_slow_is_dropped(workspace: Conversation, sent: bytes) -> None:
    """Else a few hundred of them would keep everybody out."""

    async def parts() -> dict[str, str]:
        return {}

    async def measure() -> None:
        """Nothing."""

    app = sockets_of(workspace)._app
    slow = HttpServer(("127.0.0.1", 0), parts, measure, (app, "s" * 32), patience=0.2)
    await slow.start()
    reader, writer = await asyncio.open_connection("127.0.0.1", slow.port)
    writer.write(sent)
    async with asyncio.timeout(5):
        said = await reader.read()
    assert not said or said.startswith(b"HTTP/1.1 408")
    writer.close()
    await slow.stop()
