"""The Slack app's manifest: as it stands in `manifest.yml`, or for HTTP mode."""

from pathlib import Path
from urllib.parse import urlsplit

EVENTS = "/slack/events"
HERE = Path(__file__).parents[1] / "manifest.yml"
"""Where an installed program has it; in a working copy it stands at the top."""


def for_sockets() -> str:
    """The manifest for Socket Mode."""
    path = HERE if HERE.exists() else HERE.parent.parent / HERE.name
    return path.read_text(encoding="utf-8")


def for_http(address: str) -> str:
    """The manifest for HTTP mode, in which Slack calls the bot at `address`; without a path,
    `/slack/events` is meant. Raises ValueError."""
    url = _where_slack_calls(address)
    said = "# HTTP mode. Afterwards set SLACK_SIGNING_SECRET, from Basic Information."
    lines = []
    for line in for_sockets().splitlines():
        if line.startswith("#"):
            continue
        indent = line[: len(line) - len(line.lstrip())]
        lines.append(line.replace("socket_mode_enabled: true", "socket_mode_enabled: false"))
        if line.strip().startswith("- command: "):
            lines.append(f"{indent}  url: {url}")
        if line.strip() == "is_enabled: true":  # letters that are typed go to an address of its own
            lines += [f"{indent}request_url: {url}", f"{indent}message_menu_options_url: {url}"]
    return "\n".join([said, *lines]) + "\n"


def _where_slack_calls(address: str) -> str:
    parts = urlsplit(address)
    plain = address.isprintable() and not set(address) & set(" '\"\\{}[]#<>")
    if parts.scheme != "https" or not parts.hostname or parts.query or not plain:
        raise ValueError(f"{address} is no https address such as https://bot.example.com")
    return address.rstrip("/") + (EVENTS if parts.path in ("", "/") else "")
