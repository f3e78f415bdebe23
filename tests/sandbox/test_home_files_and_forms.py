"""The practice Slack beyond plain messages: Home tab, events, files, direct messages, forms."""

import asyncio
import json
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from bot.sandbox.practice import ALICE, BOB, CAROL, CHANNEL, PracticeClock
from bot.sandbox.slack import SlackServer
from bot.sandbox.slack.delivery import signature
from bot.sandbox.slack.installed import Shortcut
from bot.sandbox.slack.payloads import element_of
from bot.sandbox.slack.web_api import A_BURST, METHODS, Limits, Trouble
from tests.sandbox.slack import ACTIONS, BUTTON, HOME, SECTION, error_of, field, form, option


class Socket:
    """An app on Socket Mode that does nothing by itself: it hears, and answers when told to."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self._socket = socket

    async def hears(self) -> dict[str, Any]:
        """The next envelope."""
        return dict(await asyncio.wait_for(self._socket.receive_json(), 5))

    async def answers(self, envelope: dict[str, Any], payload: Any = None) -> None:
        """Acknowledge it, with a payload or without."""
        ack = {"envelope_id": envelope["envelope_id"]}
        await self._socket.send_json(ack if payload is None else {**ack, "payload": payload})


@pytest.fixture
async def app(slack: SlackServer, client: AsyncWebClient) -> AsyncIterator[Socket]:
    """A connection of the app."""
    opened = await client.apps_connections_open(app_token=slack.workspace.app_token)
    async with aiohttp.ClientSession() as session, session.ws_connect(opened["url"]) as socket:
        assert (await socket.receive_json())["type"] == "hello"
        yield Socket(socket)


@pytest.fixture
def clock(slack: SlackServer) -> PracticeClock:
    """The workspace's clock, which stands still until it is moved."""
    clock = slack.workspace.clock
    assert isinstance(clock, PracticeClock)
    return clock


async def test_who_opens_the_home_tab_is_told_to_the_app_that_wants_to_know(
    slack: SlackServer, app: Socket
) -> None:
    """As an event over Socket Mode; without a subscription nothing is sent."""
    slack.workspace.app.events.clear()
    assert slack.interactions.open_app(ALICE, "home") is None
    slack.workspace.app.events.add("app_home_opened")
    delivering = slack.interactions.open_app(ALICE, "home")
    envelope = await app.hears()
    await app.answers(envelope)
    assert delivering
    assert await delivering
    assert (envelope["type"], envelope["retry_attempt"]) == ("events_api", 0)
    payload = envelope["payload"]
    assert payload["type"] == "event_callback"
    assert payload["event_id"].startswith("Ev")
    event = payload["event"]
    assert (event["type"], event["user"], event["tab"]) == ("app_home_opened", ALICE, "home")
    assert event["channel"] == slack.workspace.direct_messages(ALICE).id


async def test_an_event_comes_again_until_it_is_acknowledged(
    slack: SlackServer, app: Socket, clock: PracticeClock
) -> None:
    """At once, after a minute, after five; with the same event id, and numbered."""
    slack.workspace.app.events.add("app_home_opened")
    slack.delivery.ack_within = 0.05
    delivering = slack.interactions.open_app(ALICE, "home")
    assert delivering
    first, second = await app.hears(), await app.hears()
    clock.move(timedelta(minutes=1))
    third = await app.hears()
    clock.move(timedelta(minutes=5))
    fourth = await app.hears()
    attempts = [first, second, third, fourth]
    assert [each["retry_attempt"] for each in attempts] == [0, 1, 2, 3]
    assert [each["retry_reason"] for each in attempts] == ["", "timeout", "timeout", "timeout"]
    assert len({each["payload"]["event_id"] for each in attempts}) == 1
    assert len({each["envelope_id"] for each in attempts}) == 4
    assert not await delivering

    slack.delivery.ack_within = 5
    delivering = slack.interactions.open_app(ALICE, "home")
    await app.answers(await app.hears())
    assert delivering
    assert await delivering


