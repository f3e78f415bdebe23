"""Which calls to Slack and Partner Center there have to be, and which must follow one another.

Written down here and not read off what the bot does, as that would make whatever it does the best
that can be done; but what it did is read off the records of the practice servers.
"""

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from bot.sandbox.practice import Practice
from bot.sandbox.traffic import Exchange

AT_ONCE = 8
"""Calls that the bot makes at once at Partner Center, as the README says."""

ALL = 1000
"""At once, as nothing keeps one from another."""

ONE = r"/v1/customers/[^/]+/subscriptions"


class Call(NamedTuple):
    """A call that is needed so many times for one whole upgrade, and why."""

    kind: str
    name: str
    times: int
    why: str


class Link(NamedTuple):
    """Calls that can be made together, so many at once, once those of the link before are there."""

    kind: str
    name: str
    at_once: int
    why: str


LOOK_UP = (
    Link("web_api", r"users\.info", ALL, "whoever may not ask learns nothing"),
    Link("partner_center", f"GET {ONE}", ALL, "what there is to upgrade"),
    Link("partner_center", f"GET {ONE}/[^/]+/upgrades", AT_ONCE, "the options of each of them"),
    Link("response_url", "response_url", ALL, "the answer; ideally one message takes it all"),
)
"""From `/upgrade contoso` to the options on screen. A link counts only where it was made: Slack is
not asked twice in a minute who somebody is."""

WHOLE_UPGRADE = (
    Call("web_api", r"users\.info", 2, "who asks, and who approves, are members and no guests"),
    Call("partner_center", f"GET {ONE}", 1, "the customer's subscriptions"),
    Call("partner_center", f"GET {ONE}/[^/]+/upgrades", 4, "what each of the three can become; "
         "and once more before it is sent, because it may have drifted"),
    Call("response_url", "response_url", 1, "the options, for the requester alone"),
    Call("web_api", r"views\.open", 1, "the review form"),
    Call("web_api", r"usergroups\.users\.list", 1, "whether Carol is an approver"),
    Call("web_api", r"chat\.postMessage", 5, "the card; its thread says that it was approved, that "
         "it was started and by whom, and the result; and the requester is told whose turn it is"),
    Call("web_api", r"chat\.update", 3, "the card when it is approved, performed and done"),
    Call("partner_center", f"GET {ONE}(/[^/]+)?", 1, "the subscription, read once more before "
         "it is sent"),
    Call("partner_center", r"GET /v1/customers/[^/]+/subscribedskus", 1, "the licences before, "
         "beside which those after it are shown"),
    Call("partner_center", f"POST {ONE}/[^/]+/upgrades", 1, "the upgrade itself"),
)  # fmt: skip
"""From `/upgrade contoso` to the result in the thread, of a customer with three subscriptions, with
one approval, within a minute."""

FEWEST = sum(call.times for call in WHOLE_UPGRADE)


@dataclass(frozen=True)
class Records:
    """What the practice servers were called for, from one moment to another."""

    exchanges: Sequence[Exchange]

    @classmethod
    def since(cls, practice: Practice, number: int) -> "Records":
        """After the exchange of that number. What Slack delivers is no call of the bot's."""
        kept = practice.traffic.exchanges
        there = (each for each in kept if each.number > number and each.kind != "payload")
        return cls(list(there))

    def of(self, kind: str, name: str) -> list[Exchange]:
        """The calls of one kind whose names match."""
        matches = re.compile(name).fullmatch
        return [each for each in self.exchanges if each.kind == kind and matches(each.name)]

    def longest_chain(self, links: Sequence[Link], slack: float, partner_center: float) -> float:
        """Seconds that the links that were made must take one after the other, when every call
        takes as long as its server does."""
        seconds = 0.0
        for link in links:
            turns = math.ceil(len(self.of(link.kind, link.name)) / link.at_once)
            seconds += turns * (partner_center if link.kind == "partner_center" else slack)
        return seconds


def newest(practice: Practice) -> int:
    """The number of the latest exchange."""
    return practice.traffic.exchanges[-1].number
