"""Is everything as it must be? One list of probes, for `upgrade-bot check` and before every start.

Each probe finds one thing good, doubtful or bad, and says what to do about it. What is bad keeps
the bot from starting; what is doubtful is in its log. The probes ask side by side.
"""

import asyncio
import base64
import binascii
import json
from collections.abc import Awaitable
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from functools import reduce
from typing import Any

import structlog
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from bot.domain.policy import CHANNEL, Names, Policy, PolicyBook, Rule
from bot.errors import NotAllowed, PartnerCenterError, SignInFailed
from bot.findings import Finding, bad, doubtful, good
from bot.messages import words
from bot.partner_center import Client, SignIn, Trace, is_guid
from bot.partner_center.auth import WARN_BEFORE
from bot.settings import NEW_KEY, Settings
from bot.slack import SLACK_ERRORS, word_of
from bot.store import NEWEST, Store
from bot.vault import Sealed, SealedVault

log = structlog.get_logger()

SCOPES = frozenset(
    {"commands", "chat:write", "users:read", "usergroups:read", "channels:read", "groups:read"}
    | {"files:write"}
)
"""The bot scopes that the bot's calls need; the manifest asks for the same."""

SKEW_DOUBTFUL, SKEW_BAD = timedelta(seconds=30), timedelta(minutes=4)
"""Slack's signatures and Microsoft's assertions are good for five minutes."""

SLACKS_OWN = frozenset({"ratelimited", "internal_error", "fatal_error", "service_unavailable"})
"""Slack's words for its own troubles: the token may be as good as ever."""

SAID_ALREADY = frozenset(
    {"invalid_auth", "not_authed", "token_revoked", "token_expired", "account_inactive"}
    | {"missing_scope", "ClientConnectorError", "TimeoutError"}
)
"""Why a question was not answered, where the probe of the token or of its scopes says the same."""


