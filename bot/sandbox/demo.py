"""`upgrade-bot demo`: the practice workspace as a page in the browser."""

import asyncio
import contextlib
import signal
import webbrowser
from datetime import timedelta

import typer

from bot.sandbox.page.server import Page
from bot.sandbox.practice import Practice, PracticeClock

QUICKLY = timedelta(seconds=20)
"""What takes Microsoft half an hour takes so long here."""


async def serve(port: int, *, open_browser: bool) -> None:
    """Serve the practice workspace on 127.0.0.1 until SIGINT or SIGTERM."""
    practice = Practice(PracticeClock())
    practice.partner_center.transitions.take = QUICKLY
    page = Page(practice)
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    try:
        await page.start(port)
    except OSError as error:
        typer.echo(f"Port {port} cannot be used ({error.strerror}). Take another: --port 8081")
        raise typer.Exit(2) from None
    await practice.start()
    try:
        await practice.start_bot()
        address = f"http://127.0.0.1:{page.port}"
        typer.echo(f"The practice workspace is at {address} (Ctrl+C ends it)")
        if open_browser:
            with contextlib.suppress(webbrowser.Error):
                await asyncio.to_thread(webbrowser.open, address)
        await stop.wait()
    finally:
        await page.stop()
        await practice.stop()
