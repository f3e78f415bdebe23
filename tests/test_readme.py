"""What the README says is so."""

import re
from pathlib import Path

from bot.settings import Settings

README = (Path(__file__).parent.parent / "README.md").read_text(encoding="utf-8")


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