class HttpApp:
    """An app in HTTP mode that answers with the statuses that it is given."""

    def __init__(self, *statuses: int, headers: dict[str, str] | None = None) -> None:
        self.statuses = list(statuses)
        self.headers = headers or {}
        self.heard: list[tuple[Any, str]] = []

    async def answer(self, request: web.Request) -> web.Response:
        """Remember headers and body."""
        body = await request.text()
        self.heard.append((request.headers, body))
        if '"url_verification"' in body:
            return web.json_response({"challenge": json.loads(body)["challenge"]})
        status = self.statuses.pop(0) if self.statuses else 200
        return web.Response(status=status, headers=self.headers)

    async def serve(self, slack: SlackServer) -> web.AppRunner:
        """Listen, and tell Slack where."""
        served = web.Application()
        served.router.add_post("/slack/events", self.answer)
        runner = web.AppRunner(served, access_log=None, shutdown_timeout=1)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        slack.request_url = f"http://127.0.0.1:{runner.addresses[0][1]}/slack/events"
        return runner


async def test_events_over_http_are_signed_and_come_again_with_headers(
    slack: SlackServer,
) -> None:
    """JSON, signed; a status that is not 200 lets it come again, unless the app says no."""
    slack.workspace.app.events.add("app_home_opened")
    app = HttpApp(500)
    runner = await app.serve(slack)
    delivering = slack.interactions.open_app(ALICE, "home")
    assert delivering
    assert await delivering
    (headers, body), (again, _) = app.heard
    assert json.loads(body)["event"]["tab"] == "home"
    stamp = headers["X-Slack-Request-Timestamp"]
    expected = signature(slack.workspace.signing_secret, stamp, body)
    assert headers["X-Slack-Signature"] == expected
    assert "X-Slack-Retry-Num" not in headers
    assert (again["X-Slack-Retry-Num"], again["X-Slack-Retry-Reason"]) == ("1", "http_error")

    app.statuses, app.headers, app.heard = [500], {"x-slack-no-retry": "1"}, []
    delivering = slack.interactions.open_app(ALICE, "home")
    assert delivering
    assert not await delivering
    assert len(app.heard) == 1
    assert await slack.delivery.verify_address()
    assert await slack.delivery.check_certificate() == 200
    await runner.cleanup()


async def test_a_home_tab_is_published_for_one_person(
    slack: SlackServer, client: AsyncWebClient
) -> None:
    """Up to 100 blocks, fields need no submit; only where the Home tab is switched on."""
    there = slack.workspace
    there.app.home_tab = False
    assert await error_of(client.views_publish(user_id=ALICE, view=HOME)) == "not_enabled"
    there.app.home_tab = True
    box = {"type": "checkboxes", "options": [option("a")]}
    many = {**HOME, "blocks": [SECTION] * 99 + [field("f", box)]}
    published = await client.views_publish(user_id=ALICE, view=many)
    assert list(there.homes) == [ALICE]
    for wrong in (
        {**HOME, "blocks": [SECTION] * 101},
        {**HOME, "title": {"type": "plain_text", "text": "x"}},
        {**HOME, "blocks": []},
    ):
        call = client.views_publish(user_id=ALICE, view=wrong)
        assert await error_of(call) == "invalid_arguments"
    assert await error_of(client.views_publish(user_id="U0NO", view=HOME)) == "user_not_found"
    old = published["view"]["hash"]
    await client.views_publish(user_id=ALICE, view=HOME, hash=old)
    assert await error_of(client.views_publish(user_id=ALICE, view=HOME, hash=old)) == (
        "hash_conflict"
    )


async def test_a_button_of_the_home_tab_has_no_response_url(
    slack: SlackServer, client: AsyncWebClient, app: Socket
) -> None:
    """It has the view, and a trigger that opens a form."""
    slack.workspace.app.home_tab = True
    await client.views_publish(user_id=ALICE, view=HOME)
    home = slack.workspace.homes[ALICE]
    element = element_of(home.content["blocks"], "press")
    using = asyncio.create_task(slack.interactions.use_in_view(home, element, None, {}))
    envelope = await app.hears()
    payload = envelope["payload"]
    await client.views_open(trigger_id=payload["trigger_id"], view=form())
    await app.answers(envelope)
    assert await using
    assert "response_url" not in payload
    assert payload["view"]["type"] == "home"
    assert payload["container"] == {"type": "view", "view_id": home.id}


