"""Signing in at Microsoft: as which app, and for `upgrade-bot login` by a person, on any device."""

import ssl
from collections.abc import Callable
from datetime import UTC, datetime

import httpx

from bot.config.settings import NEW_KEY, Settings
from bot.errors import PartnerCenterError
from bot.messages import words
from bot.partner_center import ENDPOINTS, Application, device_login
from bot.preflight.database import open_store
from bot.preflight.diagnostics import StartProblem, bad
from bot.store.vault import SealedVault


def application(settings: Settings, http: httpx.Client) -> Application:
    """The partner's app registration, as the settings name it."""
    endpoints = ENDPOINTS[settings.partner_center_cloud]
    login = settings.partner_center_login_url or endpoints.login
    return Application(
        authority=f"{login}/{settings.partner_center_tenant_id}",
        client_id=settings.partner_center_client_id,
        credential=_credential(settings),
        audience=endpoints.audience,
        custom_login=settings.partner_center_login_url is not None,
        http=http,
    )


def _credential(settings: Settings) -> str | dict[str, str]:
    """What MSAL takes: the secret, or certificate and private key out of one PEM file."""
    if settings.partner_center_certificate:
        pem = settings.partner_center_certificate.read_text(encoding="ascii")
        return {"private_key": pem, "public_certificate": pem}
    secret = settings.partner_center_client_secret
    return secret.get_secret_value() if secret else ""


async def sign_in_by_device(
    settings: Settings, say: Callable[[str], None], trust: ssl.SSLContext | None = None
) -> None:
    """Let a person sign in for the bot; `say` gets Microsoft's sentence with address and code.

    Raises StartProblem with who must do what.
    """
    if settings.upgrade_bot_secret_key is None:
        raise StartProblem([bad("UPGRADE_BOT_SECRET_KEY", "is not set", f"{NEW_KEY}.")])
    store = await open_store(settings.upgrade_bot_database_url.get_secret_value())
    vault = SealedVault(store, settings.upgrade_bot_secret_key.get_secret_value())
    try:
        with httpx.Client(verify=trust or ssl.create_default_context(), timeout=10) as http:
            await device_login(application(settings, http), vault, say, lambda: datetime.now(UTC))
        await store.trail.note("signed_in", {"client_id": settings.partner_center_client_id})
    except PartnerCenterError as error:
        sentence = words.SIGN_IN.get(error.code or "", "Try again.")
        raise StartProblem([bad("sign-in", f"it failed ({error})", sentence)]) from error
    finally:
        await store.close()
