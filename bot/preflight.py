"""Before the bot says that it is ready: are both sets of credentials good?

Every problem is named at once, each with what to do.
"""

import asyncio
from typing import NamedTuple

import aiohttp
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from bot.errors import NotAllowed, PartnerCenterError, SignInFailed
from bot.messages import words
from bot.partner_center import Client, Trace
from bot.settings import Settings
from bot.slack import word_of


class Workspace(NamedTuple):
    """The workspace that the bot's token is for, and its address."""

    team_id: str
    url: str


NOWHERE = Workspace("", "")

SCOPES = frozenset(
    {
        "commands",
        "chat:write",
        "users:read",
        "usergroups:read",
        "channels:read",
        "groups:read",
        "files:write",
    }
)
"""The bot scopes that the bot's calls need; the manifest asks for the same."""


async def check(
    settings: Settings, slack: AsyncWebClient, partner_center: Client, correlation_id: str
) -> tuple[Workspace, list[str]]:
    """The workspace, and a line for every problem; its id is empty if Slack said no."""
    (workspace, bot_token), app_token, sign_in = await asyncio.gather(
        _bot_token(slack, settings),
        _app_token(slack, settings),
        _sign_in(partner_center, correlation_id),
    )
    return workspace, list(dict.fromkeys([*bot_token, *app_token, *sign_in]))


async def _bot_token(slack: AsyncWebClient, settings: Settings) -> tuple[Workspace, list[str]]:
    try:
        answer = await slack.auth_test()
    except SlackApiError as error:
        if _is_trouble(error):
            return NOWHERE, [_unreachable_slack(settings)]
        return NOWHERE, [
            f"SLACK_BOT_TOKEN: Slack says {word_of(error)}. Copy the xoxb- token "
            "again from OAuth & Permissions."
        ]
    except (aiohttp.ClientError, TimeoutError):
        return NOWHERE, [_unreachable_slack(settings)]
    granted = {
        scope.strip() for scope in (answer.headers.get("x-oauth-scopes") or "").split(",")
    } - {""}
    missing = sorted(SCOPES - granted) if granted else []
    problems = [
        f"SLACK_BOT_TOKEN lacks the scopes {', '.join(missing)}. Add them under OAuth & "
        "Permissions, or update the app from manifest.yml, and reinstall the app."
    ]
    workspace = Workspace(str(answer["team_id"]), str(answer.get("url") or ""))
    return workspace, problems if missing else []


async def _app_token(slack: AsyncWebClient, settings: Settings) -> list[str]:
    if settings.slack_app_token is None:
        return []
    try:
        await slack.apps_connections_open(app_token=settings.slack_app_token.get_secret_value())
    except SlackApiError as error:
        if _is_trouble(error):
            return [_unreachable_slack(settings)]
        return [
            f"SLACK_APP_TOKEN: Slack says {word_of(error)}. Make an app-level token "
            "with the scope connections:write under Basic Information, and switch Socket Mode on."
        ]
    except (aiohttp.ClientError, TimeoutError):
        return [_unreachable_slack(settings)]
    return []


async def _sign_in(partner_center: Client, correlation_id: str) -> list[str]:
    try:
        await partner_center.get(
            "customers", Trace(correlation_id), lambda answer: answer, params={"size": "1"}
        )
    except SignInFailed as error:
        return [f"PARTNER_CENTER: {_who_must_do_what(error)}"]
    except NotAllowed as error:
        return [
            f"PARTNER_CENTER: the sign-in may not list customers (code {error.code or 'none'}). "
            "Give the consenting user the role Admin agent in Partner Center."
        ]
    except PartnerCenterError as error:
        return [
            f"PARTNER_CENTER: no use of Partner Center ({error}). Check the network, and "
            "PARTNER_CENTER_API_URL and PARTNER_CENTER_LOGIN_URL if they are set."
        ]
    return []


def _who_must_do_what(error: SignInFailed) -> str:
    sentence = words.SIGN_IN.get(error.code or "")
    if sentence:
        return f"{sentence} ({error.code})"
    return (
        f"Microsoft does not accept the sign-in ({error.code or error}). Check tenant, client id, "
        "secret or certificate, and the refresh token; its consent must have been given with MFA."
    )


def _is_trouble(error: SlackApiError) -> bool:
    """Whether Slack itself is in trouble, and the token may be as good as ever."""
    return word_of(error) in SLACKS_OWN or word_of(error).startswith("HTTP")


SLACKS_OWN = frozenset({"ratelimited", "internal_error", "fatal_error", "service_unavailable"})


def _unreachable_slack(settings: Settings) -> str:
    return (
        f"SLACK_API_URL: {settings.slack_api_url} does not answer as it should. Check the network, "
        "and try again in some minutes."
    )
