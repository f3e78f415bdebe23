"""The practice Partner Center and its sign-in are as strict, and as odd, as Microsoft's."""

import uuid
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from bot.sandbox.partner_center import PartnerCenterServer
from bot.sandbox.practice import PracticeClock, customers
from tests.workspace import START


@pytest.fixture
async def server() -> AsyncIterator[PartnerCenterServer]:
    """The customers of the demo."""
    server = PartnerCenterServer(customers(PracticeClock(lambda: START)))
    await server.start()
    yield server
    await server.stop()


async def token(server: PartnerCenterServer, **changed: str) -> httpx.Response:
    """Ask for an access token as MSAL does."""
    login = server.login
    form = {
        "grant_type": "refresh_token",
        "client_id": login.client_id,
        "client_secret": login.client_secret,
        "refresh_token": login.consented,
        **changed,
    }
    async with httpx.AsyncClient(verify=server.trust) as http:
        url = f"{server.login_url}/{login.tenant_id}/oauth2/v2.0/token"
        return await http.post(url, data=form)


def headers(bearer: str = "", **changed: str) -> dict[str, str]:
    """The headers that every call needs."""
    return {
        "Authorization": f"Bearer {bearer}",
        "MS-RequestId": str(uuid.uuid4()),
        "MS-CorrelationId": str(uuid.uuid4()),
        **changed,
    }


async def test_a_call_needs_a_token_and_ids(server: PartnerCenterServer) -> None:
    """Without them nothing is told and nothing is done."""
    good = (await token(server)).json()["access_token"]
    async with httpx.AsyncClient(base_url=server.api_url) as http:
        assert (await http.get("/v1/customers")).status_code == 401
        assert (await http.get("/v1/customers", headers=headers("no"))).status_code == 401
        without = {"Authorization": f"Bearer {good}"}
        assert (await http.get("/v1/customers", headers=without)).status_code == 400
        answer = await http.get("/v1/customers", headers=headers(good))
        assert answer.status_code == 200
        assert answer.content.startswith(b"\xef\xbb\xbf"), "good answers carry a byte order mark"


@pytest.mark.parametrize(
    ("changed", "code"),
    [
        ({"client_id": "x"}, 700016),
        ({"client_secret": "x"}, 7000215),
        ({"refresh_token": "x"}, 70008),
        ({"grant_type": "password"}, 70003),
    ],
)
async def test_a_wrong_sign_in_gets_entras_code(
    server: PartnerCenterServer, changed: dict[str, str], code: int
) -> None:
    """The words of Microsoft's sign-in, by number."""
    assert (await token(server, **changed)).json()["error_codes"] == [code]


async def test_an_upgrade_must_be_one_that_is_listed(server: PartnerCenterServer) -> None:
    """Another target, kind or number of seats is no valid input; the listed one happens once."""
    good = (await token(server)).json()["access_token"]
    contoso = server.records.find_customers("CompanyName", "Contoso")[0]["id"]
    where = f"/v1/customers/{contoso}/subscriptions/896a2862-67e2-4f3d-bb3f-c50c42b5fad8/upgrades"
    async with httpx.AsyncClient(base_url=server.api_url) as http:
        listed: dict[str, Any] = httpx.Response(
            200, content=(await http.get(where, headers=headers(good))).content[3:]
        ).json()["items"][0]
        for wrong in ({"quantity": 26}, {"upgradeType": "none"}, {"targetOffer": {"id": "x"}}):
            answer = await http.post(where, headers=headers(good), json={**listed, **wrong})
            assert answer.json()["code"] == 800002
        ids = headers(good)
        first = await http.post(where, headers=ids, json=listed)
        again = await http.post(where, headers=ids, json=listed)
        assert first.content == again.content
        assert len(server.records.performed) == 1
        refused = await http.post(where, headers=headers(good), json=listed)
        assert b'"code": 2' in refused.content


async def test_what_does_not_exist_is_not_found(server: PartnerCenterServer) -> None:
    """With Microsoft's codes."""
    good = (await token(server)).json()["access_token"]
    nobody = uuid.uuid4()
    async with httpx.AsyncClient(base_url=server.api_url) as http:
        answer = await http.get(f"/v1/customers/{nobody}/subscriptions", headers=headers(good))
        assert (answer.status_code, answer.json()["code"]) == (404, 20002)