async def test_a_file_is_promised_sent_and_shared(
    slack: SlackServer, client: AsyncWebClient
) -> None:
    """It becomes a message in the thread; each step is refused where Slack refuses it."""
    there = slack.workspace
    there.app.scopes.remove("files:write")
    call = client.files_getUploadURLExternal(filename="a.csv", length=3)
    assert await error_of(call) == "missing_scope"
    there.app.scopes.add("files:write")
    for name, length in (("", 3), ("a.csv", 0), ("a.csv", 10**9)):
        call = client.files_getUploadURLExternal(filename=name, length=length)
        assert await error_of(call) == "invalid_arguments"
    promised = await client.files_getUploadURLExternal(filename="a.csv", length=3)
    files: list[dict[str, str | None]] = [{"id": promised["file_id"], "title": "Who"}]
    early = client.files_completeUploadExternal(files=files, channel_id=CHANNEL)
    assert await error_of(early) == "file_not_found"
    async with aiohttp.ClientSession() as session:
        assert (await session.post(promised["upload_url"], data=b"a,b,c")).status == 400
        assert (await session.post(promised["upload_url"], data=b"a,b")).status == 200
        assert (await session.post(promised["upload_url"], data=b"a,b")).status == 404
    there.add_channel("C0PUBLIC", "public", {ALICE})
    elsewhere = client.files_completeUploadExternal(files=files, channel_id="C0PUBLIC")
    assert await error_of(elsewhere) == "not_in_channel"
    card = there.post(CHANNEL, there.bot.id, "card")
    await client.files_completeUploadExternal(
        files=files, channel_id=CHANNEL, thread_ts=card.ts, initial_comment="See"
    )
    shared = there.messages[-1]
    assert (shared.thread_ts, shared.text, shared.files[0]["title"]) == (card.ts, "See", "Who")
    again = client.files_completeUploadExternal(files=files, channel_id=CHANNEL)
    assert await error_of(again) == "file_not_found"
    url = shared.files[0]["url_private"]
    bearer = {"Authorization": f"Bearer {there.bot_token}"}
    async with aiohttp.ClientSession(headers=bearer) as session:
        assert (await session.get(url)).status == 403
        there.app.scopes.add("files:read")
        assert await (await session.get(url)).read() == b"a,b"


async def test_writing_to_a_person_opens_their_direct_messages(
    slack: SlackServer, client: AsyncWebClient
) -> None:
    """And they are where `conversations.open` says."""
    posted = await client.chat_postMessage(channel=ALICE, text="psst")
    assert posted["channel"].startswith("D")
    assert await error_of(client.conversations_open(users=[ALICE])) == "missing_scope"
    slack.workspace.app.scopes.add("im:write")
    opened = await client.conversations_open(users=[ALICE])
    assert opened["channel"]["id"] == posted["channel"]
    bots = client.chat_postMessage(channel=slack.workspace.bot.id, text="x")
    assert await error_of(bots) == "channel_not_found"
    assert await error_of(client.conversations_info(channel=posted["channel"])) == "missing_scope"


async def test_a_messages_link_is_the_workspaces_address_and_its_time(
    client: AsyncWebClient,
) -> None:
    """So that an app can make the link by itself."""
    ts = (await client.chat_postMessage(channel=CHANNEL, text="x"))["ts"]
    base = (await client.auth_test())["url"]
    link = (await client.chat_getPermalink(channel=CHANNEL, message_ts=ts))["permalink"]
    assert link == f"{base}archives/{CHANNEL}/p{ts.replace('.', '')}"


