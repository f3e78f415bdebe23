"""Which room may import which: handlers → requests, worker → slack → store … → domain → errors."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent

LOW = {"bot.domain", "bot.errors"}
"""What nearly everything may use."""

MAY_IMPORT = {
    "bot.errors": set[str](),
    "bot.retry": set[str](),
    "bot.tasks": set[str](),
    "bot.domain": LOW,
    "bot.telemetry": {"bot.telemetry", *LOW},
    "bot.messages": {"bot.messages", *LOW},
    "bot.store": {"bot.store", "bot.telemetry", "bot.retry", *LOW},
    "bot.partner_center": {"bot.partner_center", "bot.telemetry", "bot.retry", *LOW},
    "bot.slack": {"bot.slack", "bot.store", "bot.messages", "bot.tasks", "bot.telemetry", *LOW},
    "bot.requests": {"bot.requests", "bot.store", "bot.partner_center", "bot.telemetry", *LOW},
    "bot.worker": {
        "bot.worker", "bot.slack", "bot.store", "bot.partner_center", "bot.tasks", "bot.telemetry",
        *LOW,
    },
    "bot.server": {
        "bot.server", "bot.slack", "bot.store", "bot.partner_center", "bot.telemetry", *LOW,
    },
    "bot.config": {"bot.config", "bot.partner_center", *LOW},
    "bot.preflight": {
        "bot.preflight", "bot.config", "bot.slack", "bot.store", "bot.partner_center",
        "bot.messages", *LOW,
    },
    "bot.commands": {
        "bot.commands", "bot.preflight", "bot.config", "bot.requests", "bot.slack", "bot.store",
        "bot.partner_center", "bot.messages", *LOW,
    },
    "handlers": {
        "handlers", "bot.requests", "bot.worker", "bot.slack", "bot.messages", "bot.tasks",
        "bot.telemetry", *LOW,
    },
    "bot.sandbox": {"bot.sandbox", "bot.app", "bot.config"},
}  # fmt: skip
"""For each room the rooms that it may use. `bot.app` and `bot.cli` know everything."""

KNOWS_ALL = ("bot.app", "bot.cli", "bot.__main__")
BOLT_ONLY_IN = (
    "handlers", "bot.app", "bot.server.http", "bot.slack.socket_mode", "bot.slack.bolt_app",
)  # fmt: skip
PURE = ("bot.domain", "bot.messages", "bot.errors")
IMPURE = {"asyncio", "httpx", "aiohttp", "sqlalchemy", "pydantic", "slack_sdk", "random", "time",
          "uuid", "secrets", "os", "structlog", "logging"}  # fmt: skip


def modules() -> dict[str, Path]:
    """Every module of the program, by name."""
    found = {}
    for folder in ("bot", "handlers"):
        for path in (ROOT / folder).rglob("*.py"):
            parts = path.relative_to(ROOT).with_suffix("").parts
            found[".".join(p for p in parts if p != "__init__")] = path
    return found


def imports(path: Path) -> set[str]:
    """The modules that a file names in its imports."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {each.name for each in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            assert node.level == 0, f"{path}: imports are written out"
            names |= {f"{node.module}.{each.name}" for each in node.names}
    return names


def is_in(module: str, parts: object) -> bool:
    """Whether a module is one of the parts or inside one."""
    assert isinstance(parts, set | tuple)
    return any(module == part or module.startswith(part + ".") for part in parts)


@pytest.mark.parametrize("module", [m for m in modules() if m != "bot" and not is_in(m, KNOWS_ALL)])
def test_imports_run_one_way(module: str) -> None:
    """A room uses only the rooms below it."""
    part = max((p for p in MAY_IMPORT if is_in(module, (p,))), key=len, default=None)
    assert part, f"{module} has no place in MAY_IMPORT"
    ours = {name for name in imports(modules()[module]) if is_in(name, ("bot", "handlers"))}
    assert not {name for name in ours if not is_in(name, MAY_IMPORT[part])}


@pytest.mark.parametrize("module", [m for m in modules() if is_in(m, PURE)])
def test_domain_and_messages_are_pure(module: str) -> None:
    """No clock, no ids, no input or output, and in the domain no pydantic."""
    used = {name.split(".")[0] for name in imports(modules()[module])}
    assert not used & IMPURE


@pytest.mark.parametrize(
    "module",
    [m for m in modules() if not is_in(m, BOLT_ONLY_IN) and not is_in(m, ("bot.sandbox",))],
)
def test_only_handlers_and_the_composition_root_know_bolt(module: str) -> None:
    """Everything else could answer from another chat."""
    assert not any(name.startswith("slack_bolt") for name in imports(modules()[module]))


def test_nothing_but_the_command_line_imports_the_sandbox() -> None:
    """`upgrade-bot run` can never start a pretended Slack."""
    users = {
        module
        for module, path in modules().items()
        if not is_in(module, ("bot.sandbox",))
        and any(is_in(name, ("bot.sandbox",)) for name in imports(path))
    }
    assert users == {"bot.cli"}
