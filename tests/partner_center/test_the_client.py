"""The client against a server that misbehaves in every way that Microsoft's has."""

import asyncio
import contextlib
import gc
import json
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import httpx
import pytest
from aiohttp import web
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.subscription import ObstacleCode, UpgradeType
from bot.errors import (
    NotFound,
    PartnerCenterError,
    Rejected,
    SignInFailed,
    Throttled,
    Unreachable,
    Unreadable,
)
from bot.partner_center import Client, Customers, Limits, SignIn, Trace, wire
from bot.partner_center.client import Call
from bot.partner_center.customers import is_guid, path
from bot.partner_center.upgrades import Upgrades
from tests.factories import SUBSCRIPTION

CUSTOMER = "8a6b2c1e-0000-4000-8000-000000000000"
TRACE = Trace(str(uuid.uuid4()))
QUICK = Limits(connect=1, read=1, write=1, retry_pause=0.001)
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Signed(SignIn):
    """A sign-in that has happened already."""

    def __init__(self) -> None:
        self.asked: list[str | None] = []

    async def token(self, *, instead_of: str | None = None) -> str:
        """Any token will do."""
        self.asked.append(instead_of)
        return f"token-{len(self.asked)}"


class Server:
    """Answers everything with `answer`, and remembers what it was asked."""

    def __init__(self) -> None:
        self.answer: Handler
        self.port = 0
        self.seen: list[web.Request] = []

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """Remember, then answer."""
        self.seen.append(request)
        return await self.answer(request)


@pytest.fixture
async def server() -> AsyncIterator[Server]:
    """A server on loopback."""
    server = Server()
    app = web.Application()
    app.router.add_route("*", "/{anything:.*}", server.handle)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    server.port = runner.addresses[0][1]
    yield server
    await runner.cleanup()


@pytest.fixture
async def client(server: Server) -> AsyncIterator[Client]:
    """The client, pointed at it."""
    async with httpx.AsyncClient() as http:
        base = f"http://127.0.0.1:{server.port}"
        yield Client(http, base, Signed(), lambda: str(uuid.uuid4()), QUICK)


def answers(body: bytes, status: int = 200, **headers: str) -> Handler:
    """The same answer to everything."""

    async def answer(_request: web.Request) -> web.StreamResponse:
        return web.Response(body=body, status=status, headers=headers)

    return answer


def anything(data: Any) -> Any:
    """Read nothing in particular."""
    return data


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
async def test_a_body_is_read_with_any_byte_order_mark(
    server: Server, client: Client, encoding: str
) -> None:
    """UTF-8 with and without, and UTF-16, as one old host of Microsoft's sends it."""
    server.answer = answers('{"items": [{"id": "é"}]}'.encode(encoding))
    assert await client.get("customers", TRACE, anything) == {"items": [{"id": "é"}]}


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (400, Rejected),
        (404, NotFound),
        (409, Rejected),
        (401, SignInFailed),
        (429, Throttled),
        (500, Unreachable),
        (503, Unreachable),
        (302, Unreadable),
    ],
)
@pytest.mark.parametrize(
    "body", [b"", b"<html>Bad gateway</html>", b'{"code": 2012, "description": "secret"}']
)
async def test_every_error_is_named_by_its_meaning(
    server: Server, client: Client, status: int, kind: type[PartnerCenterError], body: bytes
) -> None:
    """With status, code and ids, and without Microsoft's own text."""
    server.answer = answers(body, status, Location="http://127.0.0.1:1/elsewhere")
    with pytest.raises(kind) as raised:
        await client.get("customers", TRACE, anything)
    error = raised.value
    assert (error.status, error.correlation_id) == (status, TRACE.correlation_id)
    assert error.code == ("2012" if b"2012" in body else "")
    assert "secret" not in str(error)


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"code": 3000, "description": "d", "data": ["x"], "source": "PartnerFD"}, "3000"),
        ({"statusCode": 400, "message": "Try again in 57 seconds."}, ""),
        (
            {"error": "invalid_grant", "error_description": "d", "error_codes": [50076]},
            "AADSTS50076",
        ),
        (["no", "object"], ""),
        ("text", ""),
        (None, ""),
    ],
)
async def test_every_shape_of_an_error_is_read(
    server: Server, client: Client, body: Any, code: str
) -> None:
    """Partner Center's own, its gateway's, Entra's, and what is none of them."""
    server.answer = answers(json.dumps(body).encode(), 400)
    with pytest.raises(Rejected) as raised:
        await client.get("customers", TRACE, anything)
    assert raised.value.code == code


