"""The practice Partner Center on HTTP, with its sign-in on HTTPS.

Like the real one it sends a byte order mark with good answers and none with errors, wants a
token and a request id with every call, and can be slow, throttled, broken or lose an answer.
"""

import asyncio
import json
import secrets
import ssl
import tempfile
import time
import uuid
from collections import deque
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import trustme
from aiohttp import web

from bot.sandbox.partner_center.login import Login
from bot.sandbox.partner_center.records import Records
from bot.sandbox.partner_center.transitions import Transitions
from bot.sandbox.traffic import Traffic

ONE = "/v1/customers/{customer}/subscriptions/{id}"
LARGEST_PAGE = 500
LARGEST_TOLD = 64_000
"""Bytes of an answer that are kept for the curious."""

TOLD = frozenset(
    {
        "Authorization",
        "Content-Type",
        "MS-RequestId",
        "MS-CorrelationId",
        "MS-ContinuationToken",
        "X-Locale",
    }
)
"""Headers of a call that are kept for the curious."""

BOM = b"\xef\xbb\xbf"


class Gate:
    """Holds a call: `arrived` tells that it is here, `opened` lets it go on."""

    def __init__(self) -> None:
        self.arrived = asyncio.Event()
        self.opened = asyncio.Event()


@dataclass(frozen=True)
class Trouble:
    """What happens to a call: an HTTP `status`, or with `cut` a connection that breaks.

    With `after` the call takes effect first and only its answer is lost. A `gate` holds the
    call: before it takes effect, or with `after` behind it. `body` is the answer.
    """

    status: int = 0
    cut: bool = False
    after: bool = False
    gate: Gate | None = None
    body: dict[str, Any] | None = None
    retry_after: int | None = None


@dataclass(frozen=True)
class Called:
    """A call as it came in."""

    method: str
    path: str
    request_id: str
    correlation_id: str
    locale: str
    status: int


