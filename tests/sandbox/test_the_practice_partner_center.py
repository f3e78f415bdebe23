"""The practice Partner Center and its sign-in are as strict, and as odd, as Microsoft's."""

import json
import uuid
from collections.abc import AsyncIterator
from datetime import timedelta
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


async def asks(server: PartnerCenterServer, path: str, **changed: str) -> httpx.Response:
    """Read something with a fresh token of the consent."""
    good = (await token(server)).json()["access_token"]
    async with httpx.AsyncClient(base_url=server.api_url) as http:
        return await http.get(path, headers=headers(good, **changed))


def content(answer: httpx.Response) -> Any:
    """The JSON behind the byte order mark."""
    return json.loads(answer.content.decode("utf-8-sig"))


async def test_a_token_needs_a_second_factor_our_audience_and_a_role(
    server: PartnerCenterServer,
) -> None:
    """Each with Microsoft's own code; and who asks is told whether there was a second factor."""
    answer = await asks(server, "/v1/customers", ValidateMfa="true")
    assert answer.headers["isMfaCompliant"] == "true"
    server.login.amr = ["pwd"]
    assert (await asks(server, "/v1/customers")).json()["code"] == 900421
    server.login.amr = ["pwd", "mfa"]
    server.roles.clear()
    answer = await asks(server, "/v1/customers")
    assert (answer.status_code, answer.json()["code"]) == (403, 900150)
    server.roles.add("admin_agent")
    graph = (await token(server, scope="https://graph.microsoft.com/.default")).json()
    async with httpx.AsyncClient(base_url=server.api_url) as http:
        answer = await http.get("/v1/customers", headers=headers(graph["access_token"]))
    assert (answer.status_code, answer.json()["code"]) == (401, 900420)


async def test_an_application_alone_may_not_touch_licences(server: PartnerCenterServer) -> None:
    """It neither reads them nor transfers them."""
    alone = (await token(server, grant_type="client_credentials")).json()["access_token"]
    contoso = server.records.find_customers("CompanyName", "Contoso")[0]["id"]
    async with httpx.AsyncClient(base_url=server.api_url) as http:
        skus = f"/v1/customers/{contoso}/subscribedskus"
        answer = await http.get(skus, headers=headers(alone))
        assert (answer.status_code, answer.json()["code"]) == (403, 900329)
        listed = await http.get(f"{CONTOSO_E1.format(contoso)}/upgrades", headers=headers(alone))
    codes = {
        each["upgradeType"]: [error["code"] for error in each["upgradeErrors"]]
        for each in content(listed)["items"]
    }
    assert codes == {"upgrade_only": [], "upgrade_with_license_transfer": [5]}


CONTOSO_E1 = "/v1/customers/{}/subscriptions/896a2862-67e2-4f3d-bb3f-c50c42b5fad8"


async def test_rights_that_a_customer_took_away_are_missed(server: PartnerCenterServer) -> None:
    """No relationship: nothing; too little: no licence transfer."""
    contoso = server.records.find_customers("CompanyName", "Contoso")[0]["id"]

    async def codes() -> list[list[int]]:
        listed = content(await asks(server, f"{CONTOSO_E1.format(contoso)}/upgrades"))
        return [[error["code"] for error in each["upgradeErrors"]] for each in listed["items"][:2]]

    server.records.weak_roles.add(contoso)
    assert await codes() == [[], [11]]
    server.records.without_relationship.add(contoso)
    assert await codes() == [[1], [1]]


async def test_who_calls_too_often_is_told_when_to_come_again(server: PartnerCenterServer) -> None:
    """By the gateway, which knows nothing of Microsoft's ids."""
    server.a_minute = 2
    for _ in range(2):
        assert (await asks(server, "/v1/customers")).status_code == 200
    answer = await asks(server, "/v1/customers")
    assert answer.status_code == 429
    assert 0 < int(answer.headers["Retry-After"]) <= 60
    assert "Try again in" in answer.json()["message"]
    assert "MS-RequestId" not in answer.headers


async def test_pages_are_turned_with_the_token_that_was_given(server: PartnerCenterServer) -> None:
    """Every customer comes once; an invented token is refused."""
    names: list[str] = []
    more: dict[str, str] = {}
    path = "/v1/customers?size=3"
    while True:
        page = content(await asks(server, path, **more))
        names += [each["companyProfile"]["domain"] for each in page["items"]]
        if "next" not in page["links"]:
            break
        sent = page["links"]["next"]["headers"]
        more = {each["key"]: each["value"] for each in sent}
        path = "/v1/customers?size=3&seekOperation=Next"
    assert sorted(names) == sorted(
        each["companyProfile"]["domain"] for each in server.records.customers.values()
    )
    invented = {"MS-ContinuationToken": "3"}
    assert (await asks(server, path, **invented)).status_code == 400


async def test_what_happened_is_shown_late_when_told_so(server: PartnerCenterServer) -> None:
    """For a while the old state is still there; a second attempt is refused all the same."""
    clock = server.records.clock
    assert isinstance(clock, PracticeClock)
    server.records.lag = timedelta(seconds=30)
    contoso = server.records.find_customers("CompanyName", "Contoso")[0]["id"]
    path = CONTOSO_E1.format(contoso)
    listed = content(await asks(server, f"{path}/upgrades"))["items"][0]
    good = (await token(server)).json()["access_token"]
    async with httpx.AsyncClient(base_url=server.api_url) as http:
        await http.post(f"{path}/upgrades", headers=headers(good), json=listed)
        again = await http.post(f"{path}/upgrades", headers=headers(good), json=listed)
    assert content(again)["upgradeErrors"][0]["code"] == 2
    assert content(await asks(server, path))["status"] == "active"
    clock.move(timedelta(seconds=31))
    assert content(await asks(server, path))["status"] == "suspended"
