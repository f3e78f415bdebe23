"""An option as it was shown to somebody."""

from dataclasses import dataclass
from datetime import datetime

from bot.domain.policy import Person
from bot.domain.subscription import Customer, Subscription, UpgradeOption


@dataclass(frozen=True, slots=True)
class Offered:
    """An option as it was shown to one person in one channel: what an option's button means."""

    id: str
    person: Person
    channel_id: str
    customer: Customer
    subscription: Subscription
    option: UpgradeOption
    offered_at: datetime
