"""Calls to Partner Center: headers, time limits, repeated reads, and errors by meaning.

What this module knows for sure: a read may be repeated; a write never is, because nobody
knows what came of the first one. Answers are parsed from bytes, up to a limit. No redirect is
followed, so the token never reaches another host. When Partner Center asks to slow down,
everybody waits: a burst of people must not make it worse.
Headers: https://learn.microsoft.com/partner-center/developer/headers
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from itertools import count
from typing import Any, TypeVar
from urllib.parse import urlsplit

import httpx
import structlog

from bot.errors import (
    NotAllowed,
    NotFound,
    PartnerCenterError,
    Rejected,
    SignInFailed,
    Throttled,
    Unreachable,
    Unreadable,
)
from bot.partner_center import wire
from bot.partner_center.auth import SignIn
from bot.retry import retried
from bot.telemetry import metrics

log = structlog.get_logger()

T = TypeVar("T")

TRIES = 4
BODY_LIMIT = 20 * 1024 * 1024
"""Bytes. The largest real answers, hundreds of customers, are below one megabyte."""

ASIDE = 5.0
"""Seconds for a read that nobody waits for."""

NOTHING_MORE = httpx.ByteStream(b"")
"""What is put in place of an answer's stream once it is read. The two hold each other, and only the
garbage collector would find them."""

LONGEST_WAIT = 10.0
"""Seconds that a read waits when Partner Center asks to slow down; beyond, it gives up."""


@dataclass(frozen=True, slots=True)
class Trace:
    """What a call belongs to: `correlation_id` is one for everything about a request, `locale`
    the language of the reader of Partner Center's texts."""

    correlation_id: str
    locale: str = "en-US"


@dataclass(frozen=True, slots=True)
class Call:
    """One call; `request_id` names it for ever, and a write's is stored before it is sent."""

    request_id: str
    trace: Trace


@dataclass(frozen=True, slots=True)
class Limits:
    """Seconds to connect, for a whole read, for a whole write; calls at once; the first pause
    before a read is repeated. Microsoft's own clients wait 3 minutes for a write."""

    connect: float = 5
    read: float = 30
    write: float = 180
    at_once: int = 8
    retry_pause: float = 0.5


@dataclass(frozen=True, slots=True)
class Reply:
    """What came back, whole."""

    status: int
    headers: httpx.Headers
    body: bytes


class Budget:
    """Repetitions may be a fifth of all calls, so that an outage is not met with a storm."""

    def __init__(self, most: float = 20, each_call: float = 0.2) -> None:
        self._left = self._most = most
        self._each_call = each_call

    def call(self) -> None:
        """A first try was made."""
        self._left = min(self._most, self._left + self._each_call)

    def repeat(self) -> bool:
        """Whether one more repetition is in the budget; takes it."""
        if self._left < 1:
            return False
        self._left -= 1
        return True


class Brake:
    """Holds all calls while Partner Center wants a pause."""

    def __init__(self) -> None:
        self._until = 0.0

    def pull(self, seconds: float) -> None:
        """From now on, wait so long."""
        self._until = max(self._until, asyncio.get_running_loop().time() + seconds)

    async def wait(self) -> None:
        """Wait until the pause is over. Raises Throttled when that would take too long."""
        remaining = self._until - asyncio.get_running_loop().time()
        if remaining > LONGEST_WAIT:
            raise Throttled("waiting as Partner Center asked", retry_after=remaining)
        if remaining > 0:
            await asyncio.sleep(remaining)


