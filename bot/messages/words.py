"""The words for what Partner Center says in codes."""

from bot.domain.subscription import Kind, Obstacle, ObstacleCode, Subscription, UpgradeType
from bot.domain.upgrade import Difference, Fact
from bot.messages.blocks import outside

CANNOT_BE_UNDONE = (
    "An upgrade cannot be undone. The seats are bought at once, the old subscription is "
    "suspended, and a promotion on it is lost."
)

UPGRADE_TYPES = {
    UpgradeType.UPGRADE_ONLY: "upgrade only",
    UpgradeType.WITH_LICENSE_TRANSFER: "with licence transfer",
    UpgradeType.NONE: "unknown kind of upgrade",
}

LICENCES = {
    UpgradeType.UPGRADE_ONLY: "stay on the old plan until somebody moves them",
    UpgradeType.WITH_LICENSE_TRANSFER: "move to the new plan with the upgrade",
    UpgradeType.NONE: "unknown",
}

OBSTACLES = {
    ObstacleCode.OTHER: "Partner Center gives no particular reason. Ask Microsoft's support.",
    ObstacleCode.DELEGATED_ADMIN_PERMISSIONS_DISABLED: (
        "The customer has withdrawn your admin rights. Ask them for a GDAP relationship."
    ),
    ObstacleCode.SUBSCRIPTION_STATUS_NOT_ACTIVE: (
        "The subscription is not active. Reactivate it first; if it was upgraded already, "
        "look at the new subscription."
    ),
    ObstacleCode.CONFLICTING_SERVICE_TYPES: (
        "It conflicts with a service of another subscription. An upgrade without licence "
        "transfer often still works."
    ),
    ObstacleCode.CONCURRENCY_CONFLICTS: (
        "Another change of this subscription is under way. Wait some minutes and list again."
    ),
    ObstacleCode.USER_CONTEXT_REQUIRED: (
        "Partner Center wants a signed-in user for this, not only the application. An operator "
        "has to set the bot up with app + user sign-in."
    ),
    ObstacleCode.SUBSCRIPTION_ADD_ONS_PRESENT: (
        "The subscription has add-ons. Remove them, or upgrade by hand in Partner Center."
    ),
    ObstacleCode.NO_UPGRADE_PATHS: "Microsoft offers no upgrade of this plan.",
    ObstacleCode.TARGET_OFFER_NOT_FOUND: "This target is no longer offered. List again.",
    ObstacleCode.SUBSCRIPTION_NOT_PROVISIONED: (
        "The subscription is still being set up. Try again in an hour."
    ),
    ObstacleCode.BILLING_CYCLE_NOT_SUPPORTED: (
        "The target does not know this billing cycle. Change the billing cycle first."
    ),
    ObstacleCode.INSUFFICIENT_GRANULAR_ADMIN_PERMISSIONS: (
        "Your GDAP roles for this customer are too weak. Directory Reader is needed, Directory "
        "Writer with licence transfer."
    ),
}

NOT_UPGRADABLE = {
    Kind.NEW_COMMERCE: "New commerce: this bot upgrades traditional licences only so far.",
    Kind.AZURE: "Azure is not upgraded like this.",
    Kind.SOFTWARE: "Software licences cannot be upgraded.",
    Kind.TRIAL: "A trial is converted, not upgraded. Do that in Partner Center.",
    Kind.ADD_ON: "An add-on goes with its main subscription.",
    Kind.UNKNOWN: "A kind of subscription that this bot does not know.",
}

FACTS = {
    Fact.SEATS: "seats",
    Fact.STATUS: "status",
    Fact.PLAN: "plan",
    Fact.TERM: "term",
    Fact.BILLING_CYCLE: "billing cycle",
    Fact.ENDS_AT: "end of term",
    Fact.TARGET: "target",
    Fact.ELIGIBLE: "can be upgraded",
    Fact.TARGET_SEATS: "seats of the new subscription",
}

HANDED_BACK = {
    "not_checked": (
        "Partner Center could not be asked whether everything still is as approved, so nothing "
        "was sent and nothing has changed."
    ),
    "not_sent": "Partner Center did not take the upgrade, so nothing has changed.",
    "claimed_too_long_ago": (
        "The bot was away when the upgrade was due, so nothing was sent and nothing has changed."
    ),
    "nothing_happened": (
        "The answer of Partner Center was lost, and for an hour the subscription has shown no "
        "sign of an upgrade. It still is as it was."
    ),
}
"""Why a confirmed upgrade was handed back to people."""


def obstacle(it: Obstacle) -> str:
    """Why not, and the next step. A code that is new to us is shown as it came."""
    if it.code in OBSTACLES:
        return OBSTACLES[it.code]
    return f"Partner Center says: {outside(it.description or it.raw_code, 300)}"


def difference(it: Difference) -> str:
    """One fact that changed, as a line."""
    now = it.now
    if it.fact is Fact.ELIGIBLE and now in OBSTACLES:
        now = f"no. {OBSTACLES[ObstacleCode(now)]}"
    was, now = (outside(value, 300) or "none" for value in (it.was, now))
    return f"• {FACTS[it.fact]}: was {was}, is {now}"


def term(subscription: Subscription) -> str:
    """How long it runs, in words: `1 year, billed monthly`; empty when nothing is known."""
    lengths = {"P1M": "1 month", "P1Y": "1 year", "P3Y": "3 years"}
    length = lengths.get(subscription.term, outside(subscription.term))
    cycle = outside(subscription.billing_cycle.replace("_", " "))
    words = [length, f"billed {cycle}" if cycle and cycle not in ("unknown", "none") else ""]
    return ", ".join(word for word in words if word)
