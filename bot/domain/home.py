"""What somebody's Home shows."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from bot.domain.policy import MemberKind, Policy
from bot.domain.upgrade import UpgradeRequest

Requests = tuple[UpgradeRequest, ...]


@dataclass(frozen=True, slots=True)
class Home:
    """The requests that wait for this person, those that they asked for and that are not
    finished, and what was finished lately; the links of their cards, by the requests' ids; and
    what holds for an ordinary request. For whoever is no full member there is nothing in it."""

    member_kind: MemberKind
    policy: Policy
    waiting: Requests = ()
    mine: Requests = ()
    lately: Requests = ()
    links: Mapping[str, str] = field(default_factory=dict)
