"""The words for what Partner Center says in codes."""

from datetime import date

from bot.domain.change import Change, Fact
from bot.domain.drift import Difference
from bot.domain.subscription import (
    Kind,
    Obstacle,
    ObstacleCode,
    Subscription,
    UpgradeOption,
    UpgradeType,
)
from bot.messages.blocks import escape_mrkdwn
from bot.messages.language import N_, day, gettext, listed, ngettext, sentences

UPGRADE_TYPES = {
    UpgradeType.UPGRADE_ONLY: N_("upgrade only"),
    UpgradeType.WITH_LICENSE_TRANSFER: N_("with licence transfer"),
    UpgradeType.NONE: N_("unknown kind of upgrade"),
}

LICENCES = {
    UpgradeType.UPGRADE_ONLY: N_("stay on the old plan until somebody moves them"),
    UpgradeType.WITH_LICENSE_TRANSFER: N_("move to the new plan with the upgrade"),
    UpgradeType.NONE: N_("unknown"),
}

OBSTACLES = {
    ObstacleCode.OTHER: N_("Partner Center gives no particular reason. Ask Microsoft's support."),
    ObstacleCode.DELEGATED_ADMIN_PERMISSIONS_DISABLED: N_(
        "The customer has withdrawn your admin rights. Ask them for a GDAP relationship."
    ),
    ObstacleCode.SUBSCRIPTION_STATUS_NOT_ACTIVE: N_(
        "The subscription is not active. If it was upgraded already, look at the new subscription; "
        "if not, reactivate it first."
    ),
    ObstacleCode.CONFLICTING_SERVICE_TYPES: N_(
        "It conflicts with a service of another subscription. An upgrade without licence "
        "transfer often still works."
    ),
    ObstacleCode.CONCURRENCY_CONFLICTS: N_(
        "Another change of this subscription is under way. Wait some minutes and list again."
    ),
    ObstacleCode.USER_CONTEXT_REQUIRED: N_(
        "Partner Center wants a signed-in user for this, not only the application. An operator "
        "has to set the bot up with app + user sign-in."
    ),
    ObstacleCode.SUBSCRIPTION_ADD_ONS_PRESENT: N_(
        "The subscription has add-ons. Remove them, or upgrade by hand in Partner Center."
    ),
    ObstacleCode.NO_UPGRADE_PATHS: N_("Microsoft offers no upgrade of this plan."),
    ObstacleCode.TARGET_OFFER_NOT_FOUND: N_(
        "This upgrade is no longer offered; the subscription may have been upgraded or ended already."
    ),
    ObstacleCode.SUBSCRIPTION_NOT_PROVISIONED: N_(
        "The subscription is still being set up. Try again in an hour."
    ),
    ObstacleCode.BILLING_CYCLE_NOT_SUPPORTED: N_(
        "The target does not know this billing cycle. Change the billing cycle first."
    ),
    ObstacleCode.INSUFFICIENT_GRANULAR_ADMIN_PERMISSIONS: N_(
        "Your GDAP roles for this customer are too weak. Directory Reader is needed, Directory "
        "Writer with licence transfer."
    ),
    ObstacleCode.CONVERSIONS_NOT_FOUND: N_(
        "Partner Center finds no way from this plan to that one. List again."
    ),
    ObstacleCode.USER_LICENSE_ERROR: N_(
        "The licence of a user could not be moved. Assign the new licence in the admin centre."
    ),
}

NOT_UPGRADABLE = {
    Kind.AZURE: N_("Azure is not upgraded like this."),
    Kind.SOFTWARE: N_("Software licences cannot be upgraded."),
    Kind.TRIAL: N_("A trial is converted, not upgraded. Do that in Partner Center."),
    Kind.ADD_ON: N_("An add-on goes with its main subscription."),
    Kind.UNKNOWN: N_("A kind of subscription that this bot does not know."),
}

FACTS = {
    Fact.SEATS: N_("seats"),
    Fact.STATUS: N_("status"),
    Fact.PLAN: N_("plan"),
    Fact.TERM: N_("term"),
    Fact.BILLING_CYCLE: N_("billing cycle"),
    Fact.ENDS_AT: N_("end of term"),
    Fact.TARGET: N_("target"),
    Fact.ELIGIBLE: N_("can be upgraded"),
    Fact.TARGET_SEATS: N_("seats of the new subscription"),
}

