"""What an upgrade costs more, by the operator's price list."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal

from bot.domain.subscription import Subscription, UpgradeOption

MONTHS = {"monthly": 1, "annual": 12, "triennial": 36}
"""How many months a billing cycle has."""

DAYS_A_MONTH = Decimal("30.4375")


@dataclass(frozen=True, slots=True)
class Price:
    """What one seat costs in one billing cycle, from a day on. An empty `term` is any."""

    offer_id: str
    term: str
    billing_cycle: str
    unit: Decimal
    currency: str
    valid_from: date

    @property
    def per_month(self) -> Decimal:
        return self.unit / MONTHS[self.billing_cycle]


@dataclass(frozen=True, slots=True)
class PriceChange:
    """What all seats of an upgrade cost more, or less: a month, and until the end of the term as
    far as it is known when that is. `as_of` is the day of the newer one of the two prices."""

    per_month: Decimal
    to_the_end: Decimal | None
    currency: str
    as_of: date


def total(changes: Iterable[PriceChange | None]) -> PriceChange | None:
    """What several upgrades cost more together; None where one is not known, or there are several
    currencies."""
    asked = list(changes)
    each = [change for change in asked if change]
    currencies = {change.currency for change in each}
    if len(each) < len(asked) or len(currencies) != 1:
        return None
    rests = [change.to_the_end for change in each]
    return PriceChange(
        per_month=sum((change.per_month for change in each), Decimal(0)),
        to_the_end=None if None in rests else sum(filter(None, rests), Decimal(0)),
        currency=currencies.pop(),
        as_of=max(change.as_of for change in each),
    )


class PriceList:
    """The prices of the operator's list; an empty one knows none."""

    def __init__(self, prices: Iterable[Price] = ()) -> None:
        self._prices: dict[str, list[Price]] = defaultdict(list)
        for price in sorted(prices, key=lambda it: (it.valid_from, it.term != ""), reverse=True):
            self._prices[price.offer_id.lower()].append(price)

    def change(
        self, subscription: Subscription, option: UpgradeOption, now: datetime
    ) -> PriceChange | None:
        """What the upgrade changes; None where a price is not known or not comparable."""
        term = option.term or subscription.term
        cycle = option.billing_cycle or subscription.billing_cycle
        old = self._price(subscription.offer_id, subscription.term, subscription.billing_cycle, now)
        new = self._price(option.offer_id, term, cycle, now)
        if old is None or new is None or old.currency != new.currency:
            return None
        per_month = (new.per_month - old.per_month) * option.seats
        to_the_end = None
        if subscription.ends_at and subscription.ends_at > now and not option.into:
            days = Decimal((subscription.ends_at - now).days)
            to_the_end = (per_month * days / DAYS_A_MONTH).quantize(Decimal("0.01"))
        as_of = max(old.valid_from, new.valid_from)
        cents = per_month.quantize(Decimal("0.01"))
        return PriceChange(cents, to_the_end, new.currency, as_of)

    def _price(self, offer_id: str, term: str, cycle: str, now: datetime) -> Price | None:
        """The newest price that is valid by now; of one day, the one that names the term."""
        today = now.astimezone(UTC).date()
        for price in self._prices.get(offer_id.lower(), ()):
            same = price.billing_cycle == cycle and price.term in ("", term)
            if same and price.valid_from <= today:
                return price
        return None