class Client:
    """One connection pool to one Partner Center. `base` is the API without `/v1`."""

    def __init__(
        self,
        http: httpx.AsyncClient,
        base: str,
        sign_in: SignIn,
        new_id: Callable[[], str],
        limits: Limits = Limits(),
    ) -> None:
        self._http = http
        self._base = base.rstrip("/") + "/v1/"
        self.host = urlsplit(base).netloc
        self._sign_in = sign_in
        self._new_id = new_id
        self._limits = limits
        self._places = asyncio.Semaphore(limits.at_once)
        self._budget = Budget()
        self._brake = Brake()

    async def get(
        self,
        path: str,
        trace: Trace,
        read: Callable[[Any], T],
        *,
        params: dict[str, str] | None = None,
        headers: dict[str, str] | None = None,
    ) -> T:
        """Read `path`, which starts after `/v1/`. Repeats on 429, 5xx and broken connections.

        Returns what `read` makes of the parsed JSON. Raises one of the errors of `bot/errors.py`.
        """
        self._budget.call()
        tries = count()

        async def once() -> T:
            if next(tries):
                metrics.RETRIES.inc()
            call = Call(self._new_id(), trace)
            async with self._places:
                reply = await self._send("GET", path, call, headers, params=params)
            return _read(reply, call, read)

        return await retried(
            once,
            self._is_worth_repeating,
            attempts=TRIES,
            timeout=None,
            wait_initial=self._limits.retry_pause,
            wait_jitter=self._limits.retry_pause,
            wait_max=5,
        )

    async def get_aside(self, path: str, trace: Trace, read: Callable[[Any], T], **more: Any) -> T:
        """Read what nobody waits for: once, quickly, and whatever comes of it slows nothing else
        down. Raises as `get`."""
        call = Call(self._new_id(), trace)
        token = await self._token(call)
        async with self._places:
            reply = await self._exchange("GET", path, call, token, None, within=ASIDE, **more)
        return _read(reply, call, read)

    async def post(self, path: str, call: Call, body: Any, read: Callable[[Any], T]) -> T:
        """Write once, under the stored ids of `call`. Returns what `read` makes of the answer.

        Raises one of the errors of `bot/errors.py`. After Unreadable, and after Unreachable
        without `never_sent`, nobody knows whether it happened.
        """
        return _read(await self._send("POST", path, call, None, json=body), call, read)

    async def _send(
        self, method: str, path: str, call: Call, headers: dict[str, str] | None, **content: Any
    ) -> Reply:
        await self._brake.wait()
        token = await self._token(call)
        reply = await self._exchange(method, path, call, token, headers, **content)
        if reply.status == httpx.codes.UNAUTHORIZED and _code(reply) not in NOT_THE_TOKENS_FAULT:
            # Refused before anything was done, so even a write may be sent with a new token.
            token = await self._token(call, instead_of=token)
            reply = await self._exchange(method, path, call, token, headers, **content)
        if reply.status == httpx.codes.TOO_MANY_REQUESTS:
            metrics.THROTTLES.inc()
            self._brake.pull(_seconds(reply) or self._limits.retry_pause)
        return reply

    async def _token(self, call: Call, instead_of: str | None = None) -> str:
        """A token. Its troubles are those of a call that was not sent, or was refused at once."""
        try:
            return await self._sign_in.token(instead_of=instead_of)
        except PartnerCenterError as error:
            error.never_sent = True
            error.request_id, error.correlation_id = call.request_id, call.trace.correlation_id
            raise

    async def _exchange(
        self,
        method: str,
        path: str,
        call: Call,
        token: str,
        more: dict[str, str] | None,
        within: float | None = None,
        **content: Any,
    ) -> Reply:
        headers = {
            "Authorization": f"Bearer {token}",
            "Accept": "application/json",
            "MS-RequestId": call.request_id,
            "MS-CorrelationId": call.trace.correlation_id,
            "MS-Contract-Version": "v1",
            "MS-PartnerCenter-Application": "upgrade-bot",
            "X-Locale": call.trace.locale,
            **(more or {}),
        }
        within = within or (self._limits.read if method == "GET" else self._limits.write)
        started = asyncio.get_running_loop().time()
        reply, trouble = None, ""
        try:
            async with asyncio.timeout(within):
                reply = await self._stream(method, path, headers, call, content)
        except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout) as error:
            trouble = _named(error)
            raise Unreachable(trouble, never_sent=True, **_ids(call)) from error
        except (httpx.HTTPError, TimeoutError) as error:
            trouble = _named(error)
            raise Unreachable(trouble, **_ids(call)) from error
        finally:
            took = asyncio.get_running_loop().time() - started
            _measured(method, path, call, reply, trouble, took)
        return reply

    async def _stream(
        self, method: str, path: str, headers: dict[str, str], call: Call, content: dict[str, Any]
    ) -> Reply:
        """Send, and read the body as long as it is of a reasonable size."""
        timeout = httpx.Timeout(None, connect=self._limits.connect)
        async with self._http.stream(
            method,
            self._base + path,
            headers=headers,
            timeout=timeout,
            follow_redirects=False,
            **content,
        ) as response:
            body = bytearray()
            async for part in response.aiter_bytes():
                body += part
                if len(body) > BODY_LIMIT:
                    raise Unreadable("an answer without end", **_ids(call))
        response.stream = NOTHING_MORE
        return Reply(response.status_code, response.headers, bytes(body))

    def _is_worth_repeating(self, error: Exception) -> bool | float:
        """Whether a read is worth another try; a number is the pause that Partner Center wants."""
        if isinstance(error, Throttled) and error.retry_after is not None:
            soon = error.retry_after <= LONGEST_WAIT and self._budget.repeat()
            return error.retry_after if soon else False
        return isinstance(error, Throttled | Unreachable) and self._budget.repeat()


