"""The database, and the key that opens what is sealed in it."""

from collections.abc import Awaitable, Callable
from datetime import datetime

from sqlalchemy.exc import SQLAlchemyError

from bot.config.settings import NEW_KEY, Settings
from bot.errors import Unavailable
from bot.preflight.diagnostics import Finding, StartProblem, bad, doubtful, good
from bot.store import NEWEST, NewerTables, Store
from bot.store.vault import Sealed, SealedVault

NAME = "UPGRADE_BOT_DATABASE_URL"

AWAY = (SQLAlchemyError, Unavailable)
"""What the store raises when the database that was opened cannot be asked any more."""

GONE = bad(
    NAME,
    "was opened, and then did not answer any more",
    "See that it runs and stays within reach, then check again.",
)


async def open_store(
    url: str, clock: Callable[[], datetime] | None = None, *, only_if_new: bool = False
) -> Store:
    """As `Store.open`. Raises StartProblem."""
    try:
        return await Store.open(url, clock, only_if_new=only_if_new)
    except NewerTables as error:
        what = f"the tables are of a newer version of upgrade-bot ({error})"
        fix = "Install that version, or restore the back-up from before it."
        raise StartProblem([bad(NAME, what, fix)]) from error
    except (SQLAlchemyError, OSError, Unavailable) as error:
        cause = error.__cause__ or error
        what = f"cannot be opened ({type(cause).__name__})"
        fix = "Check the path or the address, and what the bot may do there."
        raise StartProblem([bad(NAME, what, fix)]) from error


async def while_it_answers(probe: Awaitable[list[Finding]]) -> list[Finding]:
    """What a probe finds that asks the database too; where it is gone by then, that."""
    try:
        return await probe
    except AWAY:
        return [GONE]


async def tables(store: Store | None) -> list[Finding]:
    """Whether they are of this version."""
    if store is None:
        return []
    kind = "PostgreSQL" if store.is_shared else "SQLite, for one bot"
    revision = await store.revision()
    if revision != NEWEST:
        return [
            doubtful(
                "database",
                f"{kind}; its tables are of an older version ({revision})",
                f"The next start brings them to {NEWEST}. Make a back-up first.",
            )
        ]
    return [good("database", f"{kind}; its tables are of this version ({revision})")]


async def secret_key(settings: Settings, store: Store | None) -> list[Finding]:
    """Whether the sign-in is kept, and can be opened."""
    key = settings.upgrade_bot_secret_key
    if settings.partner_center_auth == "app_only":
        return []
    if key is None:
        return [
            doubtful(
                "UPGRADE_BOT_SECRET_KEY",
                "is not set, so the sign-in is in memory only, and the refresh token of the "
                "settings has to be renewed by hand before its 90 days are over",
                f"{NEW_KEY}.",
            )
        ]
    if store is None:
        return []
    match await SealedVault(store, key.get_secret_value()).state():
        case Sealed.WITH_ANOTHER_KEY:
            return [
                doubtful(
                    "UPGRADE_BOT_SECRET_KEY",
                    "is another one than the stored sign-in was sealed with",
                    "Set the old key, or run `upgrade-bot login` once more.",
                )
            ]
        case Sealed.NOTHING:
            return [good("UPGRADE_BOT_SECRET_KEY", "will seal the sign-in; none is stored yet")]
    return [good("UPGRADE_BOT_SECRET_KEY", "opens the stored sign-in")]
