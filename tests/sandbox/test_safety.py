"""The practice workspace cannot be taken for the real one, nor reached by others unasked."""

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest

from bot.config.settings import SettingsProblem, load
from bot.sandbox.page.server import Page
from bot.sandbox.practice import ALICE, BOB, CHANNEL, Practice, PracticeClock
from tests.workspace import START


@pytest.fixture
async def practice() -> AsyncIterator[Practice]:
    """Both servers, without a bot."""
    practice = Practice(PracticeClock(lambda: START))
    await practice.start()
    yield practice
    await practice.stop()


@pytest.fixture
async def page(practice: Practice) -> AsyncIterator[Page]:
    """The page on it."""
    page = Page(practice)
    await page.start(0)
    yield page
    await page.stop()


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"PARTNER_CENTER_API_URL": ""}, "Partner Center would be the real one"),
        (
            {"PARTNER_CENTER_API_URL": "https://api.partnercenter.microsoft.com"},
            "Partner Center would be the real one",
        ),
        ({"SLACK_API_URL": ""}, "Slack would be the real one"),
    ],
)
async def test_half_of_it_with_half_of_the_real_thing_is_refused(
    practice: Practice, changed: dict[str, str], words: str
) -> None:
    """`upgrade-bot run` with a variable forgotten buys nothing and shows nothing."""
    load(practice.environment())
    with pytest.raises(SettingsProblem, match=words):
        load({**practice.environment(), **changed})


async def test_its_credentials_are_made_up_anew_each_time(practice: Practice) -> None:
    """So that nothing left in an environment works with the next one."""
    other = Practice(PracticeClock())
    await other.start()
    mine, theirs = practice.environment(), other.environment()
    for secret in ("SLACK_BOT_TOKEN", "SLACK_APP_TOKEN", "PARTNER_CENTER_CLIENT_SECRET"):
        assert mine[secret] != theirs[secret]
    await other.stop()


async def test_it_keeps_its_state_in_a_temporary_folder_that_goes(practice: Practice) -> None:
    """Nothing is left behind."""
    other = Practice(PracticeClock())
    await other.start()
    folder = other.folder
    assert str(folder) in other.environment()["UPGRADE_BOT_DATABASE_URL"]
    assert folder.parent == Path(practice.folder).parent
    await other.stop()
    assert not folder.exists()


async def test_every_server_says_that_it_is_practice(practice: Practice, page: Page) -> None:
    """In a header; and the page forbids everything that is not its own."""
    async with aiohttp.ClientSession() as session:
        for url in (f"{practice.slack.api_url}/auth.test", practice.partner_center.api_url):
            async with session.get(url) as answer:
                assert answer.headers["X-Practice"].startswith("this is not")
        for path in ("", "static/main.js", "api/state?as=U0ALICE", "nowhere"):
            async with session.get(f"{page.address}{path}") as answer:
                assert "default-src 'self'" in answer.headers["Content-Security-Policy"]
                assert answer.headers["X-Content-Type-Options"] == "nosniff"


def test_no_script_and_no_style_stands_in_the_page_itself() -> None:
    """All of it comes from files of our own, and none of it makes HTML of text."""
    static = Path(__file__).parents[2] / "bot/sandbox/page/static"
    page = (static / "index.html").read_text(encoding="utf-8")
    assert "<script>" not in page
    assert "style=" not in page
    assert "onclick" not in page
    for script in static.glob("*.js"):
        code = script.read_text(encoding="utf-8")
        for forbidden in (
            "innerHTML",
            "outerHTML",
            "insertAdjacentHTML",
            "eval(",
            "http://",
            "//cdn",
        ):
            assert forbidden not in code, f"{forbidden} in {script.name}"


async def test_no_other_site_can_use_the_page(page: Page) -> None:
    """Another name for this machine is refused, and so is a form."""
    async with aiohttp.ClientSession() as session:
        elsewhere = {"Host": "evil.example"}
        async with session.get(f"{page.address}api/state", headers=elsewhere) as answer:
            assert answer.status == 403
        async with session.post(f"{page.address}api/reset", data={"as": ALICE}) as answer:
            assert answer.status == 415


async def test_with_another_host_addresses_are_taken_and_strange_names_are_not(
    practice: Practice,
) -> None:
    """Names can be made to lead here by anybody."""
    page = Page(practice, "0.0.0.0")  # noqa: S104 - told so
    await page.start(0)
    async with aiohttp.ClientSession() as session:
        url = f"http://127.0.0.1:{page.port}/api/state"
        for host, status in (("192.0.2.1", 200), ("evil.example", 403)):
            async with session.get(url, headers={"Host": f"{host}:{page.port}"}) as answer:
                assert answer.status == status
    await page.stop()


async def test_nobody_sees_or_uses_what_is_only_for_others(practice: Practice, page: Page) -> None:
    """Neither the messages nor the files nor the forms of somebody else."""
    there = practice.slack.workspace
    there.app.scopes.add("files:write")
    secret = there.post(CHANNEL, there.bot.id, "for Alice", only_for=ALICE)
    file = there.new_file("a.csv", 1)
    file.content = b"a"
    direct = there.direct_messages(ALICE).id
    there.post(direct, there.bot.id, "", files=[{"id": file.id}])
    async with aiohttp.ClientSession() as session:
        for who, sees in ((ALICE, True), (BOB, False)):
            async with session.get(f"{page.address}api/state?as={who}") as answer:
                assert ("for Alice" in await answer.text()) is sees
            async with session.get(f"{page.address}api/files/{file.id}?as={who}") as answer:
                assert answer.status == (200 if sees else 404)
        for what in ({"ts": secret.ts, "channel": CHANNEL}, {"view": "V1"}):
            body = {"as": BOB, "action": "x", "given": {}, **what}
            async with session.post(f"{page.address}api/use", json=body) as answer:
                assert answer.status == 404


async def test_a_page_that_was_away_learns_what_it_missed(practice: Practice, page: Page) -> None:
    """From where it was, and no more; or that it has to begin anew."""
    there = practice.slack.workspace
    there.post(CHANNEL, BOB, "before")

    async def streamed(after: str) -> list[dict[str, object]]:
        url = f"{page.address}api/events?as={ALICE}"
        async with (
            aiohttp.ClientSession() as session,
            session.get(url, headers={"Last-Event-ID": after}) as answer,
        ):
            text = (await asyncio.wait_for(answer.content.readany(), 5)).decode()
        return [json.loads(line[6:]) for line in text.splitlines() if line.startswith("data: ")]

    async with (
        aiohttp.ClientSession() as session,
        session.get(f"{page.address}api/state?as={ALICE}") as answer,
    ):
        number = (await answer.json())["number"]
    there.post(CHANNEL, BOB, "after")
    there.post(CHANNEL, there.bot.id, "for Bob", only_for=BOB)
    (missed,) = await streamed(str(number))
    assert isinstance(missed["message"], dict)
    assert missed["message"]["text"] == "after"
    assert await streamed("999999") == [{"kind": "reset"}]
