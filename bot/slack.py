"""What can go wrong with a call to Slack, and what Slack calls it."""

from typing import Any

import aiohttp
from slack_sdk.errors import SlackApiError

SLACK_ERRORS = (SlackApiError, aiohttp.ClientError, TimeoutError)
"""Whatever a call to Slack raises when Slack is in trouble or says no."""


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