async def test_reads_are_repeated_and_writes_are_not(server: Server, client: Client) -> None:
    """Four tries for a read, one for a write."""
    server.answer = answers(b"", 503)
    with pytest.raises(Unreachable):
        await client.get("customers", TRACE, anything)
    assert len(server.seen) == 4
    server.seen.clear()
    with pytest.raises(Unreachable):
        await client.post("customers", Call("r", TRACE), {}, anything)
    assert len(server.seen) == 1


async def test_a_read_that_goes_well_leaves_no_circles(server: Server, client: Client) -> None:
    """Only the garbage collector would find them, and it stops everybody meanwhile."""
    server.answer = answers(b"{}")
    await client.get("customers", TRACE, anything)
    gc.collect()
    gc.set_debug(gc.DEBUG_SAVEALL)
    try:
        await client.get("customers", TRACE, anything)
        gc.collect()
        left = {type(each).__module__.partition(".")[0] for each in gc.garbage}
    finally:
        gc.set_debug(0)
        gc.garbage.clear()
    assert not left & {"httpx", "httpcore", "stamina", "tenacity"}


async def test_a_refused_token_is_replaced_once(server: Server, client: Client) -> None:
    """And the second refusal is final."""
    server.answer = answers(b"", 401)
    with pytest.raises(SignInFailed):
        await client.get("customers", TRACE, anything)
    tokens = [request.headers["Authorization"] for request in server.seen]
    assert tokens == ["Bearer token-1", "Bearer token-2"]


async def test_a_redirect_is_not_followed_and_gets_no_token(server: Server, client: Client) -> None:
    """Whatever another host would do with it."""
    server.answer = answers(b"", 302, Location="/v1/elsewhere")
    with pytest.raises(Unreadable):
        await client.get("customers", TRACE, anything)
    assert len(server.seen) == 1


async def test_a_server_that_is_not_there_was_certainly_not_reached() -> None:
    """Nothing was sent, and the error knows."""
    async with httpx.AsyncClient() as http:
        client = Client(http, "http://127.0.0.1:1", Signed(), lambda: "i", QUICK)
        with pytest.raises(Unreachable) as raised:
            await client.get("customers", TRACE, anything)
    assert raised.value.never_sent


@pytest.mark.parametrize(
    "evil",
    ["..", "../../x", "a%2fb", "x?y", "", "8a6b2c1e", CUSTOMER.replace("-", ""), "#"],
)
def test_only_a_guid_becomes_part_of_an_address(evil: str) -> None:
    """Anything else is refused before a call is made."""
    assert not is_guid(evil)
    with pytest.raises(NotFound):
        path("customers", evil, "subscriptions")


def test_ids_are_taken_in_any_case() -> None:
    """Microsoft writes them in both."""
    assert path("customers", CUSTOMER.upper(), "subscriptions", CUSTOMER)


TABLES = {
    wire.UpgradeError: wire.UPGRADE_ERROR_CODES,
    wire.TransitionError: wire.TRANSITION_ERROR_CODES,
}


@pytest.mark.parametrize(
    ("error", "number", "name"),
    [(error, *pair) for error, table in TABLES.items() for pair in enumerate(table)],
)
def test_an_error_code_is_understood_in_every_spelling(
    error: type[wire.UpgradeError | wire.TransitionError], number: int, name: str
) -> None:
    """As a number, a numeric string, snake_case and PascalCase; each world by its own table."""
    pascal = "".join(part.title() for part in name.split("_"))
    for spelling in (name, number, str(number), pascal):
        assert error.read({"code": spelling}).code == name
    assert ObstacleCode(name)


@given(st.text() | st.integers(50, 99) | st.none())
def test_an_unknown_value_is_kept_as_it_came(value: Any) -> None:
    """New values have broken every official client; not this one."""
    code = wire.UpgradeError.read({"code": value}).code
    assert isinstance(code, str)


@given(
    st.dictionaries(
        st.sampled_from(["Id", "ID", "offerName", "OfferName", "Status", "status", "X-New"]),
        st.none() | st.text() | st.integers() | st.booleans(),
    )
)
def test_keys_in_any_case_and_unknown_keys_are_read(data: dict[str, Any]) -> None:
    """PascalCase answers exist, and new fields come every year."""
    data = {**data, "id": "s"}
    data.pop("Id", None)
    data.pop("ID", None)
    assert wire.Subscription.read(data).id == "s"


