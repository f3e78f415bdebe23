"""What can go wrong with a call to Slack, and what Slack calls it."""

from datetime import timedelta
from typing import Any

import aiohttp
from slack_sdk.errors import SlackApiError, SlackRequestError

SLACK_ERRORS = (SlackApiError, SlackRequestError, aiohttp.ClientError, TimeoutError)
"""Whatever a call to Slack raises when Slack is in trouble or says no."""


LONGEST_PAUSE = timedelta(minutes=10)
"""However long Slack asks for. Its windows are minutes: https://docs.slack.dev/apis/web-api/rate-limits/"""


class Redirected(aiohttp.ClientError):
    """Slack's address led to another one. Slack does not do that, so nobody goes there."""


def no_redirects() -> aiohttp.TraceConfig:
    """Makes a session follow no redirect: what is sent to Slack holds tokens and people's texts."""
    trace = aiohttp.TraceConfig()

    async def refuse(*_: Any) -> None:
        raise Redirected

    trace.on_request_redirect.append(refuse)
    return trace


def word_of(error: BaseException) -> str:
    """Slack's own word for a refusal, which holds no secret; otherwise the kind of the error.

    In trouble Slack can answer with a page instead of JSON; then there is only the HTTP status.
    """
    if not isinstance(error, SlackApiError):
        return type(error).__name__
    response = error.response
    data = getattr(response, "data", response)
    word = data.get("error") if isinstance(data, dict) else None
    return str(word or f"HTTP {getattr(response, 'status_code', 'without a status')}")


def pause_of(error: BaseException) -> timedelta:
    """How long Slack wants to be left alone: as long as it says, if it does."""
    response = error.response if isinstance(error, SlackApiError) else None
    headers = getattr(response, "headers", None) or {}
    said = str(headers.get("Retry-After", ""))
    if not (said.isascii() and said.isdecimal()):
        return timedelta(0)
    return min(timedelta(seconds=int(said[:9])), LONGEST_PAUSE)
