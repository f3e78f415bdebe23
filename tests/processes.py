"""The bot's commands as processes of their own, configured by variables as an operator does it."""

import asyncio
import os
import signal
import sys
from asyncio.subprocess import PIPE, Process

from bot.sandbox.practice import Practice

READY = b"upgrade-bot is ready"


def variables(practice: Practice, **more: str) -> dict[str, str]:
    """The environment of a bot in another process."""
    trusted = {"SSL_CERT_FILE": str(practice.partner_center.write_certificate(practice.folder))}
    return {"PATH": os.environ["PATH"], **practice.environment(), **trusted, **more}


async def start(environment: dict[str, str], *command: str) -> Process:
    """Start `upgrade-bot run`, or another command."""
    return await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "bot",
        *(command or ["run"]),
        env=environment,
        stderr=PIPE,
        stdout=PIPE,
    )


async def ready(process: Process) -> list[str]:
    """Wait until it says that it is ready; returns what it said before."""
    assert process.stderr
    lines = []
    async for line in process.stderr:
        lines.append(line.decode())
        if READY in line:
            return lines
    raise AssertionError("it never got ready:\n" + "".join(lines))


async def stop(process: Process, how: signal.Signals = signal.SIGTERM) -> int:
    """Send a signal and wait for the end."""
    process.send_signal(how)
    await process.communicate()
    return int(process.returncode or 0)
