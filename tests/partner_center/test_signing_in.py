"""Signing in at Microsoft: once for everybody, kept sealed, alive, and explained when it ends."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import httpx
import pytest
import structlog
import trustme
from cryptography.fernet import Fernet

from bot.errors import SignInFailed, Unreachable
from bot.messages import words
from bot.partner_center import (
    ENDPOINTS,
    NOBODY_SIGNED_IN,
    Application,
    Cloud,
    SignIn,
    device_login,
)
from bot.partner_center.auth import Vault
from bot.sandbox.partner_center import PartnerCenterServer
from bot.sandbox.practice import PracticeClock, customers
from bot.store import Store
from bot.store.vault import SealedVault
from tests.workspace import START


@pytest.fixture
def clock() -> PracticeClock:
    """Time that is moved."""
    return PracticeClock(lambda: START)


@pytest.fixture
async def server(clock: PracticeClock) -> AsyncIterator[PartnerCenterServer]:
    """The practice sign-in."""
    server = PartnerCenterServer(customers(clock))
    await server.start()
    yield server
    await server.stop()


@pytest.fixture
async def vault(tmp_path: Path, clock: PracticeClock) -> AsyncIterator[SealedVault]:
    """A sealed place in a database."""
    store = await Store.open(f"sqlite:///{tmp_path / 'x.db'}", clock)
    yield SealedVault(store, Fernet.generate_key().decode())
    await store.close()


@pytest.fixture
def application(server: PartnerCenterServer) -> Iterator[Application]:
    """The app registration of the practice partner."""
    with httpx.Client(verify=server.trust) as http:
        yield Application(
            authority=f"{server.login_url}/{server.login.tenant_id}",
            client_id=server.login.client_id,
            credential=server.login.client_secret,
            audience="https://api.partnercenter.microsoft.com",
            custom_login=True,
            http=http,
        )


def all_bytes(folder: Path) -> bytes:
    """Everything in the files of a folder."""
    return b"".join(path.read_bytes() for path in folder.iterdir())


def signing_in(
    application: Application,
    server: PartnerCenterServer,
    clock: PracticeClock,
    vault: Vault | None = None,
    **more: object,
) -> SignIn:
    """A sign-in with the partner's refresh token, unless told otherwise."""
    settings = {"app_only": False, "refresh_token": server.login.consented, **more}
    return SignIn(application, vault=vault, clock=clock, **settings)  # type: ignore[arg-type]


async def test_a_thousand_callers_are_one_sign_in(
    application: Application, server: PartnerCenterServer, clock: PracticeClock
) -> None:
    """They all get the same token."""
    sign_in = signing_in(application, server, clock)
    tokens = await asyncio.gather(*(sign_in.token() for _ in range(1000)))
    assert len(set(tokens)) == 1
    assert server.login.sign_ins == 1
    assert server.login.is_good(tokens[0])


async def test_a_token_is_renewed_before_it_ends(
    application: Application, server: PartnerCenterServer, clock: PracticeClock
) -> None:
    """Five minutes before, and not earlier."""
    sign_in = signing_in(application, server, clock)
    first = await sign_in.token()
    clock.move(timedelta(minutes=54))
    assert await sign_in.token() == first
    clock.move(timedelta(minutes=1))
    assert await sign_in.token() != first


@pytest.mark.parametrize("app_only", [False, True])
async def test_a_refused_token_is_replaced(
    application: Application, server: PartnerCenterServer, clock: PracticeClock, app_only: bool
) -> None:
    """By another one, in either way of signing in; and by the same new one for all."""
    sign_in = signing_in(application, server, clock, app_only=app_only)
    first = await sign_in.token()
    second = await sign_in.token(instead_of=first)
    assert first != second
    assert await sign_in.token(instead_of=first) == second


async def test_what_was_signed_in_survives_a_restart_and_serves_replicas(
    application: Application,
    server: PartnerCenterServer,
    clock: PracticeClock,
    vault: SealedVault,
) -> None:
    """The second bot finds the token in the database and asks Microsoft nothing."""
    first = await signing_in(application, server, clock, vault).token()
    assert await signing_in(application, server, clock, vault).token() == first
    assert server.login.sign_ins == 1


async def test_nothing_readable_is_in_the_database(
    application: Application,
    server: PartnerCenterServer,
    clock: PracticeClock,
    vault: SealedVault,
    tmp_path: Path,
) -> None:
    """Neither token stands in the file; with another key there is nothing to open."""
    token = await signing_in(application, server, clock, vault).token()
    content = await asyncio.to_thread(all_bytes, tmp_path)
    for secret in (token, *server.login.refresh_tokens, server.login.client_secret):
        assert secret.encode() not in content
    other = SealedVault(vault._store, Fernet.generate_key().decode())
    assert await other.load() is None


async def test_a_new_refresh_token_in_the_settings_replaces_what_was_kept(
    application: Application,
    server: PartnerCenterServer,
    clock: PracticeClock,
    vault: SealedVault,
) -> None:
    """After a new consent the old one is not used any more."""
    await signing_in(application, server, clock, vault).token()
    server.login.consented = "of-a-new-consent"
    server.login.refresh_tokens = {server.login.consented}
    clock.move(timedelta(hours=2))
    assert await signing_in(application, server, clock, vault).token()


