"""Who may import whom, as code: handlers → asking, workflow, announcer → … → domain → errors."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent

LOW = {"bot.domain", "bot.errors"}
"""What nearly everything may use."""

MAY_IMPORT = {
    "bot.errors": set[str](),
    "bot.domain": LOW,
    "bot.buttons": LOW,
    "bot.messages": {"bot.messages", "bot.buttons", *LOW},
    "bot.repeating": set[str](),
    "bot.store": {"bot.store", "bot.metrics", "bot.repeating", *LOW},
    "bot.vault": {"bot.store"},
    "bot.partner_center": {"bot.partner_center", "bot.metrics", "bot.repeating", *LOW},
    "bot.directory": {"bot.partner_center", *LOW},
    "bot.background": set[str](),
    "bot.findings": set[str](),
    "bot.manifest": set[str](),
    "bot.pace": LOW,
    "bot.logs": set[str](),
    "bot.metrics": {"bot.domain"},
    "bot.door": {"bot.background", "bot.logs", "bot.metrics"},
    "bot.sockets": {"bot.metrics"},
    "bot.web": {"bot.metrics"},
    "bot.audit": {"bot.store"},
    "bot.upkeep": {"bot.store", *LOW},
    "bot.slack": set[str](),
    "bot.people": {"bot.slack", *LOW},
    "bot.policy_file": {"bot.partner_center", "bot.domain"},
    "bot.price_list": {"bot.domain"},
    "bot.settings": {"bot.policy_file", "bot.price_list", "bot.partner_center", "bot.domain"},
    "bot.preflight": {
        "bot.preflight", "bot.findings", "bot.settings", "bot.partner_center", "bot.store",
        "bot.domain",
    },
    "bot.preflight.database": {
        "bot.findings", "bot.settings", "bot.store", "bot.vault", "bot.errors",
    },
    "bot.preflight.slack": {"bot.findings", "bot.settings", "bot.slack", "bot.domain"},
    "bot.preflight.approvers": {"bot.preflight.slack", "bot.findings", "bot.slack", "bot.domain"},
    "bot.preflight.microsoft": {
        "bot.findings", "bot.settings", "bot.messages", "bot.partner_center", *LOW,
    },
    "bot.permission": LOW,
    "bot.asking": {
        "bot.permission", "bot.directory", "bot.logs", "bot.store", "bot.partner_center", *LOW,
    },
    "bot.workflow": {"bot.permission", "bot.logs", "bot.store", *LOW},
    "bot.overview": {"bot.permission", "bot.asking", "bot.store", *LOW},
    "bot.signing_in": {
        "bot.findings", "bot.messages", "bot.settings", "bot.partner_center", "bot.vault",
        "bot.preflight.database", "bot.errors",
    },
    "bot.explaining": {
        "bot.workflow", "bot.findings", "bot.messages", "bot.people", "bot.store", *LOW,
    },
    "bot.health": {
        "bot.metrics", "bot.sockets", "bot.web", "bot.store", "bot.partner_center", *LOW,
    },
    "bot.bulk": {"bot.permission", "bot.asking", "bot.store", "bot.partner_center", *LOW},
    "bot.bundles": {"bot.permission", "bot.logs", "bot.store", *LOW},
    "bot.conductor": {"bot.logs", "bot.store", *LOW},
    "bot.performer": {"bot.logs", "bot.store", "bot.partner_center", *LOW},
    "bot.announcer": {
        "bot.background", "bot.messages", "bot.slack", "bot.store", "bot.domain",
    },
    "bot.homes": {
        "bot.announcer", "bot.overview", "bot.permission", "bot.background", "bot.messages",
        "bot.slack", "bot.store", *LOW,
    },
    "bot.jobs": {
        "bot.announcer", "bot.homes", "bot.performer", "bot.conductor", "bot.background",
        "bot.slack", "bot.store", *LOW,
    },
    "handlers": {
        "handlers", "bot.permission", "bot.asking", "bot.workflow", "bot.overview", "bot.bulk",
        "bot.bundles", "bot.performer", "bot.announcer", "bot.jobs", "bot.slack", "bot.homes",
        "bot.background", "bot.messages", "bot.buttons", "bot.metrics", "bot.pace", *LOW,
    },
    "bot.sandbox": {"bot.sandbox", "bot.app", "bot.settings"},
}  # fmt: skip
"""For each part the parts that it may use. `bot.app` and `bot.cli` know everything."""

KNOWS_ALL = ("bot.app", "bot.cli", "bot.__main__")
BOLT_ONLY_IN = ("handlers", "bot.app", "bot.web", "bot.sockets", "bot.door")
PURE = ("bot.domain", "bot.messages", "bot.buttons", "bot.errors")
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
    """A part uses only the parts below it."""
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
