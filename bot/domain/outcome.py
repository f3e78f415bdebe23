"""What came of a change: what Partner Center answered, and what was seen some time after it."""

from dataclasses import dataclass
from enum import StrEnum

from bot.domain.subscription import Obstacle, Subscription


@dataclass(frozen=True, slots=True)
class LicenseError:
    """A user whose licence did not move, and Partner Center's own words why."""

    user_id: str
    name: str
    email: str
    causes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Outcome:
    """What Partner Center answered, or what looking at it showed.

    `status` and `code` are those of an HTTP refusal. `seen` means that the answer was lost
    and the outcome was read from the state of the subscriptions; then nothing is known
    about single users. `moved` is false when the plan changed but the licences' move failed
    as a whole.
    """

    target_subscription_id: str = ""
    license_errors: tuple[LicenseError, ...] = ()
    obstacles: tuple[Obstacle, ...] = ()
    status: int | None = None
    code: str = ""
    seen: bool = False
    moved: bool = True

    @property
    def went_well(self) -> bool:
        """Whether nobody has to do anything about it."""
        return self.moved and not self.seen and not self.license_errors


@dataclass(frozen=True, slots=True)
class LicenceCount:
    """How many licences of a product are assigned, and how many there are."""

    sku_id: str
    name: str
    assigned: int
    total: int


@dataclass(frozen=True, slots=True)
class Aftermath:
    """What there is some time after an upgrade: the old and the new subscription, None when
    they are not there; the licences and Partner Center's own record of the upgrade, empty when the
    sign-in may not see them."""

    source: Subscription | None
    target: Subscription | None
    licences: tuple[LicenceCount, ...] = ()
    record: str = ""

    @property
    def found(self) -> "FollowUp":
        """What it comes to: the new plan is active and nothing is left over on the old one, or a
        person has something left to do."""
        left_over = self.source is not None and bool(self.source.add_ons)
        is_well = self.target is not None and self.target.is_active and not left_over
        return FollowUp.WELL if is_well else FollowUp.LEFT_TO_DO


class FollowUp(StrEnum):
    """What a look at a finished upgrade came to."""

    WELL = "well"
    LEFT_TO_DO = "left_to_do"
    NOT_SEEN = "not_seen"
