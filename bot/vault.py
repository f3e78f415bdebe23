"""Keeps the sign-in sealed in the database, so that a stolen file is no stolen sign-in."""

import structlog
from cryptography.fernet import Fernet, InvalidToken

from bot.store import Store

log = structlog.get_logger()

SIGN_IN = "sign_in"


class SealedVault:
    """One secret of the store, sealed with a Fernet key (`UPGRADE_BOT_SECRET_KEY`)."""

    def __init__(self, store: Store, key: str) -> None:
        self._store = store
        self._fernet = Fernet(key)

    async def load(self) -> str | None:
        """What was saved last; None when there is nothing, or it was sealed with another key."""
        sealed = await self._store.secret(SIGN_IN)
        if sealed is None:
            return None
        try:
            return self._fernet.decrypt(sealed).decode()
        except InvalidToken:
            log.warning("vault.sealed_with_another_key")
            return None

    async def save(self, text: str) -> None:
        """Seal and keep it."""
        await self._store.keep_secret(SIGN_IN, self._fernet.encrypt(text.encode()))
