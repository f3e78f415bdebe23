"""Signing in at Microsoft with MSAL, and keeping the access token.

Two ways: `app_user` redeems the refresh token of a consent that a person with MFA gave once
(Microsoft's secure application model), `app_only` signs in as the application itself, which
Partner Center does not accept for licence transfers.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

import httpx
import msal

from bot.errors import SignInFailed, Unreachable

RENEW_BEFORE = timedelta(minutes=5)


class Cloud(StrEnum):
    """Which of Microsoft's clouds the partner is in."""

    GLOBAL = "global"
    CHINA = "china"
    US_GOVERNMENT = "us_government"


@dataclass(frozen=True, slots=True)
class Endpoints:
    """Where to sign in, where the API is, and for whom the token is asked (`audience`)."""

    login: str
    api: str
    audience: str


ENDPOINTS = {
    Cloud.GLOBAL: Endpoints(
        "https://login.microsoftonline.com",
        "https://api.partnercenter.microsoft.com",
        "https://api.partnercenter.microsoft.com",
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
    ),
}


class SignIn:
    """Gives out access tokens; one sign-in serves everybody who waits for it.

    `credential` is what MSAL takes: a client secret, or a dictionary with a certificate.
    Without a `refresh_token` the application signs in as itself. `authority` is the login
    with the tenant; set `custom_login` for one that is not Microsoft's, which must then not
    be looked up at Microsoft. MSAL blocks, so it runs in a thread; `http` serves it there.
    """

    def __init__(
        self,
        *,
        authority: str,
        client_id: str,
        credential: str | dict[str, str],
        audience: str,
        refresh_token: str | None,
        custom_login: bool,
        http: httpx.Client,
        clock: Callable[[], datetime],
    ) -> None:
        self._authority = authority
        self._client_id = client_id
        self._credential = credential
        self._scopes = [f"{audience}/.default"]
        self._refresh_token = refresh_token
        self._custom_login = custom_login
        self._http = http
        self._clock = clock
        self._application: msal.ConfidentialClientApplication | None = None
        self._token = ""
        self._good_until: datetime | None = None
        self._lock = asyncio.Lock()

    async def token(self, *, instead_of: str | None = None) -> str:
        """An access token that is good for some minutes at least.

        Pass the token that Partner Center has just refused as `instead_of` for another one.
        Raises SignInFailed when Microsoft refuses, Unreachable when it does not answer.
        """
        async with self._lock:
            stale = self._good_until is None or self._clock() >= self._good_until
            if self._token == instead_of:
                self._application = None  # with it goes MSAL's memory of the refused token
            if stale or self._token == instead_of:
                answer = await asyncio.to_thread(self._sign_in)
                self._token = answer["access_token"]
                lasts = timedelta(seconds=int(answer.get("expires_in", 3600)))
                self._good_until = self._clock() + max(lasts - RENEW_BEFORE, lasts / 2)
            return self._token

    def _sign_in(self) -> dict[str, Any]:
        try:
            if self._application is None:  # its constructor already calls Microsoft
                self._application = msal.ConfidentialClientApplication(
                    self._client_id,
                    client_credential=self._credential,
                    authority=self._authority,
                    instance_discovery=False if self._custom_login else None,
                    http_client=self._http,
                )
            answer = self._ask(self._application)
        except httpx.HTTPError as error:
            raise Unreachable(f"sign-in: {type(error).__name__}") from error
        except ValueError as error:  # MSAL could not use what it found at the authority
            raise SignInFailed("the sign-in address does not know this tenant") from error
        if "access_token" not in answer:
            codes = answer.get("error_codes") or []
            code = f"AADSTS{codes[0]}" if codes else str(answer.get("error", ""))
            raise SignInFailed(
                f"sign-in refused: {answer.get('error')}",
                code=code,
                correlation_id=answer.get("correlation_id"),
            )
        self._refresh_token = answer.get("refresh_token", self._refresh_token)
        return answer

    def _ask(self, application: msal.ConfidentialClientApplication) -> dict[str, Any]:
        if self._refresh_token is None:
            answer = application.acquire_token_for_client(self._scopes)
        else:
            answer = application.acquire_token_by_refresh_token(self._refresh_token, self._scopes)
        return dict(answer)
