"""The command `upgrade-bot`."""

import asyncio
import gc
import json
import os
import signal
import sys
import warnings
from dataclasses import asdict
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any, NoReturn

import typer

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from bot.app import Bot
    from bot.store import Store

SEALED_SINCE = "0005"
NO_TRAIL = "The tables are of an older version. The first start of this version seals the history."

app = typer.Typer(
    help="Microsoft subscription upgrades in Slack: asked for, approved, performed once.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)


audit = typer.Typer(help="The audit trail: what happened, by whom, and whether it was touched.")
app.add_typer(audit, name="audit")


def main() -> None:
    """The entry point."""
    app()


@app.command()
def run() -> None:
    """Start the bot with the Slack and the Partner Center that the environment names.

    Exit code 2 when something is not as it must be; every problem is named, each with its fix.
    """
    leave_out_what_is_unused()
    from bot.app import Bot
    from bot.config.settings import SettingsProblem, load
    from bot.preflight.diagnostics import StartProblem
    from bot.telemetry import logs

    try:
        settings, policies = load(os.environ)
        logs.configure(settings.upgrade_bot_log)
        asyncio.run(_until_stopped(Bot(settings, policies)))
    except (SettingsProblem, StartProblem) as problem:
        _refuse("upgrade-bot cannot start:", problem.problems)


@app.command()
def check(
    request: Annotated[
        str, typer.Argument(help="The link of a card in Slack, or the id of a request.")
    ] = "",
    as_json: Annotated[bool, typer.Option("--json", help="A list, for machines.")] = False,
) -> None:
    """Check everything that `run` needs; given a request, say who could approve it, and why.

    A line for each thing, with its fix where it needs one. Exit code 0 when all is well, 1 with
    warnings, 2 when the bot could not work.
    """
    from bot.app import Bot
    from bot.config.settings import SettingsProblem, load
    from bot.preflight.diagnostics import StartProblem, bad, exit_code, show
    from bot.telemetry import logs

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
    from bot.commands.login import sign_in_by_device
    from bot.config.settings import SettingsProblem, load
    from bot.preflight.diagnostics import StartProblem
    from bot.telemetry import logs

    try:
        settings, _policies = load(os.environ)
        logs.configure(settings.upgrade_bot_log)
        asyncio.run(sign_in_by_device(settings, typer.echo))
    except (SettingsProblem, StartProblem) as problem:
        _refuse("upgrade-bot cannot sign in:", problem.problems)
    typer.echo("Signed in. `upgrade-bot run` uses it from its next start.")


@app.command()
def manifest(
    http: Annotated[
        str, typer.Option(help="The https address at which Slack reaches the bot: HTTP mode.")
    ] = "",
) -> None:
    """Print the manifest to create the Slack app from: for Socket Mode, or for HTTP mode."""
    from bot.commands import manifest as made

    try:
        typer.echo(made.for_http(http) if http else made.for_sockets(), nl=False)
    except ValueError as error:
        raise typer.BadParameter(str(error)) from None


@audit.command("export")
def export_trail(
    as_csv: Annotated[bool, typer.Option("--csv", help="A table (the default).")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="A list with every detail.")] = False,
    since: Annotated[str, typer.Option(help="A day or time, such as 2026-11-01; UTC.")] = "",
) -> None:
    """Print every step, refusal and look, in the order of time.

    Needs UPGRADE_BOT_DATABASE_URL alone. Cells that a spreadsheet would take for a formula begin
    with an apostrophe.
    """
    from bot.commands.audit import export

    if as_csv and as_json:
        raise typer.BadParameter("choose --csv or --json")
    try:
        start = datetime.fromisoformat(since) if since else None
    except ValueError:
        raise typer.BadParameter(f"{since} is no day or time such as 2026-11-01") from None
    start = start.replace(tzinfo=UTC) if start and start.tzinfo is None else start

    async def printed(store: "Store") -> None:
        await export(store, sys.stdout, since=start, as_json=as_json)

    _with_the_trail(printed)