SIGN_IN = {
    "nobody_signed_in": N_(
        "Nobody has signed in for the bot yet. An operator has to run `upgrade-bot login`."
    ),
    "AADSTS65001": N_(
        "Nobody has consented to the application. An administrator of the partner's tenant has to consent, and an operator to run `upgrade-bot login`."
    ),
    "AADSTS50076": N_(
        "Microsoft now wants MFA of the bot's account. An operator has to run `upgrade-bot login` with MFA."
    ),
    "AADSTS50079": N_(
        "Microsoft wants the bot's account to enrol for MFA. Its owner has to enrol, then an operator has to run `upgrade-bot login`."
    ),
    "AADSTS50126": N_(
        "User name or password of the bot's account is wrong. An operator has to run `upgrade-bot login`."
    ),
    "AADSTS70008": N_("The bot's sign-in has expired. An operator has to run `upgrade-bot login`."),
    "AADSTS700082": N_(
        "The bot's sign-in has expired after 90 days without use. An operator has to run `upgrade-bot login`."
    ),
    "AADSTS50173": N_(
        "The bot's sign-in was revoked, as after a change of password. An operator has to run `upgrade-bot login`."
    ),
    "AADSTS7000215": N_(
        "The client secret is wrong. An operator has to set the one of the app registration."
    ),
    "AADSTS7000222": N_(
        "The client secret has expired. An operator has to make a new one in the app registration."
    ),
    "AADSTS700016": N_(
        "The application is not known in the partner's tenant. An operator has to correct the client id or the tenant id."
    ),
    "AADSTS90002": N_(
        "The partner's tenant is not known to Microsoft. An operator has to correct the tenant id."
    ),
    "900420": N_(
        "The token is for another service than Partner Center. An operator has to check the cloud that is set."
    ),
    "900421": N_(
        "The bot's sign-in was made without MFA, which Partner Center refuses since 2026. An operator has to run `upgrade-bot login` with MFA."
    ),
    "10001": N_(
        "The bot's sign-in was made without MFA. An operator has to run `upgrade-bot login` with MFA."
    ),
    "900329": N_(
        "Partner Center does not accept the application alone here. An operator has to set `PARTNER_CENTER_AUTH=app_user` and run `upgrade-bot login`."
    ),
    "900150": N_(
        "The bot's account has too weak a role in Partner Center. An administrator has to make it an Admin agent."
    ),
    "900308": N_(
        "The bot's account has too weak a role in Partner Center. An administrator has to make it an Admin agent."
    ),
    "900309": N_(
        "A conditional-access rule of the partner's tenant keeps the bot out. An administrator has to let it in."
    ),
}
"""Who must do what when Microsoft does not let the bot in, by the code that it gave."""

STATUSES = {
    "none": N_("without a status"),
    "active": N_("active"),
    "suspended": N_("suspended"),
    "deleted": N_("deleted"),
    "expired": N_("expired"),
    "pending": N_("still being set up"),
    "disabled": N_("disabled"),
}

HANDED_BACK = {
    "not_checked": N_(
        "Partner Center could not be asked whether everything still is as approved, so nothing "
        "was sent and nothing has changed."
    ),
    "not_sent": N_("Partner Center did not take the upgrade, so nothing has changed."),
    "claimed_too_long_ago": N_(
        "The bot was away when the upgrade was due, so nothing was sent and nothing has changed."
    ),
    "nothing_happened": N_(
        "The answer of Partner Center was lost, and for an hour the subscription has shown no "
        "sign of an upgrade. It still is as it was."
    ),
}
"""Why a confirmed upgrade was handed back to people."""


def obstacle(it: Obstacle) -> str:
    """Why not, and the next step, for the eyes of one person: a code that is new to us is shown
    with Microsoft's own text."""
    if it.code in OBSTACLES:
        return gettext(OBSTACLES[it.code])
    return gettext(
        "Partner Center says: {text}", text=escape_mrkdwn(it.description or it.raw_code, 300)
    )


def public_obstacle(it: Obstacle) -> str:
    """The same for everybody in the channel, without Microsoft's text: it can hold names."""
    if it.code in OBSTACLES:
        return gettext(OBSTACLES[it.code])
    code = escape_mrkdwn(it.raw_code, 60) or gettext("none")
    return gettext("Partner Center gives a reason that is new to me: {code}.", code=code)


def difference(it: Difference) -> str:
    """One fact that changed, as a line."""
    if it.fact is Fact.ELIGIBLE:
        whys = (
            gettext(OBSTACLES[ObstacleCode(code)]) for code in it.now.split() if code in OBSTACLES
        )
        return sentences(gettext("• It cannot be upgraded now."), *whys)
    was, now = (_value(it.fact, value) for value in (it.was, it.now))
    return gettext("• {fact}: was {was}, is {now}", fact=gettext(FACTS[it.fact]), was=was, now=now)


