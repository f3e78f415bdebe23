"""The words for what Partner Center says in codes."""

from bot.domain.drift import Difference, Fact
from bot.domain.subscription import (
    Kind,
    Obstacle,
    ObstacleCode,
    Subscription,
    UpgradeOption,
    UpgradeType,
)
from bot.messages.blocks import outside

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
        "The subscription is not active. If it was upgraded already, look at the new subscription; "
        "if not, reactivate it first."
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
    ObstacleCode.TARGET_OFFER_NOT_FOUND: (
        "This upgrade is no longer offered; the subscription may have been upgraded or ended already."
    ),
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
    ObstacleCode.CONVERSIONS_NOT_FOUND: (
        "Partner Center finds no way from this plan to that one. List again."
    ),
    ObstacleCode.USER_LICENSE_ERROR: (
        "The licence of a user could not be moved. Assign the new licence in the admin centre."
    ),
}

NOT_UPGRADABLE = {
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

SIGN_IN = {
    "nobody_signed_in": "Nobody has signed in for the bot yet. An operator has to run `upgrade-bot login`.",
    "AADSTS65001": "Nobody has consented to the application. An administrator of the partner's tenant has to consent, and an operator to run `upgrade-bot login`.",
    "AADSTS50076": "Microsoft now wants MFA of the bot's account. An operator has to run `upgrade-bot login` with MFA.",
    "AADSTS50079": "Microsoft wants the bot's account to enrol for MFA. Its owner has to enrol, then an operator has to run `upgrade-bot login`.",
    "AADSTS50126": "User name or password of the bot's account is wrong. An operator has to run `upgrade-bot login`.",
    "AADSTS70008": "The bot's sign-in has expired. An operator has to run `upgrade-bot login`.",
    "AADSTS700082": "The bot's sign-in has expired after 90 days without use. An operator has to run `upgrade-bot login`.",
    "AADSTS50173": "The bot's sign-in was revoked, as after a change of password. An operator has to run `upgrade-bot login`.",
    "AADSTS7000215": "The client secret is wrong. An operator has to set the one of the app registration.",
    "AADSTS7000222": "The client secret has expired. An operator has to make a new one in the app registration.",
    "AADSTS700016": "The application is not known in the partner's tenant. An operator has to correct the client id or the tenant id.",
    "AADSTS90002": "The partner's tenant is not known to Microsoft. An operator has to correct the tenant id.",
    "900420": "The token is for another service than Partner Center. An operator has to check the cloud that is set.",
    "900421": "The bot's sign-in was made without MFA, which Partner Center refuses since 2026. An operator has to run `upgrade-bot login` with MFA.",
    "10001": "The bot's sign-in was made without MFA. An operator has to run `upgrade-bot login` with MFA.",
    "900329": "Partner Center does not accept the application alone here. An operator has to set `PARTNER_CENTER_AUTH=app_user` and run `upgrade-bot login`.",
    "900150": "The bot's account has too weak a role in Partner Center. An administrator has to make it an Admin agent.",
    "900308": "The bot's account has too weak a role in Partner Center. An administrator has to make it an Admin agent.",
    "900309": "A conditional-access rule of the partner's tenant keeps the bot out. An administrator has to let it in.",
}
"""Who must do what when Microsoft does not let the bot in, by the code that it gave."""

STATUSES = {
    "none": "without a status",
    "active": "active",
    "suspended": "suspended",
    "deleted": "deleted",
    "expired": "expired",
    "pending": "still being set up",
    "disabled": "disabled",
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
    """Why not, and the next step, for the eyes of one person: a code that is new to us is shown
    with Microsoft's own text."""
    if it.code in OBSTACLES:
        return OBSTACLES[it.code]
    return f"Partner Center says: {outside(it.description or it.raw_code, 300)}"


def public_obstacle(it: Obstacle) -> str:
    """The same for everybody in the channel, without Microsoft's text: it can hold names."""
    if it.code in OBSTACLES:
        return OBSTACLES[it.code]
    return f"Partner Center gives a reason that is new to me: {outside(it.raw_code, 60) or 'none'}."


def difference(it: Difference) -> str:
    """One fact that changed, as a line."""
    now = it.now
    if it.fact is Fact.ELIGIBLE:
        return f"• It cannot be upgraded now. {OBSTACLES[ObstacleCode(now)] if now in OBSTACLES else ''}"
    was, now = (outside(value, 300) or "none" for value in (it.was, now))
    return f"• {FACTS[it.fact]}: was {was}, is {now}"


def status(subscription: Subscription) -> str:
    """The status in words, with Microsoft's reasons for a suspension."""
    if subscription.was_upgraded:
        return "suspended, because it was upgraded"
    word = STATUSES.get(subscription.status, outside(subscription.status) or "without a status")
    because = ", ".join(outside(reason) for reason in subscription.suspended_because)
    return f"{word} ({because})" if because else word


def cannot_be_undone(subscription: Subscription, option: UpgradeOption) -> str:
    """What is lost for ever with the upgrade, before anybody presses anything."""
    new_commerce = subscription.kind is Kind.NEW_COMMERCE
    lines = ["*An upgrade cannot be undone*, and its seats are bought at once."]
    if new_commerce:
        lines.append("There is no new cancellation window, and seats cannot be added with it.")
    else:
        lines.append("The old subscription is suspended.")
    if subscription.promotion_id or not new_commerce:
        lines.append("Any promotion on the old plan is lost.")
    if subscription.scheduled_change:
        lines.append(
            f"⚠️ The change scheduled for the renewal ({outside(subscription.scheduled_change)}) is deleted."
        )
    if subscription.add_ons:
        names = ", ".join(outside(name, 60) for name in subscription.add_ons[:5])
        lines.append(f"⚠️ Its add-ons stay behind and have to be looked after: {names}.")
    if option.seats < subscription.seats:
        lines.append(f"{subscription.seats - option.seats} seats stay on the old plan.")
    return " ".join(lines)


def how(option: UpgradeOption) -> str:
    """The way of an option, to tell it from others of the same target."""
    words = UPGRADE_TYPES[option.type]
    return (
        f"{words}, into “{outside(option.into_name or option.into, 60)}”" if option.into else words
    )


def term(subscription: Subscription | UpgradeOption) -> str:
    """How long it runs, in words: `1 year, billed monthly`; empty when nothing is known."""
    lengths = {"P1M": "1 month", "P1Y": "1 year", "P3Y": "3 years"}
    length = lengths.get(subscription.term, outside(subscription.term))
    cycle = outside(subscription.billing_cycle.replace("_", " "))
    words = [length, f"billed {cycle}" if cycle and cycle not in ("unknown", "none") else ""]
    return ", ".join(word for word in words if word)