@pytest.mark.parametrize(
    ("date", "year"),
    [
        ("2016-03-11T19:07:38Z", 2016),
        ("2016-03-11T19:07:38.1234567Z", 2016),
        ("2016-03-11T19:07:38.1234567+00:00", 2016),
        ("9999-12-30T00:00:00Z", None),
        ("", None),
        (None, None),
    ],
)
def test_dates_of_seven_digits_and_of_year_9999_are_read(date: Any, year: int | None) -> None:
    """Seven digits after the point, and `never`."""
    read = wire.Subscription.read({"id": "s", "commitmentEndDate": date}).commitment_end_date
    assert (read.year if read else None) == year


async def test_the_sample_of_microsofts_page_is_read(server: Server, client: Client) -> None:
    """The ineligible option with code 2 of the page on upgrades, field by field."""
    sample = {
        "totalCount": 1,
        "items": [
            {
                "targetOffer": {
                    "id": "91FD106F-4B2C-4938-95AC-F54F74E9A239",
                    "name": "Office 365 Enterprise E1",
                    "minimumQuantity": 1,
                    "maximumQuantity": 10000000,
                    "rank": 48,
                    "category": {"id": "Enterprise_Key", "rank": 20},
                    "links": {"learnMore": {"method": "GET", "headers": []}},
                },
                "upgradeType": "upgrade_only",
                "isEligible": False,
                "quantity": 1,
                "upgradeErrors": [{"code": 2, "description": "not active"}],
            }
        ],
        "attributes": {"objectType": "Collection"},
    }
    server.answer = answers(json.dumps(sample).encode("utf-8-sig"))
    upgrades = Upgrades(client, Customers(client))
    source = replace(SUBSCRIPTION, id=CUSTOMER)
    (listed,) = await upgrades.options(CUSTOMER, source, TRACE)
    assert listed.option.type is UpgradeType.UPGRADE_ONLY
    assert not listed.option.eligible
    assert listed.option.obstacles[0].code is ObstacleCode.SUBSCRIPTION_STATUS_NOT_ACTIVE
    assert listed.as_listed == sample["items"][0]  # type: ignore[index]


async def test_everybody_waits_while_partner_center_wants_a_pause(
    server: Server, client: Client
) -> None:
    """One is throttled; twenty that come after it do not knock before the pause is over."""
    seen: list[float] = []
    loop = asyncio.get_running_loop()

    async def throttle_once(_request: web.Request) -> web.StreamResponse:
        seen.append(loop.time())
        if len(seen) == 1:
            return web.Response(status=429, headers={"Retry-After": "0.3"})
        return web.json_response({"items": []})

    server.answer = throttle_once
    with pytest.raises(Throttled):
        await client.post("customers", Call("r", TRACE), {}, anything)
    await asyncio.gather(*(client.get("customers", TRACE, anything) for _ in range(20)))
    assert len(seen) == 21
    assert min(seen[1:]) - seen[0] >= 0.3


@pytest.mark.parametrize("kind", ["seconds", "date"])
async def test_a_long_pause_is_told_instead_of_waited_for(
    server: Server, client: Client, kind: str
) -> None:
    """`Retry-After` comes in seconds and as a date; a person is not kept waiting for a minute."""
    at = datetime.now(UTC) + timedelta(seconds=90)
    value = "90" if kind == "seconds" else format_datetime(at, usegmt=True)
    server.answer = answers(b"", 429, **{"Retry-After": value})
    with pytest.raises(Throttled) as throttled:
        await client.get("customers", TRACE, anything)
    assert 80 < (throttled.value.retry_after or 0) <= 90
    assert len(server.seen) == 1
    with pytest.raises(Throttled):
        await client.get("customers", TRACE, anything)
    assert len(server.seen) == 1


async def test_an_outage_is_not_met_with_a_storm(server: Server, client: Client) -> None:
    """Repetitions have a budget: a hundred failing reads are not four hundred calls."""
    server.answer = answers(b"", 503)
    reads = (client.get("customers", TRACE, anything) for _ in range(100))
    errors = await asyncio.gather(*reads, return_exceptions=True)
    assert all(isinstance(error, Unreachable) for error in errors)
    assert len(server.seen) <= 100 + 20 + 100 * 0.2


