"""The card of each state in each language, as people read it: `cards/<language>.txt`.

`python -m tests.messages.test_cards` writes these files anew, to be read and committed.
"""

from pathlib import Path

import pytest

from bot.domain.policy import Person
from bot.domain.upgrade import State
from bot.messages.card import card
from bot.messages.language import use_locale
from bot.sandbox.slack.workspace import Workspace
from tests import reading
from tests.requests import NOW, request_in

CARDS = Path(__file__).parent / "cards"
LANGUAGES = ["en", "zh-TW", "zh-CN"]


def cards_in(language: str) -> str:
    """All cards in one language, a line of `=` between them."""
    alice, carol = Person("T0PRACTICE", "U0ALICE"), Person("T0PRACTICE", "U0CAROL")
    slack = Workspace(lambda: NOW)
    with use_locale(language):
        shown = [
            card(request_in(state, requester=alice, approver=carol, channel_id="C0UPGRADES"))
            for state in State
        ]
    return "\n=====\n".join(reading.blocks(slack, each.blocks) for each in shown) + "\n"


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_state_has_its_card_in_every_language(language: str) -> None:
    """Whoever changes a card sees what people will read."""
    assert cards_in(language) == (CARDS / f"{language}.txt").read_text(encoding="utf-8")


if __name__ == "__main__":
    for each in LANGUAGES:
        (CARDS / f"{each}.txt").write_text(cards_in(each), encoding="utf-8")
