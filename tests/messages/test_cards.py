"""The card of each state in each language, as people read it: of one item in
`cards/<language>.txt`, of two in `cards/<language>-two-items.txt`.

`python -m tests.messages.test_cards` writes these files anew, to be read and committed.
"""

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from bot.domain.item import Item, State
from bot.domain.request import Request
from bot.domain.subscription import Customer
from bot.messages.card import card
from bot.messages.language import use_locale
from bot.sandbox.slack.workspace import Workspace
from tests import reading
from tests.factories import (
    BOB,
    CAROL,
    CUSTOMER,
    NOW,
    TRIED,
    item_in,
    request_of,
    run_of,
    tried,
    voted,
)

CARDS = Path(__file__).parent / "cards"
LANGUAGES = ["en", "zh-TW", "zh-CN"]

CUSTOMERS = [
    CUSTOMER,
    Customer("88888888-8888-4888-8888-888888888888", "Northwind", "northwind.example"),
]

MIXED = [
    (State.AWAITING_APPROVAL, State.APPROVED),
    (State.DONE, State.FAILED),
    (State.DONE, State.UNKNOWN),
    (State.FAILED, State.DECLINED),
    (State.DECLINED, State.EXPIRED),
]


def in_states(*states: State) -> Request:
    """A request of an item in each of these states; those that were tried are confirmed."""
    request = request_of(item(state, number) for number, state in enumerate(states))
    return replace(request, run=run_of(request) if set(states) & set(TRIED) else None)


def item(state: State, number: int) -> Item:
    """An item for one of the customers; of a lost answer the bot has looked for it once."""
    made = item_in(state, number + 1, customer=CUSTOMERS[number])
    return tried(made, looks=1) if state is State.UNKNOWN else made


def of_one_item() -> list[Request]:
    """In each state."""
    return [in_states(state) for state in State]


def of_two_items() -> list[Request]:
    """In each state, in two different ones, on the way, and with people who look."""
    alike = [in_states(state, state) for state in State]
    mixed = [in_states(*states) for states in MIXED]
    approved, begun = in_states(State.APPROVED, State.APPROVED), in_states(State.DONE, State.FAILED)
    running = replace(begun, items=(begun.items[0], item(State.APPROVED, 1)))
    running = replace(running, run=run_of(running), changed_at=NOW + timedelta(minutes=3))
    failed = in_states(State.FAILED, State.APPROVED)
    waiting = request_of(
        voted(item(State.AWAITING_APPROVAL, n), looking=(BOB, CAROL)[: n + 1]) for n in range(2)
    )
    return [
        *alike,
        *mixed,
        replace(approved, run=run_of(approved)),
        running,
        replace(failed, run=run_of(failed, is_stopped=True)),
        waiting,
    ]


REQUESTS = {"": of_one_item, "-two-items": of_two_items}


def cards_in(language: str, kind: str) -> str:
    """All cards of a kind in one language, a line of `=` between them."""
    slack = Workspace(lambda: NOW)
    with use_locale(language):
        shown = [card(request) for request in REQUESTS[kind]()]
    return "\n=====\n".join(reading.blocks(slack, each.blocks) for each in shown) + "\n"


@pytest.mark.parametrize("kind", REQUESTS)
@pytest.mark.parametrize("language", LANGUAGES)
def test_every_state_has_its_card_in_every_language(language: str, kind: str) -> None:
    """A change of a card shows what people will read."""
    expected = (CARDS / f"{language}{kind}.txt").read_text(encoding="utf-8")
    assert cards_in(language, kind) == expected


if __name__ == "__main__":
    for each in LANGUAGES:
        for name in REQUESTS:
            (CARDS / f"{each}{name}.txt").write_text(cards_in(each, name), encoding="utf-8")