class Preflight:
    """The probes, over the settings and whatever of the bot could be built. Without a `store` what
    is kept there is not looked at."""

    def __init__(
        self,
        settings: Settings,
        policies: PolicyBook,
        *,
        slack: AsyncWebClient,
        partner_center: Client,
        sign_in: SignIn,
        store: Store | None,
        correlation_id: str,
    ) -> None:
        self._settings = settings
        self._policies = policies
        self._slack = slack
        self._partner_center = partner_center
        self._sign_in = sign_in
        self._store = store
        self._trace = Trace(correlation_id)
        self.team_id = self.workspace_url = ""
        """The workspace, once its token was found good."""

    async def run(self, *, thoroughly: bool = False) -> list[Finding]:
        """Everything that was found. `thoroughly` also tries out the roles at Partner Center, which
        takes calls one after another. Calls of the probes that fail raise nothing."""
        probes: list[Awaitable[list[Finding]]] = [
            self._database(),
            self._key(),
            self._bot_token(),
            self._app_token(),
            self._channels(),
            self._approvers(),
            self._microsoft(thoroughly=thoroughly),
        ]
        found = await asyncio.gather(*probes)
        everything = [
            good("settings", "all is set, and the policy is understood"),
            *(finding for part in found for finding in part),
        ]
        return list(dict.fromkeys(everything))  # Slack in trouble is said once

    # What is ours

    async def _database(self) -> list[Finding]:
        if self._store is None:
            return []
        kind = "PostgreSQL" if self._store.is_shared else "SQLite, for one bot"
        revision = await self._store.revision()
        if revision != NEWEST:
            return [
                doubtful(
                    "database",
                    f"{kind}; its tables are of an older version ({revision})",
                    f"The next start brings them to {NEWEST}. Make a back-up first.",
                )
            ]
        return [good("database", f"{kind}; its tables are of this version ({revision})")]

    async def _key(self) -> list[Finding]:
        key = self._settings.upgrade_bot_secret_key
        if self._settings.partner_center_auth == "app_only":
            return []
        if key is None:
            return [
                doubtful(
                    "UPGRADE_BOT_SECRET_KEY",
                    "is not set, so the sign-in is in memory only, and the refresh token of the "
                    "settings has to be renewed by hand before its 90 days are over",
                    f"{NEW_KEY}.",
                )
            ]
        if self._store is None:
            return []
        match await SealedVault(self._store, key.get_secret_value()).state():
            case Sealed.WITH_ANOTHER_KEY:
                return [
                    doubtful(
                        "UPGRADE_BOT_SECRET_KEY",
                        "is another one than the stored sign-in was sealed with",
                        "Set the old key, or run `upgrade-bot login` once more.",
                    )
                ]
            case Sealed.NOTHING:
                return [good("UPGRADE_BOT_SECRET_KEY", "will seal the sign-in; none is stored yet")]
        return [good("UPGRADE_BOT_SECRET_KEY", "opens the stored sign-in")]

    # Slack

    async def _bot_token(self) -> list[Finding]:
        try:
            answer = await self._slack.auth_test()
        except SLACK_ERRORS as error:
            if _is_trouble(error):
                return [self._no_slack()]
            return [
                bad(
                    "SLACK_BOT_TOKEN",
                    f"Slack says {word_of(error)}",
                    "Copy the xoxb- token again from OAuth & Permissions.",
                )
            ]
        self.team_id, self.workspace_url = str(answer["team_id"]), str(answer.get("url") or "")
        who = f"{answer.get('user')} in the workspace {answer.get('team')} ({self.team_id})"
        return [good("SLACK_BOT_TOKEN", who), *_scopes(answer.headers), *_clock(answer.headers)]

    async def _app_token(self) -> list[Finding]:
        token = self._settings.slack_app_token
        if token is None:
            what = "HTTP mode: whether Slack reaches the bot cannot be seen from here"
            return [good("SLACK_SIGNING_SECRET", f"is set. {what}")]
        try:
            await self._slack.apps_connections_open(app_token=token.get_secret_value())
        except SLACK_ERRORS as error:
            if _is_trouble(error):
                return [self._no_slack()]
            return [
                bad(
                    "SLACK_APP_TOKEN",
                    f"Slack says {word_of(error)}",
                    "Make an app-level token with the scope connections:write under Basic "
                    "Information, and switch Socket Mode on.",
                )
            ]
        return [good("SLACK_APP_TOKEN", "opens Socket Mode")]

    async def _channels(self) -> list[Finding]:
        """The channels that the bot is in, and those that the policy names."""
        try:
            there = await self._own_channels()
        except SLACK_ERRORS as error:
            return self._unread("channels", error)
        if not there:
            return [
                doubtful(
                    "channels",
                    "the bot is in no channel, so no card can appear",
                    "Type /invite @upgrade-bot in the channel of the team that decides.",
                )
            ]
        found = [good("channels", "in " + ", ".join(f"#{name}" for name in there.values()))]
        named = {channel for rule in self._policies.rules for channel in rule.channels}
        if away := sorted(named - there.keys()):
            what = f"the policy names {', '.join(away)}, where the bot is not"
            fix = "Type /invite @upgrade-bot there, or correct the policy file."
            found.append(doubtful("channels", what, fix))
        return found

    async def _own_channels(self) -> dict[str, str]:
        channels: dict[str, str] = {}
        cursor = ""
        while True:
            page = await self._slack.users_conversations(
                types="public_channel,private_channel",
                exclude_archived=True,
                limit=200,
                cursor=cursor,
            )
            channels |= {each["id"]: each["name"] for each in page["channels"]}
            cursor = (page.get("response_metadata") or {}).get("next_cursor") or ""
            if not cursor:
                return channels

    async def _approvers(self) -> list[Finding]:
        """Who could approve what, by the defaults and by each rule; and every group is readable."""
        groups = sorted(self._policies.user_groups())
        answers = await asyncio.gather(*(self._group(group) for group in groups))
        members = dict(zip(groups, answers, strict=True))
        broken = {g: word for g, word in members.items() if isinstance(word, str)}
        default_lists = (*self._policies.defaults.approvers, *self._policies.defaults.requesters)
        vital = {name for names in default_lists for name in names}
        findings = [
            _unreadable(group, word, group in vital)
            for group, word in broken.items()
            if word not in SAID_ALREADY
        ]
        readable = {g: people for g, people in members.items() if isinstance(people, frozenset)}
        for rule, policy in self._policies.each():
            names = {name for each in policy.approvers for name in each}
            if not names & broken.keys():
                findings.append(_can_be_approved(rule, policy, readable))
        return findings

    async def _group(self, group_id: str) -> frozenset[str] | str:
        """Its members, or Slack's word for why they cannot be read."""
        try:
            answer = await self._slack.usergroups_users_list(usergroup=group_id)
        except SLACK_ERRORS as error:
            return word_of(error)
        return frozenset(answer["users"])

    def _unread(self, name: str, error: BaseException) -> list[Finding]:
        """A question to Slack that is only good to know failed; what is wrong with Slack or the
        token is said by the probe of the token."""
        log.info("preflight.not_asked", name=name, trouble=word_of(error))
        if word_of(error) in SAID_ALREADY:
            return []
        what = f"Slack does not tell ({word_of(error)})"
        return [doubtful(name, what, "See what is said about Slack, then check again.")]

    def _no_slack(self) -> Finding:
        return bad(
            "SLACK_API_URL",
            f"{self._settings.slack_api_url} does not answer as it should",
            "Check the network, and try again in some minutes.",
        )

    # Microsoft

    async def _microsoft(self, *, thoroughly: bool) -> list[Finding]:
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
        found = [good("sign-in", f"{self._partner_center.host} lists customers"), *self._lasting()]
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
        get = self._partner_center.get
        return await get(path, self._trace, lambda answer: answer, params=params)


