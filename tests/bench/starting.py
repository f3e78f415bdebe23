"""From the command to readiness, and what the bot takes while nobody wants anything."""

import asyncio
import os
import sys
from asyncio.subprocess import DEVNULL, PIPE, Process
from pathlib import Path
from time import perf_counter

from bot.sandbox.practice import Practice, PracticeClock
from tests.bench.figure import Figure, middle

READY = b"upgrade-bot is ready"
IDLE_AFTER = 3.0
"""Seconds after which a bot has read its customers and has nothing to do."""


async def starting(rounds: int) -> list[Figure]:
    """`upgrade-bot run` as an operator starts it, on a database that is there already."""
    practice = Practice(PracticeClock())
    await practice.start()
    try:
        certificate = practice.partner_center.write_certificate(practice.folder)
        environment = {
            "PATH": os.environ["PATH"],
            "PYTHONPATH": os.environ.get("PYTHONPATH", ""),
            "SSL_CERT_FILE": str(certificate),
            **practice.environment(),
        }
        seconds, megabytes = [], []
        for _ in range(rounds + 1):
            began = perf_counter()
            process = await _start(environment)
            seconds.append(perf_counter() - began)
            await asyncio.sleep(IDLE_AFTER)
            megabytes.append(_memory(process))
            process.terminate()
            await process.wait()
    finally:
        await practice.stop()
    return [
        Figure("start to ready, warm database", middle(seconds[1:]), "s", None, 1.5, True),
        Figure("memory of an idle bot", middle(megabytes[1:]), "MB", None, 100, True),
    ]


async def _start(environment: dict[str, str]) -> Process:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "bot", "run", env=environment, stderr=PIPE, stdout=DEVNULL
    )
    assert process.stderr
    async for line in process.stderr:
        if READY in line:
            return process
    raise RuntimeError("the bot never got ready")


def _memory(process: Process) -> float:
    pages = int(Path(f"/proc/{process.pid}/statm").read_text(encoding="ascii").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6
