"""`python -m tests.bench.stock http|socket`: an app as Bolt's own examples have it, which does
nothing but acknowledge. The reference of whatever is about acknowledgements.

Everything is left as Bolt has it: its own server, its own logging, its own Socket Mode. Only the
addresses are those of the practice Slack, and it listens on this machine alone.
"""

import asyncio
import os
import sys

from slack_bolt.adapter.socket_mode.async_handler import AsyncSocketModeHandler
from slack_bolt.async_app import AsyncAck, AsyncApp
from slack_sdk.web.async_client import AsyncWebClient


async def acknowledge(ack: AsyncAck) -> None:
    """And nothing else."""
    await ack()


def bare() -> AsyncApp:
    """The app."""
    token = os.environ["SLACK_BOT_TOKEN"]
    app = AsyncApp(
        signing_secret=os.environ.get("SLACK_SIGNING_SECRET", ""),
        client=AsyncWebClient(token=token, base_url=os.environ["SLACK_API_URL"] + "/"),
    )
    app.command("/upgrade")(acknowledge)
    app.action("approve")(acknowledge)
    return app


async def by_socket() -> None:
    """In Socket Mode, until it is killed."""
    handler = AsyncSocketModeHandler(bare(), os.environ["SLACK_APP_TOKEN"])
    await handler.start_async()  # type: ignore[no-untyped-call]


def main() -> None:
    """The command."""
    if sys.argv[1] == "socket":
        asyncio.run(by_socket())
    else:
        _, _, port = os.environ["UPGRADE_BOT_HTTP"].rpartition(":")
        bare().start(port=int(port), host="127.0.0.1")


if __name__ == "__main__":
    main()
