"""Signing in at Microsoft with MSAL, and keeping what came of it.

Two ways: `app_user` acts for a person who consented once with MFA (Microsoft's secure
application model: a refresh token, brought along or made by `upgrade-bot login`); `app_only`
signs in as the application itself, which Partner Center does not accept for licence transfers.

A refresh token dies after 90 days without use, so it is used every day.
https://learn.microsoft.com/entra/identity-platform/refresh-tokens
"""

import asyncio
import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Protocol

import httpx
import msal
import structlog
from msal.exceptions import MsalError
from pydantic import BaseModel

from bot.errors import SignInFailed, Unreachable

log = structlog.get_logger()

RENEW_BEFORE = timedelta(minutes=5)
USE_EVERY = timedelta(days=1)
DIES_UNUSED_AFTER = timedelta(days=90)
WARN_BEFORE = timedelta(days=30)

NOBODY_SIGNED_IN = "nobody_signed_in"
"""The code of a SignInFailed when there is neither a refresh token nor a login."""


class Cloud(StrEnum):
    """Which of Microsoft's clouds the partner is in."""

    GLOBAL = "global"
    CHINA = "china"
    US_GOVERNMENT = "us_government"


@dataclass(frozen=True, slots=True)
class Endpoints:
    """Where to sign in, where the API is, for whom the token is asked (`audience`), and where the
    page of a `{customer}` is; empty where that is not known."""

    login: str
    api: str
    audience: str
    portal: str = ""


PORTAL = "https://partner.microsoft.com/dashboard/v2/customers/{customer}/account"


ENDPOINTS = {
    Cloud.GLOBAL: Endpoints(
        "https://login.microsoftonline.com",
        "https://api.partnercenter.microsoft.com",
        "https://api.partnercenter.microsoft.com",
        PORTAL,
    ),
    Cloud.CHINA: Endpoints(
        "https://login.partner.microsoftonline.cn",
        "https://partner.partnercenterapi.microsoftonline.cn",
        "https://partner.partnercenterapi.microsoftonline.cn",
    ),
    Cloud.US_GOVERNMENT: Endpoints(
        "https://login.microsoftonline.us",
        "https://api.partnercenter.microsoft.com",
        "https://api.partnercenter.microsoft.com",
        PORTAL,
    ),
}


class Kept(BaseModel):
    """What is kept between starts, and shared by replicas: the access token, MSAL's cache,
    whose login it is (a device login is of a public client), the newest refresh token where
    MSAL gave it out, the one that it began with, as a hash, and when it was last used."""

    token: str = ""
    good_until: datetime | None = None
    cache: str = ""
    refresh_token: str | None = None
    by_login: bool = False
    began_with: str = ""
    used_at: datetime | None = None


class Vault(Protocol):
    """Where `Kept` is kept, sealed."""

    async def load(self) -> str | None:
        """What was saved last; None when there is nothing, or nothing that can be opened."""

    async def save(self, text: str) -> None:
        """Keep it."""


@dataclass(frozen=True)
class Application:
    """The app registration. `credential` is what MSAL takes: a client secret, or a dictionary
    with a certificate. `authority` is the login with the tenant; `custom_login` is one that is
    not Microsoft's and must not be looked up there. MSAL blocks; `http` serves it in a thread.
    """

    authority: str
    client_id: str
    credential: str | dict[str, str]
    audience: str
    custom_login: bool
    http: httpx.Client

    @property
    def scopes(self) -> list[str]:
        """All that was consented to."""
        return [f"{self.audience}/.default"]

    def open(self, cache: msal.TokenCache, *, public: bool) -> msal.ClientApplication:
        """MSAL's object for it. Its constructor already calls the login: not on the loop."""
        more = {} if public else {"client_credential": self.credential}
        kind = msal.PublicClientApplication if public else msal.ConfidentialClientApplication
        return kind(
            self.client_id,
            authority=self.authority,
            instance_discovery=False if self.custom_login else None,
            http_client=self.http,
            token_cache=cache,
            **more,
        )