NOT_THE_TOKENS_FAULT = frozenset({"900421", "900420", "10001"})
"""Codes of 401 answers that another token of the same sign-in would get too: no MFA in the
consent, or a token for another audience."""


def _read(reply: Reply, call: Call, read: Callable[[Any], T]) -> T:
    if reply.status not in (httpx.codes.OK, httpx.codes.CREATED, httpx.codes.ACCEPTED):
        raise _error(reply, call)
    answered = reply.headers.get("MS-RequestId", call.request_id)
    if answered.lower() != call.request_id.lower():
        raise Unreadable("the answer to another request", status=reply.status, **_ids(call))
    try:
        return read(wire.parse(reply.body))
    except ValueError as error:  # no JSON, or pydantic's ValidationError
        facts = {"status": reply.status, **_ids(call)}
        raise Unreadable("not the answer that was asked for", **facts) from error


_BY_STATUS: dict[int, type[PartnerCenterError]] = {
    401: SignInFailed,
    403: NotAllowed,
    404: NotFound,
}


def _error(reply: Reply, call: Call) -> PartnerCenterError:
    status, code = reply.status, _code(reply)
    facts: dict[str, Any] = {"status": status, "code": code, **_ids(call)}
    message = f"HTTP {status}, code {code or 'none'}"
    if status == httpx.codes.TOO_MANY_REQUESTS:
        return Throttled(message, retry_after=_seconds(reply), **facts)
    if status in _BY_STATUS:
        return _BY_STATUS[status](message, **facts)
    if status >= 500:
        return Unreachable(message, **facts)
    return Rejected(message, **facts) if status >= 400 else Unreadable(message, **facts)


def _code(reply: Reply) -> str:
    """The code of an error body, of Partner Center or of Entra; empty for a gateway's body, a
    page, or nothing at all."""
    try:
        fault = wire.Fault.read(wire.parse(reply.body))
    except ValueError:
        return ""
    return fault.code or (f"AADSTS{fault.error_codes[0]}" if fault.error_codes else "")


def _seconds(reply: Reply) -> float | None:
    """`Retry-After`, which comes in seconds or as a date."""
    value = reply.headers.get("Retry-After", "").strip()
    try:
        return max(0.0, float(value))
    except ValueError:
        pass
    try:
        at = parsedate_to_datetime(value)
    except (TypeError, ValueError):
        return None
    at = at if at.tzinfo else at.replace(tzinfo=UTC)
    return max(0.0, (at - datetime.now(UTC)).total_seconds())


def _measured(
    method: str, path: str, call: Call, reply: Reply | None, trouble: str, took: float
) -> None:
    """Count and log a call, under the names by which Microsoft's support finds it."""
    status = str(reply.status) if reply else trouble or "cancelled"
    metrics.PARTNER_CENTER.labels(method, metrics.call_of(path), status).observe(took)
    facts = {"method": method, "path": path, "status": status, "seconds": round(took, 3)}
    vector = {"ms_cv": reply.headers["MS-CV"]} if reply and "MS-CV" in reply.headers else {}
    log.info("partner_center.call", **facts, **vector, **_ids(call))


def _named(error: Exception) -> str:
    return type(error).__name__


def _ids(call: Call) -> dict[str, Any]:
    return {"request_id": call.request_id, "correlation_id": call.trace.correlation_id}
