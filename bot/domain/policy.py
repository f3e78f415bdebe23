"""Who may ask, who may approve, how many, until when: the team's rules as values.

A rule can only make things stricter. Whatever is unclear means no.
"""

from dataclasses import dataclass, replace
from datetime import timedelta
from enum import Enum, StrEnum

from bot.errors import Reason

CHANNEL = "channel"
"""The word in `approvers` and `requesters` for the full members of the request's channel."""


@dataclass(frozen=True, slots=True)
class Person:
    """A human in Slack. Never a name, handle or e-mail: those change hands."""

    team_id: str
    user_id: str


class MemberKind(Enum):
    """What Slack says somebody is; only a full member ever decides anything."""

    FULL_MEMBER = "full member"
    GUEST = "guest"
    BOT = "bot"
    DEACTIVATED = "deactivated"
    STRANGER = "of another workspace"


class Confirm(StrEnum):
    """Who presses *Upgrade now*; the later, the stricter."""

    NOBODY = "nobody"
    REQUESTER = "requester"
    APPROVER = "approver"


class Evidence(StrEnum):
    """Whether a link to the customer's consent is asked for; the later, the stricter."""

    OFF = "off"
    OPTIONAL = "optional"
    REQUIRED = "required"


Names = tuple[str, ...]
"""User groups (`S…`), users (`U…`, `W…`) and the word `channel`: any of them will do."""


@dataclass(frozen=True, slots=True)
class Policy:
    """What holds for one request.

    `approvers` and `requesters` are lists of which a person must be in every one: a list of
    the defaults and one of each rule that names people. `banners` are shown on the card.
    """

    approvals: int
    approvers: tuple[Names, ...]
    requesters: tuple[Names, ...]
    confirm: Confirm
    expires_after: timedelta
    remind_after: timedelta
    evidence: Evidence
    banners: tuple[str, ...] = ()
    failures_allowed: int = 0
    """How many items of a request may fail, or end unknown, before the rest is left alone."""


@dataclass(frozen=True, slots=True)
class Rule:
    """A tightening for some requests. Conditions left empty match all; several must all match."""

    min_seats: int = 0
    channels: Names = ()
    customers: Names = ()
    approvals: int | None = None
    approvers: Names | None = None
    requesters: Names | None = None
    confirm: Confirm | None = None
    expires_after: timedelta | None = None
    remind_after: timedelta | None = None
    evidence: Evidence | None = None
    banner: str = ""
    failures_allowed: int | None = None

    def matches(self, *, seats: int, channel: str, customer: str) -> bool:
        """Whether a request for `seats` of this customer in this channel falls under the rule."""
        return (
            seats >= self.min_seats
            and (not self.channels or channel in self.channels)
            and (not self.customers or customer.lower() in {c.lower() for c in self.customers})
        )


@dataclass(frozen=True, slots=True)
class PolicyBook:
    """The operator's policy file: the defaults and the rules."""

    defaults: Policy
    rules: tuple[Rule, ...] = ()

    def policy_for(self, *, seats: int, channel: str, customer: str) -> Policy:
        """The strictest of the defaults and every rule that matches, key by key."""
        policy = self.defaults
        for rule in self.rules:
            if rule.matches(seats=seats, channel=channel, customer=customer):
                policy = strictest(policy, _tightened(policy, rule))
        return policy

    def each(self) -> list[tuple[Rule | None, Policy]]:
        """The defaults, and what every rule makes of them where it alone matches."""
        tightened = [(rule, _tightened(self.defaults, rule)) for rule in self.rules]
        return [(None, self.defaults)] + [
            (rule, strictest(self.defaults, policy)) for rule, policy in tightened
        ]

    def user_groups(self) -> frozenset[str]:
        """Every user group that the file names; each must be readable for the bot."""
        lists: list[Names] = [*self.defaults.approvers, *self.defaults.requesters]
        for rule in self.rules:
            lists += [names for names in (rule.approvers, rule.requesters) if names is not None]
        return frozenset(name for names in lists for name in names if name.startswith("S"))


def strictest(one: Policy, other: Policy) -> Policy:
    """The stricter of two policies, key by key."""
    return Policy(
        approvals=max(one.approvals, other.approvals),
        approvers=tuple(dict.fromkeys(one.approvers + other.approvers)),
        requesters=tuple(dict.fromkeys(one.requesters + other.requesters)),
        confirm=max(one.confirm, other.confirm, key=list(Confirm).index),
        expires_after=min(one.expires_after, other.expires_after),
        remind_after=min(one.remind_after, other.remind_after),
        evidence=max(one.evidence, other.evidence, key=list(Evidence).index),
        banners=tuple(dict.fromkeys(one.banners + other.banners)),
        failures_allowed=min(one.failures_allowed, other.failures_allowed),
    )


def _tightened(policy: Policy, rule: Rule) -> Policy:
    """The policy as the rule alone would have it; what the rule does not say stays."""
    return replace(
        policy,
        approvals=policy.approvals if rule.approvals is None else rule.approvals,
        approvers=policy.approvers if rule.approvers is None else (rule.approvers,),
        requesters=policy.requesters if rule.requesters is None else (rule.requesters,),
        confirm=rule.confirm or policy.confirm,
        expires_after=rule.expires_after or policy.expires_after,
        remind_after=rule.remind_after or policy.remind_after,
        evidence=rule.evidence or policy.evidence,
        banners=(*policy.banners, rule.banner) if rule.banner else policy.banners,
        failures_allowed=(
            policy.failures_allowed if rule.failures_allowed is None else rule.failures_allowed
        ),
    )


@dataclass(frozen=True, slots=True)
class Readiness:
    """What one person needs in one channel: whether the bot is in it, whether all customers are
    known, and why they may not ask or approve; None when they may."""

    is_here: bool
    knows_customers: bool
    may_ask: Reason | None
    may_approve: Reason | None
