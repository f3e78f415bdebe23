"""`upgrade-bot demo`: the practice workspace as a page in the browser."""

import asyncio
import contextlib
import signal
import webbrowser
from datetime import timedelta

import typer

from bot.sandbox.page.server import OURSELVES, Page
from bot.sandbox.practice import Practice, PracticeClock, Size
from bot.sandbox.slack.web_api import Limits

QUICKLY = timedelta(seconds=20)
"""What takes Microsoft half an hour takes so long here."""

A_MINUTE = 500
"""Calls that Partner Center answers a minute, as the real one does."""


async def serve(host: str, port: int, *, open_browser: bool, size: Size) -> None:
    """Serve the practice workspace until SIGINT or SIGTERM. The two practice servers behind the
    page are on this machine only, whatever the host."""
    practice = Practice(PracticeClock(), size=size)
    practice.partner_center.transitions.take = QUICKLY
    practice.partner_center.a_minute = A_MINUTE
    practice.slack.api.limits = Limits()
    page = Page(practice, host)
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    try:
        await page.start(port)
    except OSError as error:
        typer.echo(f"{host}:{port} cannot be used ({error.strerror}). Take another: --port 8081")
        raise typer.Exit(2) from None
    await practice.start()
    try:
        await practice.start_bot()
        typer.echo(f"The practice workspace is at {page.address} (Ctrl+C ends it)")
        if host not in OURSELVES:
            typer.echo("Everybody who reaches this address can use it.")
        if open_browser:
            with contextlib.suppress(webbrowser.Error):
                await asyncio.to_thread(webbrowser.open, page.address)
        await stop.wait()
    finally:
        await page.stop()
        await practice.stop()
