"""The command `upgrade-bot`."""

import asyncio
import gc
import json
import os
import signal
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, NoReturn

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
        _refuse("upgrade-bot cannot start:", problem.problems)


@app.command()
def check(
    request: Annotated[
        str, typer.Argument(help="The link of a request's card in Slack, or the request's id.")
    ] = "",
    as_json: Annotated[bool, typer.Option("--json", help="A list, for machines.")] = False,
) -> None:
    """Check everything that `run` needs; given a request, say who could approve it, and why.

    A line for each thing, with its fix where it needs one. Exit code 0 when all is well, 1 with
    warnings, 2 when the bot could not work.
    """
    from bot import logs
    from bot.app import Bot, StartProblem
    from bot.findings import bad, exit_code, show
    from bot.settings import SettingsProblem, load

    try:
        settings, policies = load(os.environ)
        logs.configure(settings.upgrade_bot_log)
        if request:
            for line in asyncio.run(Bot(settings, policies).explain(request)):
                typer.echo(line)
            return
        findings = asyncio.run(Bot(settings, policies).check())
    except SettingsProblem as problem:
        findings = [bad("settings", each.removesuffix("."), "") for each in problem.problems]
    except StartProblem as problem:
        _refuse("upgrade-bot found problems:", problem.problems)
    if as_json:
        typer.echo(json.dumps([asdict(finding) for finding in findings], indent=2))
    else:
        show(findings, typer.echo)
    raise typer.Exit(exit_code(findings))


@app.command()
def login() -> None:
    """Sign in at Microsoft for the bot, on any device; the sign-in is kept sealed in the database.

    Takes the settings of `run` and UPGRADE_BOT_SECRET_KEY. Sign in as the service account with the
    role Admin agent, with MFA.
    """
    from bot import logs
    from bot.app import StartProblem, sign_in_by_device
    from bot.settings import SettingsProblem, load

    try:
        settings, _policies = load(os.environ)
        logs.configure(settings.upgrade_bot_log)
        asyncio.run(sign_in_by_device(settings, typer.echo))
    except (SettingsProblem, StartProblem) as problem:
        _refuse("upgrade-bot cannot sign in:", problem.problems)
    typer.echo("Signed in. `upgrade-bot run` uses it from its next start.")


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


def _refuse(what: str, problems: list[str]) -> NoReturn:
    typer.echo(what, err=True)
    for line in problems:
        typer.echo(f"  - {line}", err=True)
    raise typer.Exit(2)


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
    gc.collect()
    gc.freeze()  # what is there now stays: to look at it again would hold up a click for 40 ms
    typer.echo("upgrade-bot is ready", err=True)
    await stop.wait()
    await bot.stop()
