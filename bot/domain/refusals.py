"""Refusals that carry the facts of their sentence, each as a small class."""

from typing import TYPE_CHECKING

from bot.domain.policy import MemberKind, Policy
from bot.domain.subscription import Customer
from bot.errors import Reason, Refused

if TYPE_CHECKING:
    from bot.domain.item import Item
    from bot.domain.request import Request


class RefusedStep(Refused):
    """A step about a request is not possible; `request` and `item` are as they really are, so that
    a person who lost a race learns the true outcome."""

    def __init__(
        self, reason: Reason, item: "Item | None" = None, request: "Request | None" = None
    ) -> None:
        super().__init__(reason)
        self.item = item
        self.request = request

    def of(self, request: "Request") -> "RefusedStep":
        """The same refusal, of an item of this request."""
        return RefusedStep(self.reason, self.item, request)


class UnknownCustomer(Refused):
    """No customer is called `text`; `nearest` are names that the person may have meant."""

    def __init__(self, text: str, nearest: list[Customer]) -> None:
        super().__init__(Reason.UNKNOWN_CUSTOMER)
        self.text = text
        self.nearest = nearest


class NoSubscription(Refused):
    """The customer has nothing that could be upgraded."""

    def __init__(self, customer: Customer) -> None:
        super().__init__(Reason.NO_SUBSCRIPTION)
        self.customer = customer


class NotAMember(Refused):
    """Slack says that the person is no full member of this workspace."""

    def __init__(self, kind: MemberKind = MemberKind.STRANGER) -> None:
        super().__init__(Reason.NOT_A_MEMBER)
        self.kind = kind


class MayNotRequest(Refused):
    """The person is not in every list of requesters."""

    def __init__(self, policy: Policy) -> None:
        super().__init__(Reason.MAY_NOT_REQUEST)
        self.policy = policy


class MayNotApprove(Refused):
    """The person is not in every list of approvers."""

    def __init__(self) -> None:
        super().__init__(Reason.MAY_NOT_APPROVE)


class TooMany(Refused):
    """More than `most` of something; `number` is how many there are."""

    def __init__(self, reason: Reason, most: int, number: int = 0) -> None:
        super().__init__(reason)
        self.most = most
        self.number = number
