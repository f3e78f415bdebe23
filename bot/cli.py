"""The command `upgrade-bot`."""

import asyncio
import os
import signal
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from bot.app import Bot

app = typer.Typer(
    help="Microsoft subscription upgrades in Slack: asked for, approved, performed once.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)


def main() -> None:
    """The entry point."""
    app()


@app.command()
def run() -> None:
    """Start the bot with the Slack and the Partner Center that the environment names.

    Exit code 2 when something is not as it must be; every problem is named, each with its fix.
    """
    from bot import logs
    from bot.app import Bot, StartProblem
    from bot.settings import SettingsProblem, load

    try:
        settings, policies = load(os.environ)
        logs.configure(settings.upgrade_bot_log)
        asyncio.run(_until_stopped(Bot(settings, policies)))
    except (SettingsProblem, StartProblem) as problem:
        typer.echo("upgrade-bot cannot start:", err=True)
        for line in problem.problems:
            typer.echo(f"  - {line}", err=True)
        raise typer.Exit(2) from None


@app.command()
def demo(
    port: Annotated[int, typer.Option(help="Where the practice workspace is served.")] = 8080,
    browser: Annotated[bool, typer.Option(help="Open it in a browser.")] = True,
) -> None:
    """Practise with a pretended Slack and Partner Center on this machine, and the real bot."""
    from bot import logs
    from bot.sandbox.demo import serve

    logs.configure("console")
    asyncio.run(serve(port, open_browser=browser))


async def _until_stopped(bot: "Bot") -> None:
    """Run the bot until SIGTERM or SIGINT; a second one ends it at once."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()

    def asked() -> None:
        if stop.is_set():
            os._exit(1)
        stop.set()

    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, asked)
    await bot.start()
    typer.echo("upgrade-bot is ready", err=True)
    await stop.wait()
    await bot.stop()
