"""Slack's side: the tokens, what they are allowed, the clock, and the channels."""

from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any

import structlog
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from bot.config.settings import Settings
from bot.domain.policy import PolicyBook
from bot.preflight.diagnostics import Finding, bad, doubtful, good
from bot.slack.errors import SLACK_ERRORS, word_of

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


class SlackProbes:
    """What can be asked with the two tokens."""

    def __init__(self, settings: Settings, policies: PolicyBook, client: AsyncWebClient) -> None:
        self._settings = settings
        self._policies = policies
        self._client = client
        self.team_id = self.workspace_url = ""
        """The workspace, once its token was found good."""

    async def bot_token(self) -> list[Finding]:
        """Whether Slack takes it, its scopes, and whether our clocks agree."""
        try:
            answer = await self._client.auth_test()
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

    async def app_token(self) -> list[Finding]:
        """Whether it opens Socket Mode; in HTTP mode there is none."""
        token = self._settings.slack_app_token
        if token is None:
            what = "HTTP mode: whether Slack reaches the bot cannot be seen from here"
            return [good("SLACK_SIGNING_SECRET", f"is set. {what}")]
        try:
            await self._client.apps_connections_open(app_token=token.get_secret_value())
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

    async def channels(self) -> list[Finding]:
        """The channels that the bot is in, and those that the policy names."""
        try:
            there = await self._own_channels()
        except SLACK_ERRORS as error:
            return _unread("channels", error)
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
            page = await self._client.users_conversations(
                types="public_channel,private_channel",
                exclude_archived=True,
                limit=200,
                cursor=cursor,
            )
            channels |= {each["id"]: each["name"] for each in page["channels"]}
            cursor = (page.get("response_metadata") or {}).get("next_cursor") or ""
            if not cursor:
                return channels

    def _no_slack(self) -> Finding:
        return bad(
            "SLACK_API_URL",
            f"{self._settings.slack_api_url} does not answer as it should",
            "Check the network, and try again in some minutes.",
        )


def _unread(name: str, error: BaseException) -> list[Finding]:
    """A question to Slack that is only good to know failed; what is wrong with Slack or the
    token is said by the probe of the token."""
    log.info("preflight.not_asked", name=name, trouble=word_of(error))
    if word_of(error) in SAID_ALREADY:
        return []
    what = f"Slack does not tell ({word_of(error)})"
    return [doubtful(name, what, "See what is said about Slack, then check again.")]


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


def _is_trouble(error: BaseException) -> bool:
    """Whether Slack itself is in trouble, and the token may be as good as ever."""
    if not isinstance(error, SlackApiError):
        return True
    return word_of(error) in SLACKS_OWN or word_of(error).startswith("HTTP")