class SignIn:
    """Gives out access tokens; one sign-in serves everybody who waits for it.

    With `app_only` the application signs in as itself; otherwise with the `refresh_token`, or
    with what `device_login` left in the vault. Without a vault everything is in memory only.
    """

    def __init__(
        self,
        application: Application,
        *,
        app_only: bool,
        refresh_token: str | None,
        vault: Vault | None,
        clock: Callable[[], datetime],
    ) -> None:
        self._application = application
        self._app_only = app_only
        self._refresh_token = refresh_token
        self._vault = vault
        self._clock = clock
        self._kept = Kept()
        self._lock = asyncio.Lock()

    async def token(self, *, instead_of: str | None = None) -> str:
        """An access token that is good for some minutes at least.

        Pass the token that Partner Center has just refused as `instead_of` for another one.
        Raises SignInFailed when Microsoft refuses, Unreachable when it does not answer.
        """
        async with self._lock:
            if not self._is_good(instead_of):
                await self._load()  # another replica may have signed in meanwhile
            if not self._is_good(instead_of):
                await self._renew()
            return self._kept.token

    async def keep_alive(self) -> None:
        """Use the refresh token if it was not used for a day. Raises as `token`."""
        async with self._lock:
            used_at = self._kept.used_at
            if not self._app_only and (used_at is None or self._clock() - used_at >= USE_EVERY):
                await self._load()
                await self._renew()

    async def keep_alive_for_ever(self, every: float = 3600.0) -> None:
        """`look_after` the sign-in every so many seconds."""
        while True:
            await self.look_after()
            await asyncio.sleep(every)

    async def look_after(self) -> None:
        """`keep_alive`; the log tells the operator when that fails, and when the end is near."""
        try:
            await self.keep_alive()
        except (SignInFailed, Unreachable) as error:
            log.warning("sign_in.not_renewed", trouble=str(error), code=error.code)
        lasts = self.lasts()
        if lasts is not None and lasts <= WARN_BEFORE:
            log.warning("sign_in.dies_soon", days=lasts.days)

    def dies_at(self) -> datetime | None:
        """When the refresh token dies if it is not used any more; None when there is none."""
        used_at = None if self._app_only else self._kept.used_at
        return used_at + DIES_UNUSED_AFTER if used_at else None

    def lasts(self) -> timedelta | None:
        """How long from now the refresh token lives unused; None when there is none."""
        dies_at = self.dies_at()
        return dies_at - self._clock() if dies_at else None

    def _is_good(self, instead_of: str | None) -> bool:
        kept = self._kept
        in_time = kept.good_until is not None and self._clock() < kept.good_until
        return in_time and kept.token != instead_of

    async def _renew(self) -> None:
        self._kept = await asyncio.to_thread(self._sign_in, self._kept)
        if self._vault:
            await self._vault.save(self._kept.model_dump_json())

    async def _load(self) -> None:
        """A new refresh token in the settings makes whatever is kept of an older one void."""
        text = await self._vault.load() if self._vault else None
        kept = Kept.model_validate_json(text) if text else self._kept
        began_with = _hash(self._refresh_token)
        if self._refresh_token and kept.began_with != began_with:
            kept = Kept(began_with=began_with)
        self._kept = kept

    def _sign_in(self, kept: Kept) -> Kept:
        """Ask Microsoft; MSAL's own memory of access tokens is passed over, its accounts and
        refresh tokens are used."""
        cache = msal.SerializableTokenCache()
        if kept.cache and not self._app_only:
            cache.deserialize(kept.cache)
        try:
            answer = self._ask(cache, kept)
        except (httpx.HTTPError, MsalError) as error:  # MSAL raises for the login's 5xx
            raise Unreachable(f"sign-in: {type(error).__name__}") from error
        except ValueError as error:  # MSAL could not use what it found at the authority
            raise SignInFailed("the sign-in address does not know this tenant") from error
        if "access_token" not in answer:
            raise _failed(answer)
        lasts = timedelta(seconds=int(answer.get("expires_in", 3600)))
        update = {
            "token": answer["access_token"],
            "good_until": self._clock() + max(lasts - RENEW_BEFORE, lasts / 2),
            "cache": cache.serialize(),
            "refresh_token": answer.get("refresh_token", kept.refresh_token),
            "used_at": self._clock(),
        }
        return kept.model_copy(update=update)

    def _ask(self, cache: msal.TokenCache, kept: Kept) -> dict[str, Any]:
        application = self._application.open(cache, public=kept.by_login)
        scopes = self._application.scopes
        if self._app_only:
            return dict(application.acquire_token_for_client(scopes))
        for account in application.get_accounts():
            answer = application.acquire_token_silent_with_error(
                scopes, account, force_refresh=True
            )
            if answer:
                return dict(answer)
        refresh_token = kept.refresh_token or self._refresh_token
        if refresh_token is None:
            raise SignInFailed("nobody has signed in yet", code=NOBODY_SIGNED_IN)
        return dict(application.acquire_token_by_refresh_token(refresh_token, scopes))


async def device_login(
    application: Application,
    vault: Vault,
    say: Callable[[str], None],
    clock: Callable[[], datetime],
) -> None:
    """Let a person sign in on any device, and keep what comes of it in the vault.

    `say` gets Microsoft's own sentence with the address and the code. Takes up to 15 minutes.
    Raises SignInFailed or Unreachable.
    """
    cache = msal.SerializableTokenCache()

    def ask() -> dict[str, Any]:
        try:
            public = application.open(cache, public=True)
            flow = public.initiate_device_flow(application.scopes)
            if "user_code" not in flow:
                raise _failed(flow)
            say(flow["message"])
            return dict(public.acquire_token_by_device_flow(flow))
        except (httpx.HTTPError, MsalError) as error:
            raise Unreachable(f"sign-in: {type(error).__name__}") from error
        except ValueError as error:
            raise SignInFailed("the sign-in address does not know this tenant") from error

    answer = await asyncio.to_thread(ask)
    if "access_token" not in answer:
        raise _failed(answer)
    kept = Kept(cache=cache.serialize(), by_login=True, used_at=clock())
    await vault.save(kept.model_dump_json())


def _failed(answer: dict[str, Any]) -> SignInFailed:
    codes = answer.get("error_codes") or []
    code = f"AADSTS{codes[0]}" if codes else str(answer.get("error", ""))
    return SignInFailed(
        f"sign-in refused: {answer.get('error')}",
        code=code,
        correlation_id=answer.get("correlation_id"),
    )


def _hash(secret: str | None) -> str:
    return hashlib.sha256(secret.encode()).hexdigest() if secret else ""