def _value(fact: Fact, value: str) -> str:
    """A fact's value as people say it; one that is new to us as it came."""
    known = {Fact.STATUS: STATUSES, Fact.TERM: LENGTHS, Fact.BILLING_CYCLE: CYCLES}.get(fact, {})
    if value in known:
        return gettext(known[value])
    if fact is Fact.ENDS_AT and value:
        return day(date.fromisoformat(value))
    return escape_mrkdwn(value, 300) or gettext("none")


def status(subscription: Subscription) -> str:
    """The status in words, with Microsoft's reasons for a suspension."""
    if subscription.was_upgraded:
        return gettext("suspended, because it was upgraded")
    known = STATUSES.get(subscription.status)
    word = (
        gettext(known) if known else escape_mrkdwn(subscription.status) or gettext(STATUSES["none"])
    )
    because = listed(escape_mrkdwn(reason) for reason in subscription.suspended_because)
    return f"{word} ({because})" if because else word


def effective(option: Change | UpgradeOption) -> str:
    """When it happens, and when it is paid."""
    if option.into:
        return gettext("at once; billed with the subscription that it moves into")
    return gettext("at once; billed from that day")


def cannot_be_undone(subscription: Subscription, option: Change | UpgradeOption) -> str:
    """What is lost for ever with the upgrade, before anybody presses anything."""
    new_commerce = subscription.kind is Kind.NEW_COMMERCE
    lines = [gettext("*An upgrade cannot be undone*, and its seats are bought at once.")]
    if new_commerce:
        lines.append(
            gettext("There is no new cancellation window, and seats cannot be added with it.")
        )
    else:
        lines.append(
            gettext(
                "The old subscription is suspended. There is no cancellation window as for a new "
                "order, and seats cannot be added with it."
            )
        )
    if subscription.promotion_id or not new_commerce:
        lines.append(gettext("Any promotion on the old plan is lost."))
    if subscription.scheduled_change:
        change = escape_mrkdwn(subscription.scheduled_change)
        lines.append(
            gettext("⚠️ The change scheduled for the renewal ({change}) is deleted.", change=change)
        )
    if subscription.add_ons:
        names = listed(escape_mrkdwn(name, 60) for name in subscription.add_ons[:5])
        lines.append(
            gettext("⚠️ Its add-ons stay behind and have to be looked after: {names}.", names=names)
        )
    if (rest := subscription.seats - option.seats) > 0:
        lines.append(
            ngettext(
                "{count} seat stays on the old plan.", "{count} seats stay on the old plan.", rest
            )
        )
    return sentences(*lines)


def kind(option: Change | UpgradeOption) -> str:
    """`upgrade only`, or `with licence transfer`."""
    return gettext(UPGRADE_TYPES[option.type])


def licences(option: Change | UpgradeOption) -> str:
    """What happens to the users' licences."""
    return gettext(LICENCES[option.type])


def how(option: Change | UpgradeOption) -> str:
    """The way of an option, to tell it from others of the same target."""
    if not option.into:
        return kind(option)
    into = escape_mrkdwn(option.into_name or option.into, 60)
    return gettext("{kind}, into “{into}”", kind=kind(option), into=into)


def seats(number: int) -> str:
    """`1 seat`, `25 seats`."""
    return ngettext("{count} seat", "{count} seats", number)


LENGTHS = {"P1M": N_("1 month"), "P1Y": N_("1 year"), "P3Y": N_("3 years")}
CYCLES = {
    "monthly": N_("billed monthly"),
    "annual": N_("billed annually"),
    "one_time": N_("billed once"),
    "triennial": N_("billed every three years"),
}


def term(subscription: Subscription | Change | UpgradeOption) -> str:
    """How long it runs, in words: `1 year, billed monthly`; empty when nothing is known."""
    known, cycle = LENGTHS.get(subscription.term), subscription.billing_cycle
    length = gettext(known) if known else escape_mrkdwn(subscription.term)
    billed = ""
    if cycle in CYCLES:
        billed = gettext(CYCLES[cycle])
    elif cycle and cycle not in ("unknown", "none"):
        billed = gettext("billed {cycle}", cycle=escape_mrkdwn(cycle.replace("_", " ")))
    return gettext("{length}, {billed}", length=length, billed=billed) if billed else length