class PartnerCenterServer:
    """Serves records on loopback. After `start`: `api_url`, `login_url`, and `trust`, which
    knows the certificate of the sign-in."""

    def __init__(self, records: Records, delay: float = 0, traffic: Traffic | None = None) -> None:
        self.records = records
        self.traffic = traffic or Traffic(records.clock)
        self.a_minute: int | None = None
        """How many calls a minute are answered; the others are told to wait."""
        self.roles = {"admin_agent"}
        """What the user who gave the consent may do."""
        self._lately: deque[float] = deque()
        self._pages: dict[str, int] = {}
        self._login_router: web.UrlDispatcher | None = None
        self.delay = delay
        """Seconds that every call takes."""
        self.transitions = Transitions(records)
        self.login = Login(records.clock)
        self.calls: list[Called] = []
        self.troubles: dict[str, deque[Trouble]] = {}
        self.api_url = ""
        self.login_url = ""
        self.trust: ssl.SSLContext
        self._certificates = trustme.CA()
        self._runners: list[web.AppRunner] = []

    async def start(self) -> None:
        """Listen on two free ports of this machine."""
        api = web.Application(middlewares=[self._recorder, self._front_door])
        api.on_response_prepare.append(_say_practice)
        api.add_routes(
            [
                web.get("/v1/customers", self._customers),
                web.get("/v1/customers/{customer}", self._customer),
                web.get("/v1/customers/{customer}/subscriptions", self._subscriptions),
                web.get(ONE, self._subscription),
                web.get(f"{ONE}/upgrades", self._upgrades),
                web.post(f"{ONE}/upgrades", self._upgrade),
                web.get(f"{ONE}/transitioneligibilities", self._eligibilities),
                web.get("/v1/customers/{customer}/subscribedskus", self._licences),
                web.get("/v1/auditrecords", self._audit),
                web.get(f"{ONE}/transitions", self._history),
                web.post(f"{ONE}/transitions", self._start_transition),
            ]
        )
        login = web.Application(middlewares=[self._recorder])
        login.on_response_prepare.append(_say_practice)
        self._login_router = login.router
        login.add_routes(self.login.routes(lambda: self.login_url))
        served = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        self._certificates.issue_cert("localhost", "127.0.0.1").configure_cert(served)
        self.trust = ssl.create_default_context()
        self._certificates.configure_trust(self.trust)
        self.api_url = f"http://127.0.0.1:{await self._serve(api)}"
        self.login_url = f"https://localhost:{await self._serve(login, served)}"

    async def stop(self) -> None:
        """Stop listening."""
        for runner in self._runners:
            await runner.cleanup()

    def write_certificate(self, folder: Path) -> Path:
        """A file for `SSL_CERT_FILE`, for a bot in another process."""
        path = Path(tempfile.mkstemp(suffix=".pem", dir=folder)[1])
        self._certificates.cert_pem.write_to_path(str(path))
        return path

    def trouble(self, method: str, ending: str, *troubles: Trouble) -> None:
        """Let the next calls whose path ends so go wrong, one trouble each."""
        self.troubles.setdefault(f"{method} {ending}", deque()).extend(troubles)

    async def _serve(self, app: web.Application, context: ssl.SSLContext | None = None) -> int:
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=1)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0, ssl_context=context).start()
        self._runners.append(runner)
        return int(runner.addresses[0][1])

    @web.middleware
    async def _recorder(self, request: web.Request, handler: Any) -> web.StreamResponse:
        """Every call and its answer, for the curious."""
        kind = "sign_in" if request.app.router is self._login_router else "partner_center"
        try:
            body = await request.text()
        except ConnectionError:  # the caller died in the middle of its call: there is no call
            return web.Response(status=400)
        exchange = self.traffic.begins(
            kind,
            f"{request.method} {request.path_qs}",
            sent=body,
            method=request.method,
            url=str(request.url),
            headers={name: value for name, value in request.headers.items() if name in TOLD},
        )
        exchange.more["body"] = body
        answered: bytes | None = None
        status: int | str = "connection cut"
        try:
            answer: web.StreamResponse = await handler(request)
            cut = request.transport is None or request.transport.is_closing()
            if not cut and isinstance(answer, web.Response):
                status = answer.status
                answered = bytes(answer.body or b"")[:LARGEST_TOLD]  # type: ignore[arg-type]
            return answer
        finally:
            failed = not isinstance(status, int) or status >= 400
            self.traffic.ends(exchange, status=status, answered=answered, failed=failed)

    @web.middleware
    async def _front_door(self, request: web.Request, handler: Any) -> web.StreamResponse:
        """Sign-in, ids and troubles, before and after every call."""
        if self.delay:
            await asyncio.sleep(self.delay)
        try:
            await request.read()
        except ConnectionError:  # the caller died in the middle of its call: there is no call
            return web.Response(status=400)
        trouble = self._next_trouble(request)
        if trouble and not trouble.after and (answer := await self._meet(request, trouble)):
            return answer
        answer = self._too_often() or self._refused(request) or await handler(request)
        if trouble and trouble.after and (lost := await self._meet(request, trouble)):
            return lost
        self._record(request, answer.status)
        if answer.status != 429:  # that is the gateway's
            answer.headers["MS-RequestId"] = request.headers.get("MS-RequestId", "")
            answer.headers["MS-CorrelationId"] = request.headers.get("MS-CorrelationId", "")
        if request.headers.get("ValidateMfa", "").lower() == "true" and answer.status < 300:
            answer.headers["isMfaCompliant"] = str(self.login.about(_bearer(request)).mfa).lower()
        return answer

    def _refused(self, request: web.Request) -> web.Response | None:
        token = _bearer(request)
        if not self.login.is_good(token):
            return _error(401, 800001, "The partner's token is missing or not valid.")
        about = self.login.about(token)
        if not about.for_us:
            return _error(401, 900420, "The token is for another audience.")
        if self.login.enforces_mfa and not about.app_only and not about.mfa:
            return _error(401, 900421, "The token has no claim of multi-factor authentication.")
        if not about.app_only and "admin_agent" not in self.roles:
            return _error(403, 900150, "The role of the user lacks the rights for this.")
        for header in ("MS-RequestId", "MS-CorrelationId"):
            try:
                uuid.UUID(request.headers.get(header, ""))
            except ValueError:
                return _error(400, 3000, f"The header {header} is not a GUID.")
        return None

    def _too_often(self) -> web.Response | None:
        """The gateway's answer to more calls a minute than are allowed: without Microsoft's ids."""
        now = time.monotonic()
        while self._lately and now - self._lately[0] >= 60:
            self._lately.popleft()
        if self.a_minute is not None and len(self._lately) >= self.a_minute:
            seconds = int(60 - (now - self._lately[0])) + 1
            said = f"Rate limit is exceeded. Try again in {seconds} seconds."
            body = {"statusCode": 429, "message": said}
            return web.json_response(body, status=429, headers={"Retry-After": str(seconds)})
        self._lately.append(now)
        return None

    def _is_app_only(self, request: web.Request) -> bool:
        return self.login.about(_bearer(request)).app_only

    def _next_trouble(self, request: web.Request) -> Trouble | None:
        for key, waiting in self.troubles.items():
            method, _, ending = key.partition(" ")
            there = (request.path, request.path_qs)
            if waiting and request.method == method and any(p.endswith(ending) for p in there):
                return waiting.popleft()
        return None

    async def _meet(self, request: web.Request, trouble: Trouble) -> web.Response | None:
        if trouble.gate:
            trouble.gate.arrived.set()
            await trouble.gate.opened.wait()
        return self._troubled(request, trouble) if trouble.cut or trouble.status else None

    def _troubled(self, request: web.Request, trouble: Trouble) -> web.Response:
        self._record(request, trouble.status)
        if trouble.cut:
            if request.transport is not None:  # it is None when the caller has gone already
                request.transport.abort()
            return web.Response()
        headers = {"Retry-After": str(trouble.retry_after)} if trouble.retry_after else {}
        body = trouble.body or {"statusCode": trouble.status, "message": "Trouble, on request."}
        return web.json_response(body, status=trouble.status, headers=headers)

    def _record(self, request: web.Request, status: int) -> None:
        ids = (
            request.headers.get("MS-RequestId", ""),
            request.headers.get("MS-CorrelationId", ""),
            request.headers.get("X-Locale", ""),
        )
        self.calls.append(Called(request.method, request.path_qs, *ids, status))

    async def _customers(self, request: web.Request) -> web.Response:
        """A page of customers; the token of the next one is where it was left off."""
        size = min(int(request.query.get("size") or 0) or LARGEST_PAGE, LARGEST_PAGE)
        found = list(self.records.customers.values())
        if "filter" in request.query:
            condition = json.loads(request.query["filter"])
            if condition.get("Operator") != "starts_with":
                return _error(400, 3000, "Only starts_with is supported.")
            found = self.records.find_customers(condition["Field"], condition["Value"])
        start = 0
        if request.query.get("seekOperation") == "Next":
            token = request.headers.get("MS-ContinuationToken", "")
            if token not in self._pages:
                return _error(400, 3000, "The continuation token is not valid.")
            start = self._pages[token]
        more = ""
        if start + size < len(found):
            more = secrets.token_urlsafe(12)
            self._pages[more] = start + size
        return _collection(found[start : start + size], more, size)

    async def _customer(self, request: web.Request) -> web.Response:
        customer = self.records.customers.get(request.match_info["customer"].lower())
        return _json(customer) if customer else _error(404, 20002, "No such customer.")

    async def _subscriptions(self, request: web.Request) -> web.Response:
        self.transitions.advance()
        there = self.records.shown(request.match_info["customer"])
        if there is None:
            return _error(404, 20002, "No such customer.")
        return _collection(there)

    async def _subscription(self, request: web.Request) -> web.Response:
        self.transitions.advance()
        subscription = self._find_shown(request)
        return _json(subscription) if subscription else _error(404, 20003, "No such subscription.")

    async def _upgrades(self, request: web.Request) -> web.Response:
        subscription = self._find_shown(request)
        if subscription is None:
            return _error(404, 20003, "No such subscription.")
        app_only = self._is_app_only(request)
        return _collection(self.records.upgrades(subscription, app_only=app_only))

    async def _upgrade(self, request: web.Request) -> web.Response:
        subscription = self._find(request)
        if subscription is None:
            return _error(404, 20003, "No such subscription.")
        try:
            result = self.records.upgrade(
                request.match_info["customer"].lower(),
                subscription,
                await request.json(),
                request.headers["MS-RequestId"],
                request.headers["MS-CorrelationId"],
                app_only=self._is_app_only(request),
            )
        except ValueError:
            return _error(400, 800002, "The input of the request is not valid.")
        return _json(result)

    async def _licences(self, request: web.Request) -> web.Response:
        if self._is_app_only(request):
            return _error(403, 900329, "This resource cannot be used by an application alone.")
        return _collection(self.records.licences(request.match_info["customer"].lower()))

    async def _audit(self, request: web.Request) -> web.Response:
        """What was done for a customer, by whom; every upgrade is on record."""
        condition = json.loads(request.query["filter"])
        return _collection(self.records.audit(condition["Value"].lower()))

    async def _eligibilities(self, request: web.Request) -> web.Response:
        subscription = self._find(request)
        if subscription is None:
            return _error(404, 20003, "No such subscription.")
        kind = request.query.get("eligibilityType", "immediate")
        customer = request.match_info["customer"].lower()
        return _collection(self.transitions.eligibilities(customer, subscription, kind))

    async def _history(self, request: web.Request) -> web.Response:
        subscription = self._find(request)
        if subscription is None:
            return _error(404, 20003, "No such subscription.")
        operation_id = request.query.get("operationId", "")
        return _json(self.transitions.history(subscription, operation_id))

    async def _start_transition(self, request: web.Request) -> web.Response:
        subscription = self._find(request)
        if subscription is None:
            return _error(404, 20003, "No such subscription.")
        try:
            started = self.transitions.start(
                request.match_info["customer"].lower(),
                subscription,
                await request.json(),
                request.headers["MS-RequestId"],
            )
        except ValueError:
            return _error(400, 800002, "The input of the request is not valid.")
        return _json(started)

    def _find_shown(self, request: web.Request) -> dict[str, Any] | None:
        info = request.match_info
        return self.records.find_shown(info["customer"], info["id"])

    def _find(self, request: web.Request) -> dict[str, Any] | None:
        info = request.match_info
        return self.records.find_subscription(info["customer"], info["id"])


def _bearer(request: web.Request) -> str:
    return request.headers.get("Authorization", "").removeprefix("Bearer ")


async def _say_practice(_request: web.Request, response: web.StreamResponse) -> None:
    response.headers["X-Practice"] = "this is not Partner Center"


def _json(content: Any) -> web.Response:
    body = BOM + json.dumps(content).encode()
    return web.Response(body=body, headers={"Content-Type": "application/json; charset=utf-8"})


def _collection(items: list[Any], token: str = "", size: int = 0) -> web.Response:
    content: dict[str, Any] = {
        "totalCount": len(items),
        "items": items,
        "links": {"self": {"uri": "/customers", "method": "GET", "headers": []}},
        "attributes": {"objectType": "Collection"},
    }
    if token:
        content["continuationToken"] = token
        content["links"]["next"] = {
            "uri": f"/customers?size={size}?seekOperation=Next",
            "method": "GET",
            "headers": [{"key": "MS-ContinuationToken", "value": token}],
        }
    return _json(content)


def _error(status: int, code: int, description: str) -> web.Response:
    body = {"code": code, "description": description, "data": [], "source": "PartnerFD"}
    return web.json_response(body, status=status)