async def test_a_body_without_end_is_given_up(server: Server, client: Client) -> None:
    """After 20 megabytes, as an error with a name."""

    async def flood(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        with contextlib.suppress(ConnectionError):
            for _ in range(64):
                await response.write(b"x" * 1024 * 1024)
        return response

    server.answer = flood
    with pytest.raises(Unreadable):
        await client.get("customers", TRACE, anything)


async def test_a_body_that_never_comes_ends_within_the_time_limit(
    server: Server, client: Client
) -> None:
    """The beginning of an answer does not keep it alive: the limit is for the whole call."""
    test_is_over = asyncio.Event()

    async def stall(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        await response.write(b" ")
        with contextlib.suppress(asyncio.CancelledError):
            await test_is_over.wait()
        return response

    server.answer = stall
    with pytest.raises(Unreachable):
        await client.post("customers", Call("r", TRACE), {}, anything)
    test_is_over.set()


async def test_the_answer_to_another_request_is_not_taken(server: Server, client: Client) -> None:
    """A proxy that mixes up answers must not decide about money."""
    server.answer = answers(b"{}", 200, **{"MS-RequestId": str(uuid.uuid4())})
    with pytest.raises(Unreadable):
        await client.post("customers", Call(str(uuid.uuid4()), TRACE), {}, anything)


async def test_a_wrong_certificate_and_an_unknown_host_are_named() -> None:
    """Nothing was sent in either case."""
    for base in ("https://127.0.0.1:1", "http://no-such-host.invalid"):
        async with httpx.AsyncClient() as http:
            client = Client(http, base, Signed(), lambda: "i", QUICK)
            with pytest.raises(Unreachable) as raised:
                await client.get("customers", TRACE, anything)
        assert raised.value.never_sent


async def test_texts_are_asked_for_in_the_language_of_the_reader(
    server: Server, client: Client
) -> None:
    """With the ids that Microsoft's support asks for."""
    server.answer = answers(b"{}")
    await client.get("customers", Trace("correlation", "zh-TW"), anything)
    headers = server.seen[0].headers
    assert headers["X-Locale"] == "zh-TW"
    assert headers["MS-CorrelationId"] == "correlation"
    assert headers["MS-PartnerCenter-Application"] == "upgrade-bot"
    assert is_guid(headers["MS-RequestId"])


def page(names: list[str], **more: Any) -> bytes:
    """A page of customers."""
    items = [{"id": str(uuid.uuid4()), "companyProfile": {"companyName": n}} for n in names]
    return json.dumps({"items": items, **more}).encode("utf-8-sig")


async def all_customers(client: Client) -> list[str]:
    """The names on all pages."""
    pages = Customers(client).all(TRACE)
    return [customer.name async for there in pages for customer in there]


async def test_pages_are_followed_by_token_and_by_link(server: Server, client: Client) -> None:
    """The token beside the items, or among the headers of the link, whose address is odd."""
    link = {"uri": "/customers?size=2?seekOperation=Next", "headers": []}
    by_header = {**link, "headers": [{"key": "MS-ContinuationToken", "value": "t2"}]}
    pages = [
        page(["a", "b"], continuationToken="t1", links={"next": link}),
        page(["c", "d"], links={"next": by_header}),
        page(["e"], links={"self": link}),
    ]

    async def next_page(_request: web.Request) -> web.StreamResponse:
        return web.Response(body=pages[len(server.seen) - 1])

    server.answer = next_page
    assert await all_customers(client) == ["a", "b", "c", "d", "e"]
    tokens = [request.headers.get("MS-ContinuationToken") for request in server.seen]
    assert tokens == [None, "t1", "t2"]
    assert all(request.path == "/v1/customers" for request in server.seen)
    assert server.seen[1].query["seekOperation"] == "Next"


@pytest.mark.parametrize("uri", ["https://evil.example/v1/customers?x=1", "//evil.example/x"])
async def test_a_next_page_on_another_host_is_refused(
    server: Server, client: Client, uri: str
) -> None:
    """The token is not sent there."""
    server.answer = answers(page(["a"], links={"next": {"uri": uri}}))
    with pytest.raises(Unreadable, match="another host"):
        await all_customers(client)
    assert len(server.seen) == 1


async def test_pages_that_go_in_a_circle_end(server: Server, client: Client) -> None:
    """The same token again and again is an error, not an endless reading."""
    server.answer = answers(page(["a"], continuationToken="again"))
    with pytest.raises(Unreadable, match="circle"):
        await all_customers(client)
