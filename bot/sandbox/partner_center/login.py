"""The practice sign-in: what MSAL needs of Microsoft Entra.

https://learn.microsoft.com/entra/identity-platform/v2-oauth2-client-creds-grant-flow
"""

import base64
import json
import secrets
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from aiohttp import web

TOKEN_LASTS = timedelta(hours=1)
OUR_API = "partnercenter"
"""What the scope of a token for Partner Center has in it, in every cloud."""


@dataclass(frozen=True)
class Token:
    """An access token: for whom and for what it was given."""

    expires_at: datetime
    app_only: bool = False
    mfa: bool = True
    for_us: bool = True


class Login:
    """Issues access tokens for one tenant and one application."""

    def __init__(self, clock: Callable[[], datetime]) -> None:
        self._clock = clock
        self.tenant_id = str(uuid.uuid4())
        self.client_id = str(uuid.uuid4())
        self.account_id = str(uuid.uuid4())
        self.client_secret = f"practice-{secrets.token_urlsafe(24)}"
        self.consented = secrets.token_urlsafe(32)
        """The refresh token of the consent that somebody gave once."""
        self.refresh_tokens = {self.consented}
        self.broken: tuple[int, str] | None = None
        """An AADSTS code and an error word that every sign-in gets."""
        self.amr = ["pwd", "mfa"]
        """How whoever consented signed in; every access token says it."""
        self.enforces_mfa = True
        """Whether a token without `mfa` is refused, which Microsoft has begun with in 2026."""
        self._issued: dict[str, Token] = {}
        self.sign_ins = 0
        self.device_codes: dict[str, bool] = {}
        """Codes of device logins, and whether somebody has entered them."""
        self.public_refresh_tokens: set[str] = set()

    def routes(self, base: Callable[[], str]) -> list[web.RouteDef]:
        """Discovery and token endpoint; `base` is the address that they are served at."""

        async def discovery(request: web.Request) -> web.Response:
            if request.match_info["tenant"] != self.tenant_id:
                return self._error(400, "invalid_tenant", 90002)
            here = f"{base()}/{self.tenant_id}"
            return web.json_response(
                {
                    "issuer": f"{here}/v2.0",
                    "authorization_endpoint": f"{here}/oauth2/v2.0/authorize",
                    "token_endpoint": f"{here}/oauth2/v2.0/token",
                    "device_authorization_endpoint": f"{here}/oauth2/v2.0/devicecode",
                }
            )

        return [
            web.get("/{tenant}/v2.0/.well-known/openid-configuration", discovery),
            web.post("/{tenant}/oauth2/v2.0/token", self._token),
            web.post("/{tenant}/oauth2/v2.0/devicecode", self._device_code),
        ]

    def is_good(self, token: str) -> bool:
        """Whether this is an access token of ours that has not expired."""
        return token in self._issued and self._clock() < self._issued[token].expires_at

    def about(self, token: str) -> Token:
        """What a good token is for."""
        return self._issued[token]

    def revoke_access_tokens(self) -> None:
        """Let every access token be refused from now on."""
        self._issued.clear()

    def new_access_token(self, *, app_only: bool = False, scope: str = OUR_API) -> str:
        """An access token that is good for an hour."""
        claims = base64.urlsafe_b64encode(json.dumps({"amr": self.amr}).encode()).decode()
        token = f"e30.{claims.rstrip('=')}.{secrets.token_urlsafe(32)}"
        self._issued[token] = Token(
            self._clock() + TOKEN_LASTS, app_only, "mfa" in self.amr, OUR_API in scope
        )
        return token

    async def _token(self, request: web.Request) -> web.Response:
        form = await request.post()
        if self.broken:
            return self._error(400, self.broken[1], self.broken[0])
        if form.get("client_id") != self.client_id:
            return self._error(400, "unauthorized_client", 700016)
        if form.get("grant_type") == "urn:ietf:params:oauth:grant-type:device_code":
            return self._device_token(str(form.get("device_code")))
        if form.get("refresh_token") in self.public_refresh_tokens:
            if "client_secret" in form:  # a public client has none
                return self._error(401, "invalid_client", 700025)
            return self._issue_public()
        if form.get("client_secret") != self.client_secret and "client_assertion" not in form:
            return self._error(401, "invalid_client", 7000215)
        match form.get("grant_type"):
            case "refresh_token" if form.get("refresh_token") in self.refresh_tokens:
                refresh_token = secrets.token_urlsafe(32)
                self.refresh_tokens.add(refresh_token)
                return self._issue(refresh_token, str(form.get("scope", OUR_API)))
            case "refresh_token":
                return self._error(400, "invalid_grant", 70008)
            case "client_credentials":
                return self._issue(None, str(form.get("scope", OUR_API)))
            case _:
                return self._error(400, "unsupported_grant_type", 70003)

    async def _device_code(self, request: web.Request) -> web.Response:
        form = await request.post()
        if form.get("client_id") != self.client_id:
            return self._error(400, "unauthorized_client", 700016)
        code = secrets.token_urlsafe(24)
        self.device_codes[code] = False
        return web.json_response(
            {
                "device_code": code,
                "user_code": "PRACTICE1",
                "verification_uri": "https://practice.example/devicelogin",
                "expires_in": 900,
                "interval": 1,
                "message": "Open https://practice.example/devicelogin and enter PRACTICE1",
            }
        )

    def _device_token(self, code: str) -> web.Response:
        if code not in self.device_codes:
            return self._error(400, "bad_verification_code", 70019)
        if not self.device_codes[code]:
            return self._error(400, "authorization_pending", 70016)
        del self.device_codes[code]
        return self._issue_public()

    def _issue_public(self) -> web.Response:
        refresh_token = secrets.token_urlsafe(32)
        self.public_refresh_tokens.add(refresh_token)
        return self._issue(refresh_token)

    def _issue(self, refresh_token: str | None, scope: str = OUR_API) -> web.Response:
        self.sign_ins += 1
        token = self.new_access_token(app_only=refresh_token is None, scope=scope)
        answer = {
            "token_type": "Bearer",
            "expires_in": int(TOKEN_LASTS.total_seconds()),
            "access_token": token,
        }
        if refresh_token:
            who = {"uid": self.account_id, "utid": self.tenant_id}
            answer |= {
                "refresh_token": refresh_token,
                "client_info": base64.urlsafe_b64encode(json.dumps(who).encode()).decode(),
            }
        return web.json_response(answer)

    def _error(self, status: int, error: str, code: int) -> web.Response:
        return web.json_response(
            {
                "error": error,
                "error_description": f"AADSTS{code}: the practice sign-in says no.",
                "error_codes": [code],
                "trace_id": str(uuid.uuid4()),
                "correlation_id": str(uuid.uuid4()),
            },
            status=status,
        )