async def test_what_was_said_is_read_with_its_metadata_and_without_what_one_person_saw(
    slack: SlackServer, client: AsyncWebClient
) -> None:
    """Only with the scope for it; metadata stays through an edit until it is emptied."""
    read = client.conversations_history(channel=CHANNEL)
    assert await error_of(read) == "missing_scope"
    slack.workspace.app.scopes |= {"channels:history", "groups:history"}
    about = {"event_type": "asked", "event_payload": {"id": "7"}}
    ts = (await client.chat_postMessage(channel=CHANNEL, text="card", metadata=about))["ts"]
    await client.chat_postMessage(channel=CHANNEL, text="reply", thread_ts=ts)
    await client.chat_postEphemeral(channel=CHANNEL, user=ALICE, text="secret")
    await client.chat_update(channel=CHANNEL, ts=ts, text="edited")

    async def told(**more: Any) -> Any:
        return (await client.conversations_history(channel=CHANNEL, **more))["messages"]

    (plain,), (full,) = await told(), await told(include_all_metadata=True)
    assert "metadata" not in plain
    assert (full["text"], full["metadata"]) == ("edited", about)
    thread = await client.conversations_replies(channel=CHANNEL, ts=ts)
    assert [each["text"] for each in thread["messages"]] == ["edited", "reply"]
    await client.chat_update(channel=CHANNEL, ts=ts, text="again", metadata={})
    (emptied,) = await told(include_all_metadata=True)
    assert "metadata" not in emptied
    wrong = client.chat_postMessage(channel=CHANNEL, text="x", metadata={"event_type": "x"})
    assert await error_of(wrong) == "invalid_metadata_format"


async def test_forms_lie_upon_each_other_three_deep(
    slack: SlackServer, client: AsyncWebClient
) -> None:
    """A fourth is refused; a change needs the newest hash; an external id is there once."""
    there = slack.workspace

    async def opens(how: str, **more: Any) -> Any:
        return await client.api_call(
            how, json={"trigger_id": there.new_trigger(ALICE), "view": form(**more)}
        )

    assert await error_of(opens("views.push")) == "not_found"
    first = (await opens("views.open", external_id="one"))["view"]
    assert await error_of(opens("views.push", external_id="one")) == "duplicate_external_id"
    second = (await opens("views.push"))["view"]
    assert (second["previous_view_id"], second["root_view_id"]) == (first["id"], first["id"])
    await opens("views.push")
    assert await error_of(opens("views.push")) == "push_limit_reached"
    changed = await client.views_update(external_id="one", hash=first["hash"], view=form("New"))
    assert changed["view"]["title"]["text"] == "New"
    late = client.views_update(view_id=first["id"], hash=first["hash"], view=form())
    assert await error_of(late) == "hash_conflict"
    assert await error_of(client.views_update(view_id="V0", view=form())) == "not_found"


async def test_a_submission_is_answered_with_errors_another_form_or_the_end(
    slack: SlackServer, app: Socket
) -> None:
    """`errors`, `update`, `push`, `clear`; a field that is not there cannot be wrong."""
    there = slack.workspace
    typed = field("why", {"type": "plain_text_input"})
    view = there.open_view(ALICE, form("First", typed, notify_on_close=True))

    async def submits(answer: dict[str, Any] | None) -> dict[str, Any]:
        submitting = asyncio.create_task(
            slack.interactions.submit(there.views[ALICE][-1], {"why": "because"})
        )
        envelope = await app.hears()
        await app.answers(envelope, answer)
        await submitting
        return dict(envelope["payload"])

    payload = await submits({"response_action": "errors", "errors": {"why": "No."}})
    assert payload["view"]["state"]["values"]["why"]["why"]["value"] == "because"
    assert view.errors == {"why": "No."}
    await submits({"response_action": "errors", "errors": {"nowhere": "No."}})
    assert "nowhere" in view.errors[""]
    await submits({"response_action": "update", "view": form("Second", typed)})
    assert (view.content["title"]["text"], view.errors) == ("Second", {})
    await submits({"response_action": "push", "view": form("Third", notify_on_close=True)})
    assert len(there.views[ALICE]) == 2
    slack.interactions.cancel(there.views[ALICE][-1])
    closed = await app.hears()
    await app.answers(closed)
    assert (closed["payload"]["type"], closed["payload"]["is_cleared"]) == ("view_closed", False)
    await submits({"response_action": "clear"})
    assert there.views[ALICE] == []


