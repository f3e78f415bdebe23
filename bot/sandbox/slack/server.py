"""The practice Slack on HTTP: Web API, response URLs, files, and the door to Socket Mode."""

import asyncio
import json
from collections import deque
from typing import Any

from aiohttp import web

from bot.sandbox.slack import block_kit
from bot.sandbox.slack.delivery import Delivery, signature
from bot.sandbox.slack.interactions import Interactions
from bot.sandbox.slack.web_api import SlackError, Trouble, WebApi
from bot.sandbox.slack.workspace import (
    RESPONSE_URL_LASTS,
    RESPONSE_URL_USES,
    ResponseUrl,
    Workspace,
)
from bot.sandbox.traffic import Exchange, Traffic

__all__ = ["SlackServer", "signature"]

LARGEST_BODY = 60 * 1024 * 1024
PRACTICE = {"X-Practice": "this is not Slack"}
"""Every answer says what it is."""


class SlackServer:
    """Serves one workspace on loopback. After `start`, `api_url` is its Web API."""

    def __init__(self, workspace: Workspace, traffic: Traffic | None = None) -> None:
        self.workspace = workspace
        self.traffic = traffic or Traffic(workspace.clock)
        self.delivery = Delivery(workspace, self.traffic)
        self.api = WebApi(workspace, self._new_address)
        self.delay = 0.0
        """Seconds that every call takes."""
        self.interactions: Interactions
        self.api_url = ""
        self._base = ""
        self._runner: web.AppRunner | None = None

    @property
    def request_url(self) -> str | None:
        """Where the app listens in HTTP mode; None for Socket Mode."""
        return self.delivery.request_url

    @request_url.setter
    def request_url(self, url: str | None) -> None:
        self.delivery.request_url = url

    @property
    def deliveries(self) -> int:
        """How often every payload is delivered; the person sees the first acknowledgement."""
        return self.delivery.deliveries

    @deliveries.setter
    def deliveries(self, number: int) -> None:
        self.delivery.deliveries = number

    async def start(self) -> None:
        """Listen on a free port of this machine."""
        app = web.Application(client_max_size=LARGEST_BODY)
        app.on_response_prepare.append(_say_practice)
        app.router.add_route("*", "/api/{method}", self._call)
        app.router.add_get("/link", self.delivery.link)
        app.router.add_post("/response/{secret}", self._response)
        app.router.add_post("/upload/{secret}", self._upload)
        app.router.add_get("/files/{file}/download", self._download)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=1)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        self._base = f"http://127.0.0.1:{self._runner.addresses[0][1]}"
        self.api_url = f"{self._base}/api"
        self.workspace.files_url = f"{self._base}/"
        self.workspace.url = self.workspace.url or f"{self._base}/"
        self.interactions = Interactions(self.workspace, self.delivery, self._base)

    async def stop(self) -> None:
        """Close all connections."""
        await self.delivery.stop()
        if self._runner:
            await self._runner.cleanup()

    async def deliver(self, kind: str, payload: dict[str, Any]) -> dict[str, Any] | None:
        """Bring any payload to the app: for forgers and replays."""
        return await self.delivery.deliver(kind, payload)

    def trouble(self, method: str, trouble: Trouble) -> None:
        """Let the next call of a Web API method go wrong, or of `upload`, which takes the bytes."""
        self.api.troubles.setdefault(method, deque()).append(trouble)

    async def _call(self, request: web.Request) -> web.Response:
        method = request.match_info["method"]
        try:
            arguments = await _arguments(request)
        except ConnectionError:  # the app died in the middle of its call: there is no call
            return web.Response(status=400)
        except ValueError:
            return web.json_response({"ok": False, "error": "invalid_json"})
        exchange = self._begins(request, "web_api", method, arguments)
        token = request.headers.get("Authorization", "").removeprefix("Bearer ")
        token = token or str(arguments.pop("token", ""))
        trouble = self._next_trouble(method)
        if delay := self.delay + (trouble.delay if trouble else 0):
            await asyncio.sleep(delay)
        if trouble and trouble.is_a_refusal and not trouble.after:
            return self._troubled(request, trouble, exchange)
        answer = self.api.call(method, token, arguments)
        if trouble and trouble.is_a_refusal:
            return self._troubled(request, trouble, exchange)
        return self._answered(answer, token, exchange)

    def _answered(self, answer: dict[str, Any], token: str, exchange: Exchange) -> web.Response:
        scopes = ",".join(sorted(self.workspace.scopes))
        headers = {"x-oauth-scopes": scopes} if token == self.workspace.bot_token else {}
        status = 200
        if answer.get("error") == "ratelimited":
            status, headers["Retry-After"] = 429, str(answer.pop("retry_after"))
        failed = not answer["ok"]
        word = answer.get("error") or status
        self.traffic.ends(exchange, status=word, answered=answer, failed=failed)
        return web.json_response(answer, status=status, headers=headers)

    def _troubled(self, request: web.Request, trouble: Trouble, exchange: Exchange) -> web.Response:
        if trouble.cut:
            self.traffic.ends(exchange, status="connection cut", failed=True)
            if request.transport is not None:  # it is None when the caller has gone already
                request.transport.abort()
            return web.Response()
        headers = {"Retry-After": str(trouble.retry_after)} if trouble.retry_after else {}
        answer = {"ok": False, "error": trouble.error or "internal_error"}
        word = trouble.error or trouble.status
        self.traffic.ends(exchange, status=word, answered=answer, failed=True)
        return web.json_response(answer, status=trouble.status, headers=headers)

    def _begins(self, request: web.Request, kind: str, name: str, sent: Any) -> Exchange:
        headers = {
            key: value
            for key, value in request.headers.items()
            if key in ("Authorization", "Content-Type")
        }
        exchange = self.traffic.begins(
            kind, name, sent=sent, method=request.method, url=str(request.url), headers=headers
        )
        if request.method == "POST" and name != "upload":
            exchange.headers["Content-Type"] = "application/json"
            exchange.more["body"] = json.dumps(sent)
        return exchange

    def _next_trouble(self, method: str) -> Trouble | None:
        """The trouble for this method, or one that is for whichever method comes first (`*`)."""
        for name in (method, "*"):
            if waiting := self.api.troubles.get(name):
                return waiting.popleft()
        return None

    def _new_address(self) -> str:
        if not self.delivery.socket_mode:  # Slack's word for this is not documented
            raise SlackError("forbidden_team")
        return f"{self._base.replace('http', 'ws')}/link?ticket={self.delivery.new_ticket()}"

    async def _response(self, request: web.Request) -> web.Response:
        """A response URL: five uses within thirty minutes."""
        content = await request.json()
        exchange = self._begins(request, "response_url", "response_url", content)
        if self.delay:
            await asyncio.sleep(self.delay)
        there = self.workspace.response_urls.get(request.match_info["secret"])
        word = self._refused_response(there, content)
        status = 200 if word == "ok" else 400 if word in BAD_CONTENT else 404
        if there and word == "ok":
            there.uses += 1
            self._respond(there, content)
        self.traffic.ends(exchange, status=status, answered=word, failed=word != "ok")
        return web.Response(text=word, status=status)

    def _refused_response(self, there: ResponseUrl | None, content: dict[str, Any]) -> str:
        blocks = content.get("blocks")
        if there is None:
            return "no_such_url"
        if self.workspace.clock() - there.issued_at > RESPONSE_URL_LASTS:
            return "expired_url"
        if there.uses >= RESPONSE_URL_USES:
            return "used_url"
        if blocks is not None and block_kit.message_problems(blocks):
            return "invalid_blocks"
        if blocks is not None and block_kit.text_size(blocks) > block_kit.ALL_TEXT:
            return "msg_blocks_too_long"
        return "ok"

    def _respond(self, there: ResponseUrl, content: dict[str, Any]) -> None:
        original = self.workspace.find(there.channel, there.message_ts or "")
        if content.get("delete_original") and original:
            self.workspace.delete(original)
        elif content.get("replace_original") and original:
            self.workspace.edit(original, content.get("text", ""), content.get("blocks"))
        else:
            in_channel = content.get("response_type") == "in_channel"
            self.workspace.post(
                there.channel,
                self.workspace.bot.id,
                content.get("text", ""),
                content.get("blocks"),
                content.get("thread_ts"),
                only_for=None if in_channel else there.user,
            )

    async def _upload(self, request: web.Request) -> web.Response:
        """The bytes of a file: as many as were promised, once."""
        secret = request.match_info["secret"]
        file = next((f for f in self.workspace.files.values() if f.secret == secret), None)
        if file is None or file.content is not None:
            return web.Response(status=404, text="no_such_upload")
        content = await _uploaded(request)
        exchange = self._begins(request, "web_api", "upload", {"bytes": len(content)})
        if trouble := self._next_trouble("upload"):
            return self._troubled(request, trouble, exchange)
        good = len(content) == file.length
        said = f"OK - {len(content)}" if good else f"promised {file.length}, got {len(content)}"
        file.content = content if good else None
        status = 200 if good else 400
        self.traffic.ends(exchange, status=status, answered=said, failed=not good)
        return web.Response(status=status, text=said)

    async def _download(self, request: web.Request) -> web.Response:
        """For the app, which needs the scope to read; people fetch files from the page."""
        token = request.headers.get("Authorization", "").removeprefix("Bearer ")
        if token != self.workspace.bot_token or "files:read" not in self.workspace.scopes:
            return web.Response(status=403)
        file = self.workspace.files.get(request.match_info["file"])
        if file is None or file.content is None:
            return web.Response(status=404)
        return web.Response(body=file.content, content_type="application/octet-stream")


BAD_CONTENT = frozenset({"invalid_blocks", "msg_blocks_too_long"})


async def _say_practice(_request: web.Request, response: web.StreamResponse) -> None:
    response.headers.update(PRACTICE)


async def _uploaded(request: web.Request) -> bytes:
    """The body itself, or the first file of a form."""
    if request.content_type != "multipart/form-data":
        return await request.read()
    form = await request.post()
    found = next((each for each in form.values() if isinstance(each, web.FileField)), None)
    return found.file.read() if found else b""


async def _arguments(request: web.Request) -> dict[str, Any]:
    """Slack takes arguments in the query, in a form, and as JSON."""
    arguments: dict[str, Any] = dict(request.query)
    if request.content_type == "application/json":
        arguments |= await request.json() if request.can_read_body else {}
    elif request.can_read_body:
        arguments |= dict(await request.post())
    return arguments
