"""Microsoft's side: the sign-in and how long it lasts, MFA, and the roles at Partner Center."""

import base64
import binascii
import json
from typing import Any

from bot.config.settings import Settings
from bot.errors import NotAllowed, PartnerCenterError, SignInFailed
from bot.messages import words
from bot.partner_center import Client, SignIn, Trace, is_guid
from bot.partner_center.auth import WARN_BEFORE
from bot.preflight.diagnostics import Finding, bad, doubtful, good


class MicrosoftProbes:
    """What can be asked with the sign-in."""

    def __init__(self, settings: Settings, client: Client, sign_in: SignIn, trace: Trace) -> None:
        self._settings = settings
        self._client = client
        self._sign_in = sign_in
        self._trace = trace

    async def partner_center(self, *, thoroughly: bool) -> list[Finding]:
        """Whether the sign-in opens it, how it was made, and how long it lasts."""
        try:
            customers = await self._read("customers", size="1")
        except SignInFailed as error:
            return [bad("sign-in", *_who_must_do_what(error))]
        except NotAllowed as error:
            return [
                bad(
                    "roles",
                    f"the sign-in may not list customers (code {error.code or 'none'})",
                    "Give the consenting user the role Admin agent in Partner Center.",
                )
            ]
        except PartnerCenterError as error:
            return [
                bad(
                    "PARTNER_CENTER",
                    f"no use of Partner Center ({error})",
                    "Check the network, and PARTNER_CENTER_API_URL and PARTNER_CENTER_LOGIN_URL if "
                    "they are set.",
                )
            ]
        found = [good("sign-in", f"{self._client.host} lists customers"), *self._lasting()]
        found += await self._mfa()
        items = customers.get("items") if isinstance(customers, dict) else None
        if thoroughly and items and is_guid(customer_id := str(items[0].get("id"))):
            found += await self._roles(customer_id)
        return found

    def _lasting(self) -> list[Finding]:
        if self._settings.partner_center_auth == "app_only":
            return [
                doubtful(
                    "PARTNER_CENTER_AUTH",
                    "app_only: upgrades that move licences too are not possible",
                    "Set app_user and run `upgrade-bot login`, if the team needs them.",
                )
            ]
        left = self._sign_in.lasts()
        if left is None or self._settings.upgrade_bot_secret_key is None:
            return []
        if left <= WARN_BEFORE:
            what = f"the stored sign-in ends in {left.days} days unless it is used"
            return [doubtful("refresh token", what, "Start the bot, which uses it every day.")]
        return [good("refresh token", f"{left.days} days left, and every use renews it")]

    async def _mfa(self) -> list[Finding]:
        """Whether whoever consented signed in with MFA, as far as the token tells."""
        if self._settings.partner_center_auth == "app_only":
            return []
        methods = _claims(await self._sign_in.token()).get("amr")
        if methods is None:
            return [good("MFA", "the token does not tell; Partner Center has accepted it")]
        if "mfa" in methods:
            return [good("MFA", "whoever consented signed in with it")]
        return [bad("MFA", "the sign-in was made without it", words.SIGN_IN["900421"])]

    async def _roles(self, customer_id: str) -> list[Finding]:
        """Enough for an upgrade, and for one that moves licences: by reading what each needs. An
        application alone may not read licences, which its own line says."""
        found = []
        needed = [("for upgrades", "subscriptions", "Directory Reader (GDAP), or Admin agent")]
        if self._settings.partner_center_auth != "app_only":
            needed.append(("for licence transfer", "subscribedskus", "Directory Writer (GDAP)"))
        for what, path, role in needed:
            name = f"roles {what}"
            try:
                await self._read(f"customers/{customer_id}/{path}")
            except NotAllowed as error:
                code = error.code or "none"
                denied = f"the first customer's {path} may not be read (code {code})"
                found.append(doubtful(name, denied, f"Give the consenting user {role}."))
            except PartnerCenterError as error:
                found.append(doubtful(name, f"could not be tried out ({error})", "Check again."))
            else:
                found.append(good(name, f"the first customer's {path} can be read"))
        return found

    async def _read(self, path: str, **params: str) -> Any:
        get = self._client.get
        return await get(path, self._trace, lambda answer: answer, params=params)


def _who_must_do_what(error: SignInFailed) -> tuple[str, str]:
    code = error.code or ""
    if sentence := words.SIGN_IN.get(code):
        return f"Microsoft refuses it ({code})", sentence
    return (
        f"Microsoft does not accept it ({code or error})",
        "Check tenant, client id, secret or certificate, and the refresh token; its consent must "
        "have been given with MFA.",
    )


def _claims(token: str) -> dict[str, Any]:
    """What a token says, where it can be read; Microsoft promises nobody that it can."""
    try:
        middle = token.split(".")[1]
        claims = json.loads(base64.urlsafe_b64decode(middle + "=" * (-len(middle) % 4)))
    except (IndexError, ValueError, binascii.Error):
        return {}
    return claims if isinstance(claims, dict) else {}