async def test_every_kind_of_field_is_told_as_slack_tells_it(
    slack: SlackServer, app: Socket
) -> None:
    """Typed, chosen, ticked, and as the app had filled it in."""
    options = [option("a"), option("b")]
    fields = [
        field("text", {"type": "plain_text_input", "initial_value": "as it was"}),
        field("number", {"type": "number_input", "is_decimal_allowed": False}),
        field("address", {"type": "url_text_input"}),
        field("one", {"type": "static_select", "options": options}),
        field("several", {"type": "multi_static_select", "options": options}),
        field("ticked", {"type": "checkboxes", "options": options, "initial_options": options}),
        field("either", {"type": "radio_buttons", "options": options}),
        field("day", {"type": "datepicker"}),
    ]
    view = slack.workspace.open_view(ALICE, form("Fields", *fields))
    entered = {"number": "5", "one": "b", "several": ["a", "b"], "day": "2026-11-20"}
    submitting = asyncio.create_task(slack.interactions.submit(view, entered))
    envelope = await app.hears()
    await app.answers(envelope)
    await submitting
    told = {
        name: each[name] for name, each in envelope["payload"]["view"]["state"]["values"].items()
    }
    assert told["text"] == {"type": "plain_text_input", "value": "as it was"}
    assert told["number"]["value"] == "5"
    assert told["address"]["value"] is None
    assert told["one"]["selected_option"] == option("b")
    assert told["several"]["selected_options"] == options
    assert told["ticked"]["selected_options"] == options
    assert told["either"]["selected_option"] is None
    assert told["day"]["selected_date"] == "2026-11-20"


async def test_an_element_of_a_message_comes_with_the_state_of_the_others(
    slack: SlackServer, app: Socket
) -> None:
    """A choice in a select, a box that is ticked; an overflow is in no state."""
    select = {"type": "static_select", "action_id": "pick", "options": [option("a"), option("b")]}
    boxes = {"type": "checkboxes", "action_id": "tick", "options": [option("x")]}
    more = {"type": "overflow", "action_id": "more", "options": [option("later")]}
    blocks: list[dict[str, Any]] = [
        {**ACTIONS, "elements": [BUTTON, select, more]},
        {**SECTION, "block_id": "s", "accessory": boxes},
    ]
    message = slack.workspace.post(CHANNEL, slack.workspace.bot.id, "x", blocks)
    element = element_of(message.blocks, "pick")
    using = asyncio.create_task(
        slack.interactions.use(BOB, message, element, "b", {"actions/pick": "b", "s/tick": ["x"]})
    )
    envelope = await app.hears()
    await app.answers(envelope)
    await using
    payload = envelope["payload"]
    assert payload["actions"][0]["selected_option"] == option("b")
    values = payload["state"]["values"]
    assert values["actions"]["pick"]["selected_option"] == option("b")
    assert values["s"]["tick"]["selected_options"] == [option("x")]
    assert "more" not in values["actions"]


async def test_a_shortcut_of_a_message_comes_with_the_message(
    slack: SlackServer, app: Socket
) -> None:
    """As `message_action`, with a trigger and a response URL."""
    message = slack.workspace.post(CHANNEL, slack.workspace.bot.id, "card", [SECTION])
    taking = asyncio.create_task(
        slack.interactions.shortcut(CAROL, Shortcut("explain", "Explain"), message)
    )
    envelope = await app.hears()
    await app.answers(envelope)
    await taking
    payload = envelope["payload"]
    assert (payload["type"], payload["callback_id"]) == ("message_action", "explain")
    assert payload["message"]["ts"] == message.ts
    assert payload["trigger_id"]
    assert payload["response_url"].startswith("http://127.0.0.1:")