@audit.command("verify")
def verify_trail(
    tie: Annotated[
        str, typer.Option(help="A tie as the bot's log has it (audit.tied), number:seal.")
    ] = "",
) -> None:
    """Prove that nothing of the trail was changed, added or taken away; or name the first line
    that was.

    Needs UPGRADE_BOT_DATABASE_URL alone. Exit code 2 when something was touched. Somebody who can
    write to the database could make everything anew; only a tie of the log shows that.
    """
    from bot.commands.audit import tie_of, verdict

    try:
        known = tie_of(tie)
    except ValueError:
        raise typer.BadParameter(f"{tie} is no tie such as 12:9f86d0…") from None
    broken: list[object] = []

    async def proved(store: "Store") -> None:
        proof = await store.trail.verify(known)
        broken.extend(proof.broken)
        for line in verdict(proof, known):
            typer.echo(line)

    _with_the_trail(proved)
    if broken:
        raise typer.Exit(2)


def _with_the_trail(work: "Callable[[Store], Awaitable[None]]") -> None:
    """Work on the database as it is; older tables have no trail yet."""
    from bot.config.settings import SettingsProblem, database_url
    from bot.preflight.database import open_store
    from bot.preflight.diagnostics import StartProblem

    async def opened() -> None:
        store = await open_store(database_url(os.environ), only_if_new=True)
        try:
            if await store.revision() < SEALED_SINCE:
                _refuse("upgrade-bot has no audit trail yet:", [NO_TRAIL])
            await work(store)
        finally:
            await store.close()

    try:
        asyncio.run(opened())
    except (SettingsProblem, StartProblem) as problem:
        _refuse("upgrade-bot cannot read the audit trail:", problem.problems)


@app.command()
def demo(
    port: Annotated[int, typer.Option(help="Where the practice workspace is served.")] = 8080,
    browser: Annotated[bool, typer.Option(help="Open it in a browser.")] = True,
    host: Annotated[
        str, typer.Option(help="Another address to listen on; then others can use it too.")
    ] = "127.0.0.1",
    customers: Annotated[int, typer.Option(min=0, help="At least so many customers.")] = 0,
    people: Annotated[int, typer.Option(min=0, help="At least so many people.")] = 0,
    seed: Annotated[int, typer.Option(help="Which customers and people they are.")] = 1,
) -> None:
    """Practise with a pretended Slack and Partner Center on this machine, and the real bot."""
    from bot.sandbox.demo import serve
    from bot.sandbox.practice import Size
    from bot.telemetry import logs

    logs.configure("console")
    size = Size(customers, people, seed)
    asyncio.run(serve(host, port, open_browser=browser, size=size))


def _refuse(what: str, problems: list[str]) -> NoReturn:
    typer.echo(what, err=True)
    for line in problems:
        typer.echo(f"  - {line}", err=True)
    raise typer.Exit(2)


UNUSED = ("rich", "charset_normalizer")
"""What libraries load because it is there, and do without: structlog draws tracebacks with rich,
which a log is not; requests, which MSAL loads and is not given to use, guesses encodings with the
other. Six megabytes for as long as the bot runs, and a twentieth of its start."""


def leave_out_what_is_unused() -> None:
    """Before anything loads it: what is None there cannot be imported,
    https://docs.python.org/3/reference/import.html#the-module-cache"""
    loaded: dict[str, Any] = sys.modules
    loaded.update(dict.fromkeys(UNUSED))
    warnings.filterwarnings("ignore", "Unable to find acceptable character detection")


GARBAGE = (50_000, 20, 50)
"""How much may lie about until the collector looks: a click leaves hundreds of objects, nearly none
in a circle, and with Python's 700 it looks several times during each. Sixty clicks at once are not
enough for a look."""


def calm_the_collector() -> None:
    """What is there now stays: to look at it again would hold up a click for 40 ms."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(*GARBAGE)


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
    calm_the_collector()
    typer.echo("upgrade-bot is ready", err=True)
    await stop.wait()
    await bot.stop()