async def test_an_idle_bot_stays_signed_in_for_a_year(
    application: Application, server: PartnerCenterServer, clock: PracticeClock
) -> None:
    """The refresh token is used every day, so it never dies of disuse."""
    sign_in = signing_in(application, server, clock)
    await sign_in.keep_alive()
    for _ in range(365):
        clock.move(timedelta(days=1))
        before = server.login.sign_ins
        await sign_in.keep_alive()
        await sign_in.keep_alive()
        assert server.login.sign_ins == before + 1
    dies_at = sign_in.dies_at()
    assert dies_at
    assert dies_at - clock() == timedelta(days=90)


async def test_a_month_before_the_sign_in_dies_the_log_says_so(
    application: Application,
    server: PartnerCenterServer,
    clock: PracticeClock,
    log: list[structlog.typing.EventDict],
) -> None:
    """Microsoft refuses, day after day; not a word of the end while it is two months away."""
    sign_in = signing_in(application, server, clock)
    await sign_in.keep_alive()
    server.login.refresh_tokens.clear()
    for days, warned in ((50, []), (10, [30]), (10, [30, 20])):
        clock.move(timedelta(days=days))
        await sign_in.look_after()
        assert [entry["days"] for entry in log if entry["event"] == "sign_in.dies_soon"] == warned


async def test_a_login_on_any_device_is_kept_and_renewed(
    application: Application,
    server: PartnerCenterServer,
    clock: PracticeClock,
    vault: SealedVault,
) -> None:
    """Without a refresh token in the settings; the client of a device login has no secret."""
    said: list[str] = []

    def say(sentence: str) -> None:
        said.append(sentence)
        server.login.device_codes.update(dict.fromkeys(server.login.device_codes, True))

    await device_login(application, vault, say, clock)
    assert "enter PRACTICE1" in said[0]
    sign_in = signing_in(application, server, clock, vault, refresh_token=None)
    first = await sign_in.token()
    clock.move(timedelta(hours=2))
    assert await sign_in.token() != first


async def test_without_token_and_login_it_says_what_to_do(
    application: Application, server: PartnerCenterServer, clock: PracticeClock
) -> None:
    """Nobody has signed in, and the words say how."""
    sign_in = signing_in(application, server, clock, refresh_token=None)
    with pytest.raises(SignInFailed) as refused:
        await sign_in.token()
    assert refused.value.code == NOBODY_SIGNED_IN
    assert "upgrade-bot login" in words.SIGN_IN[NOBODY_SIGNED_IN]


@pytest.mark.parametrize("code", [65001, 50076, 50126, 70008, 700082, 50173])
async def test_every_refusal_of_entra_ends_in_one_sentence(
    application: Application, server: PartnerCenterServer, clock: PracticeClock, code: int
) -> None:
    """It says who must do what."""
    server.login.broken = (code, "invalid_grant")
    with pytest.raises(SignInFailed) as refused:
        await signing_in(application, server, clock).token()
    sentence = words.SIGN_IN[refused.value.code or ""]
    assert "has to" in sentence


@pytest.mark.parametrize("code", ["900421", "900329", "900420"])
def test_every_refusal_of_partner_center_ends_in_one_sentence(code: str) -> None:
    """MFA, the application alone, the wrong audience."""
    assert "has to" in words.SIGN_IN[code]


async def test_a_login_that_is_away_is_unreachable(
    application: Application, server: PartnerCenterServer, clock: PracticeClock
) -> None:
    """That is no refusal, and no reason to send anybody to consent again."""
    sign_in = signing_in(application, server, clock)
    await server.stop()
    with pytest.raises(Unreachable):
        await sign_in.token()


async def test_a_tenant_that_the_login_does_not_know_is_a_refusal(
    application: Application, server: PartnerCenterServer, clock: PracticeClock
) -> None:
    """The operator has to correct it."""
    server.login.tenant_id = "another"
    with pytest.raises(SignInFailed):
        await signing_in(application, server, clock).token()


async def test_a_certificate_serves_instead_of_a_secret(
    application: Application, server: PartnerCenterServer, clock: PracticeClock
) -> None:
    """One PEM with certificate and private key; MSAL signs with it."""
    issued = trustme.CA().issue_cert("upgrade-bot.example", key_type=trustme.KeyType.RSA)
    pem = (issued.cert_chain_pems[0].bytes() + issued.private_key_pem.bytes()).decode()
    credential = {"private_key": pem, "public_certificate": pem}
    with_certificate = replace(application, credential=credential)
    server.login.client_secret = "nobody has it"
    for app_only in (False, True):
        sign_in = signing_in(with_certificate, server, clock, app_only=app_only)
        assert server.login.is_good(await sign_in.token())


def test_every_cloud_has_its_own_addresses() -> None:
    """The US Government signs in elsewhere and uses the global Partner Center."""
    assert set(ENDPOINTS) == set(Cloud)
    assert ENDPOINTS[Cloud.CHINA].login == "https://login.partner.microsoftonline.cn"
    assert ENDPOINTS[Cloud.CHINA].api == "https://partner.partnercenterapi.microsoftonline.cn"
    assert ENDPOINTS[Cloud.US_GOVERNMENT].login == "https://login.microsoftonline.us"
    assert ENDPOINTS[Cloud.US_GOVERNMENT].api == ENDPOINTS[Cloud.GLOBAL].api
    assert all(each.login.startswith("https://") for each in ENDPOINTS.values())