async def test_slack_closes_connections_and_says_why(
    slack: SlackServer, app: Socket, client: AsyncWebClient
) -> None:
    """A warning first; then the connection goes, and with Socket Mode off no other comes."""
    await slack.delivery.disconnect("warning")
    assert (await app.hears())["reason"] == "warning"
    assert slack.delivery.connections == 1
    await slack.delivery.disconnect("refresh_requested")
    assert (await app.hears())["reason"] == "refresh_requested"
    await slack.delivery.disconnect("link_disabled")
    opening = client.apps_connections_open(app_token=slack.workspace.app_token)
    assert await error_of(opening) == "forbidden_team"


async def test_an_eleventh_connection_is_told_that_it_is_too_many(
    slack: SlackServer, client: AsyncWebClient
) -> None:
    """And each payload goes to one of the ten."""

    async def address() -> str:
        opened = await client.apps_connections_open(app_token=slack.workspace.app_token)
        return str(opened["url"])

    async with aiohttp.ClientSession() as session:
        sockets = [await session.ws_connect(await address()) for _ in range(10)]
        for number, socket in enumerate(sockets, start=1):
            assert (await socket.receive_json())["num_connections"] == number
        eleventh = await session.ws_connect(await address())
        assert (await eleventh.receive_json())["reason"] == "too_many_websockets"
        slack.delivery.ack_within = 0.05
        await slack.interactions.command(ALICE, CHANNEL, "/upgrade", "x")
        for socket in sockets:
            await socket.close()


async def test_calls_are_held_up_cut_or_refused_when_ordered(
    slack: SlackServer, client: AsyncWebClient
) -> None:
    """Before they take effect, or behind it."""
    client.retry_handlers.clear()
    slack.trouble("chat.postMessage", Trouble(cut=True, after=True))
    with pytest.raises(aiohttp.ClientError):
        await client.chat_postMessage(channel=CHANNEL, text="posted")
    slack.trouble("chat.postMessage", Trouble(cut=True))
    with pytest.raises(aiohttp.ClientError):
        await client.chat_postMessage(channel=CHANNEL, text="never")
    slack.trouble("*", Trouble(error="fatal_error"))
    assert await error_of(client.auth_test()) == "fatal_error"
    slack.trouble("chat.postMessage", Trouble(delay=0.01))
    await client.chat_postMessage(channel=CHANNEL, text="late")
    assert [m.text for m in slack.workspace.messages] == ["posted", "late"]


async def test_who_calls_too_often_is_told_to_wait(
    slack: SlackServer, client: AsyncWebClient
) -> None:
    """So many calls of a method a minute, and in the long run one message a second a channel."""
    now = [0.0]
    slack.api.limits = Limits(lambda: now[0])
    for _ in range(A_BURST):
        await client.chat_postMessage(channel=CHANNEL, text="x")
    with pytest.raises(SlackApiError) as refused:
        await client.chat_postMessage(channel=CHANNEL, text="x")
    response = refused.value.response
    assert (response.status_code, response["error"]) == (429, "ratelimited")
    assert 0 < int(response.headers["Retry-After"]) <= 21
    await client.chat_postMessage(channel=ALICE, text="elsewhere it is not too much")
    now[0] = 21.0
    await client.chat_postMessage(channel=CHANNEL, text="x")
    for _ in range(METHODS["usergroups.list"].a_minute):
        await client.usergroups_list()
    assert await error_of(client.usergroups_list()) == "ratelimited"


async def test_what_is_held_up_is_overtaken(slack: SlackServer, app: Socket) -> None:
    """Payloads may come out of order."""
    slack.delivery.held_up.append(0.2)
    waiting = [
        asyncio.create_task(slack.interactions.command(ALICE, CHANNEL, "/upgrade", text))
        for text in ("first", "second")
    ]
    heard = [await app.hears(), await app.hears()]
    for envelope in heard:
        await app.answers(envelope)
    await asyncio.gather(*waiting)
    assert [each["payload"]["text"] for each in heard] == ["second", "first"]
