"""What lists and a person's Home show."""

from dataclasses import dataclass

from bot.domain.item import Item
from bot.domain.policy import MemberKind, Person, Policy


@dataclass(frozen=True, slots=True)
class ListedItem:
    """An item with what a list says of its request: who asked for it in which channel, and the
    link of the card, empty where there is none."""

    item: Item
    requester: Person
    channel_id: str
    link: str = ""


ListedItems = tuple[ListedItem, ...]


@dataclass(frozen=True, slots=True)
class Home:
    """The items that wait for this person, those that they asked for and that are not finished, and
    what was finished lately; and what holds for an ordinary request. A person who is no full member
    has nothing in it."""

    member_kind: MemberKind
    policy: Policy
    waiting: ListedItems = ()
    mine: ListedItems = ()
    lately: ListedItems = ()
