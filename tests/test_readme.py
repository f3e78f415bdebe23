"""What the README says is so."""

import re
import tomllib
from pathlib import Path

import pytest
import typer
import yaml

from bot.cli import app
from bot.config.settings import Settings

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")


def test_its_table_names_every_setting_and_no_other() -> None:
    """A variable that is not documented does not exist, and the other way round."""
    documented = set(re.findall(r"^\| `([A-Z_]+)` \|", README, re.MULTILINE))
    assert documented == {name.upper() for name in Settings.model_fields}


def test_it_has_two_commands_that_need_only_python() -> None:
    """One starts the demo, one runs the tests; each is one line."""
    commands = re.findall(r"^python3 -m venv .*$", README, re.MULTILINE)
    assert [command.rsplit("/", 1)[1] for command in commands] == [
        "upgrade-bot demo",
        "python -m pytest",
    ]


def test_its_table_names_every_command_and_every_command_helps() -> None:
    """Each says what it does."""
    documented = re.findall(r"^\| `upgrade-bot (\w+)` \| (.+) \|$", README, re.MULTILINE)
    group = typer.main.get_command(app)
    commands = group.commands  # type: ignore[attr-defined]
    assert {name for name, _ in documented} == set(commands)
    for name, command in commands.items():
        assert command.help, name
        for option in command.params:
            assert option.name == "help" or getattr(option, "help", None), f"{name} {option.name}"


@pytest.mark.parametrize("option", ["--json", "--http", "--since", "--csv", "--tie", "--port"])
def test_options_that_are_written_about_exist(option: str) -> None:
    """In the operators' pages, too."""
    pages = README + (ROOT / ".docker" / "README.md").read_text(encoding="utf-8")
    source = (ROOT / "bot" / "cli.py").read_text(encoding="utf-8")
    assert option in pages
    assert option in source or option.removeprefix("--") in source


def test_every_test_that_a_class_of_attack_names_is_there() -> None:
    """All 24 classes, and no name that has gone."""
    text = (ROOT / "tests" / "README.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| V(\d+) [^|]+\| (.+) \|$", text, re.MULTILINE)
    assert [int(number) for number, _ in rows] == list(range(1, 25))
    there = "".join(path.read_text(encoding="utf-8") for path in (ROOT / "tests").rglob("*.py"))
    for _, tests in rows:
        for name in re.findall(r"`(\w+)`", tests):
            assert re.search(rf"^(async )?def {name}\(", there, re.MULTILINE), name


def test_every_figure_that_operators_read_about_is_measured() -> None:
    """By the names of the page."""
    from bot.telemetry import metrics

    text = (ROOT / ".docker" / "README.md").read_text(encoding="utf-8")
    named = set(re.findall(r"`upgrade_bot_(\w+?)(?:\{|`)", text))
    there = re.findall(r"^# TYPE upgrade_bot_(\w+) ", metrics.text().decode(), re.MULTILINE)
    assert named <= {name for name in there if not name.endswith("_created")}


def test_the_files_for_operators_can_be_read() -> None:
    """YAML that is YAML, and two bots on one database."""
    compose = yaml.safe_load((ROOT / ".docker" / "compose.yml").read_text(encoding="utf-8"))
    bot = compose["services"]["bot"]
    assert bot["deploy"]["replicas"] == 2
    assert bot["read_only"] is True
    decisions = yaml.safe_load((ROOT / ".github/workflows/check.yml").read_text(encoding="utf-8"))
    assert "pip-audit" in str(decisions["jobs"])
    containerfile = (ROOT / ".docker" / "Containerfile").read_text(encoding="utf-8")
    assert re.search(r"^USER \d+$", containerfile, re.MULTILINE)
    assert "HEALTHCHECK" in containerfile


def test_the_lock_has_every_dependency_with_hashes_and_nothing_of_a_machine() -> None:
    """And what is asked for in `pyproject.toml` is in it."""
    lock = (ROOT / "requirements.lock").read_text(encoding="utf-8")
    pinned = set(re.findall(r"^([a-z0-9-]+)==", lock, re.MULTILINE))
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    asked = {re.split(r"[\[>]", each)[0].lower() for each in project["dependencies"]}
    assert asked <= pinned
    assert len(re.findall(r"==\S+ \\$", lock, re.MULTILINE)) == len(pinned)
    assert not re.search(r"https?://|--index|--find-links|/opt/|/home/|/root/", lock)
