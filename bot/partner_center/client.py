"""Calls to Partner Center: headers, time limits, repeated reads, and errors by meaning.

What this module knows for sure: a read may be repeated; a write never is, because nobody
knows what came of the first one. Answers are parsed from bytes. No redirect is followed, so
the token never reaches another host.
Headers: https://learn.microsoft.com/partner-center/developer/headers
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

import httpx
import stamina
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

log = structlog.get_logger()

T = TypeVar("T")

AT_ONCE = 8
"""Calls to Partner Center at the same time: fast enough for 60 subscriptions, and polite."""

READ_TIMEOUT = httpx.Timeout(30, connect=5)
WRITE_TIMEOUT = httpx.Timeout(180, connect=5)
"""Microsoft's own clients wait 3 minutes for a write."""


@dataclass(frozen=True, slots=True)
class Call:
    """The two ids of a call: `request_id` names it, `correlation_id` what it belongs to."""

    request_id: str
    correlation_id: str


class Client:
    """One connection pool to one Partner Center. `base` is the API without `/v1`."""

    def __init__(
        self,
        http: httpx.AsyncClient,
        base: str,
        sign_in: SignIn,
        new_id: Callable[[], str],
        retry_pause: float = 0.5,
    ) -> None:
        self._http = http
        self._base = base.rstrip("/") + "/v1/"
        self._sign_in = sign_in
        self._new_id = new_id
        self._retry_pause = retry_pause
        self._places = asyncio.Semaphore(AT_ONCE)

    async def get(
        self, path: str, correlation_id: str, read: Callable[[Any], T], **params: str
    ) -> T:
        """Read `path`, which starts after `/v1/`. Repeats on 429, 5xx and broken connections.

        Returns what `read` makes of the parsed JSON. Raises one of the errors of `bot/errors.py`.
        """
        call = Call(self._new_id(), correlation_id)
        async for attempt in stamina.retry_context(
            on=_pause_asked,
            attempts=4,
            timeout=20,
            wait_initial=self._retry_pause,
            wait_jitter=self._retry_pause,
            wait_max=5,
        ):
            with attempt:
                async with self._places:
                    response = await self._send("GET", path, call, params=params)
                return _read(response, call, read)
        raise AssertionError("stamina either returns or raises")

    async def post(self, path: str, call: Call, body: Any, read: Callable[[Any], T]) -> T:
        """Write once, under the stored ids of `call`. Returns what `read` makes of the answer.

        Raises one of the errors of `bot/errors.py`. After Unreadable, and after Unreachable
        without `never_sent`, nobody knows whether it happened.
        """
        return _read(await self._send("POST", path, call, json=body), call, read)

    async def _send(self, method: str, path: str, call: Call, **content: Any) -> httpx.Response:
        token = await self._sign_in.token()
        response = await self._exchange(method, path, call, token, **content)
        if response.status_code == httpx.codes.UNAUTHORIZED:
            # Refused before anything was done, so even a write may be sent with a new token.
            token = await self._sign_in.token(instead_of=token)
            response = await self._exchange(method, path, call, token, **content)
        return response

    async def _exchange(
        self, method: str, path: str, call: Call, token: str, **content: Any
    ) -> httpx.Response:
        headers = {
            "Authorization": f"Bearer {token}",
            "Accept": "application/json",
            "MS-RequestId": call.request_id,
            "MS-CorrelationId": call.correlation_id,
            "MS-Contract-Version": "v1",
            "MS-PartnerCenter-Application": "upgrade-bot",
            "X-Locale": "en-US",
        }
        timeout = READ_TIMEOUT if method == "GET" else WRITE_TIMEOUT
        try:
            response = await self._http.request(
                method, self._base + path, headers=headers, timeout=timeout, **content
            )
        except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout) as error:
            raise Unreachable(type(error).__name__, never_sent=True, **_ids(call)) from error
        except httpx.HTTPError as error:
            raise Unreachable(type(error).__name__, **_ids(call)) from error
        log.info(
            "partner_center.call",
            method=method,
            path=path,
            status=response.status_code,
            seconds=round(response.elapsed.total_seconds(), 3),
            **_ids(call),
        )
        return response


def _pause_asked(error: Exception) -> bool | float:
    """Whether a read is worth another try; a number is the pause that Partner Center wants."""
    if isinstance(error, Throttled) and error.retry_after is not None:
        return error.retry_after if error.retry_after <= 10 else False
    return isinstance(error, Throttled | Unreachable)


def _read(response: httpx.Response, call: Call, read: Callable[[Any], T]) -> T:
    if response.status_code != httpx.codes.OK:
        raise _error(response, call)
    try:
        return read(wire.parse(response.content))
    except ValueError as error:  # no JSON, or pydantic's ValidationError
        raise Unreadable("not the answer that was asked for", status=200, **_ids(call)) from error


_BY_STATUS: dict[int, type[PartnerCenterError]] = {
    401: SignInFailed,
    403: NotAllowed,
    404: NotFound,
}


def _error(response: httpx.Response, call: Call) -> PartnerCenterError:
    status, code = response.status_code, _fault_code(response)
    facts: dict[str, Any] = {"status": status, "code": code, **_ids(call)}
    message = f"HTTP {status}, code {code or 'none'}"
    if status == httpx.codes.TOO_MANY_REQUESTS:
        return Throttled(message, retry_after=_seconds(response), **facts)
    if status in _BY_STATUS:
        return _BY_STATUS[status](message, **facts)
    if status >= 500:
        return Unreachable(message, **facts)
    return Rejected(message, **facts) if status >= 400 else Unreadable(message, **facts)


def _fault_code(response: httpx.Response) -> str:
    """The code of an error body; empty for a gateway's page or for no body at all."""
    try:
        return wire.Fault.read(wire.parse(response.content)).code
    except ValueError:
        return ""


def _seconds(response: httpx.Response) -> float | None:
    try:
        return float(response.headers.get("Retry-After", ""))
    except ValueError:
        return None


def _ids(call: Call) -> dict[str, Any]:
    return {"request_id": call.request_id, "correlation_id": call.correlation_id}
