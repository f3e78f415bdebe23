"""Customers, their subscriptions, and what a subscription can be upgraded to."""

from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from bot.errors import PartnerCenterError


@dataclass(frozen=True, slots=True)
class Customer:
    """A customer of the partner. Names are not unique: the domain tells two of them apart."""

    id: str
    name: str
    domain: str


class Kind(StrEnum):
    """What sort of subscription it is, which decides whether and how it can be upgraded."""

    TRADITIONAL = "traditional"
    NEW_COMMERCE = "new_commerce"
    AZURE = "azure"
    SOFTWARE = "software"
    TRIAL = "trial"
    ADD_ON = "add_on"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Subscription:
    """One subscription of a customer, as Partner Center shows it now.

    `status` is Microsoft's own word, kept as it is when it is new to us. `term` and
    `billing_cycle` may be empty, `ends_at` is None when Partner Center does not say.
    `scheduled_change` says in short what is to happen at the renewal; any immediate change
    deletes it. `add_ons` are the names of the active add-ons.
    """

    id: str
    offer_id: str
    name: str
    seats: int
    status: str
    kind: Kind
    term: str = ""
    billing_cycle: str = ""
    ends_at: datetime | None = None
    auto_renews: bool | None = None
    suspended_because: tuple[str, ...] = ()
    created_at: datetime | None = None
    promotion_id: str = ""
    scheduled_change: str = ""
    add_ons: tuple[str, ...] = ()

    @property
    def is_active(self) -> bool:
        return self.status == "active"

    @property
    def was_upgraded(self) -> bool:
        """A traditional upgrade leaves its source suspended with the reason `Transition`."""
        return self.status == "suspended" and any(
            reason.lower() == "transition" for reason in self.suspended_because
        )


class UpgradeType(StrEnum):
    """What happens to the users' licences."""

    NONE = "none"
    UPGRADE_ONLY = "upgrade_only"
    WITH_LICENSE_TRANSFER = "upgrade_with_license_transfer"


class ObstacleCode(StrEnum):
    """Why an option is not available, or an upgrade was refused, as Partner Center names it.

    The names are those of Microsoft's `UpgradeErrorCode` and `TransitionErrorCode`; a code
    that is new to us is kept in `Obstacle.raw_code` and shown as it came.
    """

    OTHER = "other"
    DELEGATED_ADMIN_PERMISSIONS_DISABLED = "delegated_admin_permissions_disabled"
    SUBSCRIPTION_STATUS_NOT_ACTIVE = "subscription_status_not_active"
    CONFLICTING_SERVICE_TYPES = "conflicting_service_types"
    CONCURRENCY_CONFLICTS = "concurrency_conflicts"
    USER_CONTEXT_REQUIRED = "user_context_required"
    SUBSCRIPTION_ADD_ONS_PRESENT = "subscription_add_ons_present"
    NO_UPGRADE_PATHS = "subscription_does_not_have_any_upgrade_paths"
    TARGET_OFFER_NOT_FOUND = "subscription_target_offer_not_found"
    SUBSCRIPTION_NOT_PROVISIONED = "subscription_not_provisioned"
    BILLING_CYCLE_NOT_SUPPORTED = "offer_does_not_support_billing_cycle"
    INSUFFICIENT_GRANULAR_ADMIN_PERMISSIONS = "insufficient_granular_admin_permissions"
    CONVERSIONS_NOT_FOUND = "conversions_not_found"
    USER_LICENSE_ERROR = "user_license_error"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Obstacle:
    """One reason of Partner Center against an upgrade."""

    code: ObstacleCode
    raw_code: str = ""
    description: str = ""


@dataclass(frozen=True, slots=True)
class UpgradeOption:
    """A target a subscription can move to, and how.

    Partner Center lists the same offer once for each type, and in new commerce once more for
    each existing subscription (`into`) that the seats can move into; `term` and
    `billing_cycle` are those of the subscription that is moved into, else empty: they stay.
    `seats` is what would be bought; only where `seats_can_be_fewer` may a part of the seats
    move. What is possible `at_renewal` only is listed, and not performed by the bot.
    """

    offer_id: str
    name: str
    type: UpgradeType
    eligible: bool
    seats: int
    obstacles: tuple[Obstacle, ...] = ()
    into: str = ""
    into_name: str = ""
    term: str = ""
    billing_cycle: str = ""
    seats_can_be_fewer: bool = False
    at_renewal: bool = False

    @property
    def is_possible(self) -> bool:
        """Whether the bot can perform it now."""
        return self.eligible and not self.at_renewal

    def for_seats(self, seats: int) -> "UpgradeOption":
        """The option for so many seats, where fewer than listed are possible."""
        fewer = self.seats_can_be_fewer and 0 < seats < self.seats
        return replace(self, seats=seats) if fewer else self


@dataclass(frozen=True, slots=True)
class Upgradable:
    """A subscription with its options; beside each eligible one the id that stands for it in
    a button. `trouble` says why nothing is known about the options."""

    subscription: Subscription
    options: tuple[tuple[UpgradeOption, str | None], ...] = ()
    trouble: PartnerCenterError | None = None
