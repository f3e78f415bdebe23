"""Every sentence exists in every language, with the same values in it; and no other does."""

import ast
from pathlib import Path
from string import Formatter

import pytest
from babel.messages.catalog import Catalog
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po

from bot.domain.item import State
from bot.errors import Reason
from bot.messages.language import CATALOGUES, LANGUAGES, catalogue_of, gettext, ngettext, use_locale
from bot.messages.refusals import refusal_text
from tests.factories import refused, request_in

MESSAGES = Path(__file__).parents[2] / "bot" / "messages"
SAID_BY: dict[str, tuple[int, ...] | None] = {"gettext": None, "N_": None, "ngettext": (1, 2)}
OTHERS = sorted(path.stem for path in CATALOGUES.glob("*.po"))


def in_the_code() -> Catalog:
    """Every sentence that the code says."""
    catalogue = Catalog()
    for file, line, sentence, _, _ in extract_from_dir(
        MESSAGES, method_map=[("**.py", "python")], keywords=SAID_BY
    ):
        catalogue.add(sentence, locations=[(file, line)])
    return catalogue


def translated(name: str) -> Catalog:
    """A catalogue as it is stored."""
    with (CATALOGUES / f"{name}.po").open("rb") as file:
        return read_po(file, locale=name, abort_invalid=True)


def test_every_sentence_can_be_found() -> None:
    """What is said inside an f-string, or put together before, no tool finds for a translator."""
    for path in MESSAGES.glob("*.py"):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        inside = [
            call
            for text in ast.walk(tree)
            if isinstance(text, ast.JoinedStr)
            for call in ast.walk(text)
            if isinstance(call, ast.Call) and getattr(call.func, "id", "") in SAID_BY
        ]
        said = [ast.unparse(call) for call in inside if isinstance(call.args[0], ast.Constant)]
        assert said == [], path.name


def test_there_is_a_catalogue_for_each_language() -> None:
    """And no catalogue that nobody can get."""
    assert OTHERS == sorted(set(LANGUAGES.values()) - {"en_US"}) == ["zh_CN", "zh_TW"]


@pytest.mark.parametrize("name", OTHERS)
def test_every_sentence_is_translated_and_no_other(name: str) -> None:
    """One that is missing would be said in English, one that is unused is forgotten work."""
    said = {str(each.id) for each in in_the_code() if each.id}
    there = {str(each.id) for each in translated(name) if each.id and all(_texts(each.string))}
    assert sorted(said - there) == []
    assert sorted(there - said) == []


@pytest.mark.parametrize("name", OTHERS)
def test_a_translation_has_the_same_values_and_commands_in_it(name: str) -> None:
    """A value that is left out would be a fact that is not told."""
    for each in translated(name):
        if not each.id:
            continue
        for text in _texts(each.string):
            assert values(text) == values(_texts(each.id)[-1]), each.id
            assert commands(text) == commands(_texts(each.id)[-1]), each.id


def test_languages_that_nobody_translated_are_told_in_english() -> None:
    """Whatever Slack calls them."""
    names = ["en-GB", "fr-FR", "", "zh-Hant-TW", "zh-HK", "zh-CN", "ZH_tw", "xx"]
    assert [catalogue_of(name) for name in names] == [
        "en_US", "en_US", "en_US", "zh_TW", "zh_TW", "zh_CN", "zh_TW", "en_US"
    ]  # fmt: skip


def test_a_language_is_spoken_only_within() -> None:
    """And numbers follow it."""
    english = gettext("Decline")
    with use_locale("zh-TW"):
        assert gettext("Decline") != english
        assert "12,500" in ngettext("{count} seat", "{count} seats", 12500)
    assert gettext("Decline") == english == "Decline"
    assert ngettext("{count} seat", "{count} seats", 1) == "1 seat"


def _texts(of: str | tuple[str, ...] | list[str] | None) -> list[str]:
    return [of or ""] if of is None or isinstance(of, str) else list(of)


def values(text: str) -> set[str]:
    """The names in braces."""
    return {name for _, name, _, _ in Formatter().parse(text) if name}


def commands(text: str) -> list[str]:
    """What people could type, in backquotes."""
    return sorted(text.split("`")[1::2])


@pytest.mark.parametrize("number", [1, 2])
@pytest.mark.parametrize("state", list(State))
def test_no_refusal_is_said_in_english_only(state: State, number: int) -> None:
    """A sentence that was not marked to be translated is found too."""
    request = request_in(state, number)
    with use_locale("zh-TW"):
        for reason in Reason:
            said = refusal_text(refused(reason, request))
            assert any("\u4e00" <= sign <= "\u9fff" for sign in said), reason
