"""Keeps the sign-in sealed in the database, so that a stolen file is no stolen sign-in."""

from enum import Enum

import structlog
from cryptography.fernet import Fernet, InvalidToken

from bot.store import Store

log = structlog.get_logger()

SIGN_IN = "sign_in"


class Sealed(Enum):
    """What there is of the sign-in, as far as a key can tell."""

    NOTHING = "nothing is stored"
    WITH_THIS_KEY = "it can be opened"
    WITH_ANOTHER_KEY = "it cannot be opened with this key"


class SealedVault:
    """One secret of the store, sealed with a Fernet key (`UPGRADE_BOT_SECRET_KEY`)."""

    def __init__(self, store: Store, key: str) -> None:
        self._store = store
        self._fernet = Fernet(key)

    async def load(self) -> str | None:
        """What was saved last; None when there is nothing, or it was sealed with another key."""
        state, text = self._opened(await self._store.secrets.get(SIGN_IN))
        if state is Sealed.WITH_ANOTHER_KEY:
            log.warning("vault.sealed_with_another_key")
        return text

    async def state(self) -> Sealed:
        """Whether something is stored, and can be opened."""
        return self._opened(await self._store.secrets.get(SIGN_IN))[0]

    def _opened(self, sealed: bytes | None) -> tuple[Sealed, str | None]:
        if sealed is None:
            return Sealed.NOTHING, None
        try:
            return Sealed.WITH_THIS_KEY, self._fernet.decrypt(sealed).decode()
        except InvalidToken:
            return Sealed.WITH_ANOTHER_KEY, None

    async def save(self, text: str) -> None:
        """Seal and keep it."""
        await self._store.secrets.keep(SIGN_IN, self._fernet.encrypt(text.encode()))