def _scopes(headers: Any) -> list[Finding]:
    granted = {scope.strip() for scope in (headers.get("x-oauth-scopes") or "").split(",")} - {""}
    if not granted:
        return []
    if missing := sorted(SCOPES - granted):
        return [
            bad(
                "scopes",
                f"{', '.join(missing)} missing",
                "Add them under OAuth & Permissions, or update the app from manifest.yml, and "
                "reinstall the app.",
            )
        ]
    if more := sorted(granted - SCOPES):
        what, fix = f"more than needed: {', '.join(more)}", "Take them away; manifest.yml has all."
        return [doubtful("scopes", what, fix)]
    return [good("scopes", "those of manifest.yml")]


def _clock(headers: Any) -> list[Finding]:
    """This machine's clock against Slack's."""
    try:
        skew = datetime.now(UTC) - parsedate_to_datetime(headers.get("Date") or "")
    except (TypeError, ValueError):
        return []
    if abs(skew) < SKEW_DOUBTFUL:
        return [good("clock", "agrees with Slack's")]
    way = "ahead of" if skew > timedelta() else "behind"
    what = f"{abs(skew).total_seconds():.0f} seconds {way} Slack's"
    fix = "Have this machine's clock set by NTP."
    return [(bad if abs(skew) >= SKEW_BAD else doubtful)("clock", what, fix)]


def _unreadable(group: str, word: str, vital: bool) -> Finding:
    fix = "Correct the id in the policy file: in Slack, People > User groups > Copy group ID."
    what = f"the members of the user group {group} cannot be read (Slack says {word})"
    if vital and word not in SLACKS_OWN and not word.startswith("HTTP") and word.islower():
        return bad("approvers", what, fix)
    return doubtful("approvers", what, fix)


def _can_be_approved(
    rule: Rule | None, policy: Policy, members: dict[str, frozenset[str]]
) -> Finding:
    """Whether enough people are in every list. Whom the word `channel` means is not known here."""
    approvals, lists = policy.approvals, policy.approvers
    what = f"{_meant(rule)}: {approvals} of {' and of '.join(', '.join(names) for names in lists)}"
    counted = [_people(names, members) for names in lists if CHANNEL not in names]
    if not counted:
        return good("approvers", what)
    could = reduce(frozenset.__and__, counted)
    what += f" ({len(could)} {'person' if len(could) == 1 else 'people'})"
    if len(could) < approvals:
        fix = "Put more people into the user groups at Slack, or lower `approvals` in the policy."
        return (doubtful if rule else bad)("approvers", f"{what}, so nothing can be approved", fix)
    return good("approvers", what)


def _people(names: Names, members: dict[str, frozenset[str]]) -> frozenset[str]:
    return frozenset().union(*(members.get(name, frozenset({name})) for name in names))


def _meant(rule: Rule | None) -> str:
    """What a rule is about, in the words of the policy file."""
    if rule is None:
        return "approvals by default"
    conditions = [f"min_seats {rule.min_seats}"] if rule.min_seats else []
    conditions += [f"channels {', '.join(rule.channels)}"] if rule.channels else []
    conditions += [f"{len(rule.customers)} customers"] if rule.customers else []
    return f"approvals with {' and '.join(conditions) or 'a rule for all'}"


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


def _is_trouble(error: BaseException) -> bool:
    """Whether Slack itself is in trouble, and the token may be as good as ever."""
    if not isinstance(error, SlackApiError):
        return True
    return word_of(error) in SLACKS_OWN or word_of(error).startswith("HTTP")
