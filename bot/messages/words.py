"""The words for what Partner Center says in codes."""

from datetime import date

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
from bot.messages.language import count, day, listed, marked, say, sentences

UPGRADE_TYPES = {
    UpgradeType.UPGRADE_ONLY: marked("upgrade only"),
    UpgradeType.WITH_LICENSE_TRANSFER: marked("with licence transfer"),
    UpgradeType.NONE: marked("unknown kind of upgrade"),
}

LICENCES = {
    UpgradeType.UPGRADE_ONLY: marked("stay on the old plan until somebody moves them"),
    UpgradeType.WITH_LICENSE_TRANSFER: marked("move to the new plan with the upgrade"),
    UpgradeType.NONE: marked("unknown"),
}

OBSTACLES = {
    ObstacleCode.OTHER: marked(
        "Partner Center gives no particular reason. Ask Microsoft's support."
    ),
    ObstacleCode.DELEGATED_ADMIN_PERMISSIONS_DISABLED: marked(
        "The customer has withdrawn your admin rights. Ask them for a GDAP relationship."
    ),
    ObstacleCode.SUBSCRIPTION_STATUS_NOT_ACTIVE: marked(
        "The subscription is not active. If it was upgraded already, look at the new subscription; "
        "if not, reactivate it first."
    ),
    ObstacleCode.CONFLICTING_SERVICE_TYPES: marked(
        "It conflicts with a service of another subscription. An upgrade without licence "
        "transfer often still works."
    ),
    ObstacleCode.CONCURRENCY_CONFLICTS: marked(
        "Another change of this subscription is under way. Wait some minutes and list again."
    ),
    ObstacleCode.USER_CONTEXT_REQUIRED: marked(
        "Partner Center wants a signed-in user for this, not only the application. An operator "
        "has to set the bot up with app + user sign-in."
    ),
    ObstacleCode.SUBSCRIPTION_ADD_ONS_PRESENT: marked(
        "The subscription has add-ons. Remove them, or upgrade by hand in Partner Center."
    ),
    ObstacleCode.NO_UPGRADE_PATHS: marked("Microsoft offers no upgrade of this plan."),
    ObstacleCode.TARGET_OFFER_NOT_FOUND: marked(
        "This upgrade is no longer offered; the subscription may have been upgraded or ended already."
    ),
    ObstacleCode.SUBSCRIPTION_NOT_PROVISIONED: marked(
        "The subscription is still being set up. Try again in an hour."
    ),
    ObstacleCode.BILLING_CYCLE_NOT_SUPPORTED: marked(
        "The target does not know this billing cycle. Change the billing cycle first."
    ),
    ObstacleCode.INSUFFICIENT_GRANULAR_ADMIN_PERMISSIONS: marked(
        "Your GDAP roles for this customer are too weak. Directory Reader is needed, Directory "
        "Writer with licence transfer."
    ),
    ObstacleCode.CONVERSIONS_NOT_FOUND: marked(
        "Partner Center finds no way from this plan to that one. List again."
    ),
    ObstacleCode.USER_LICENSE_ERROR: marked(
        "The licence of a user could not be moved. Assign the new licence in the admin centre."
    ),
}

NOT_UPGRADABLE = {
    Kind.AZURE: marked("Azure is not upgraded like this."),
    Kind.SOFTWARE: marked("Software licences cannot be upgraded."),
    Kind.TRIAL: marked("A trial is converted, not upgraded. Do that in Partner Center."),
    Kind.ADD_ON: marked("An add-on goes with its main subscription."),
    Kind.UNKNOWN: marked("A kind of subscription that this bot does not know."),
}

FACTS = {
    Fact.SEATS: marked("seats"),
    Fact.STATUS: marked("status"),
    Fact.PLAN: marked("plan"),
    Fact.TERM: marked("term"),
    Fact.BILLING_CYCLE: marked("billing cycle"),
    Fact.ENDS_AT: marked("end of term"),
    Fact.TARGET: marked("target"),
    Fact.ELIGIBLE: marked("can be upgraded"),
    Fact.TARGET_SEATS: marked("seats of the new subscription"),
}

SIGN_IN = {
    "nobody_signed_in": marked(
        "Nobody has signed in for the bot yet. An operator has to run `upgrade-bot login`."
    ),
    "AADSTS65001": marked(
        "Nobody has consented to the application. An administrator of the partner's tenant has to consent, and an operator to run `upgrade-bot login`."
    ),
    "AADSTS50076": marked(
        "Microsoft now wants MFA of the bot's account. An operator has to run `upgrade-bot login` with MFA."
    ),
    "AADSTS50079": marked(
        "Microsoft wants the bot's account to enrol for MFA. Its owner has to enrol, then an operator has to run `upgrade-bot login`."
    ),
    "AADSTS50126": marked(
        "User name or password of the bot's account is wrong. An operator has to run `upgrade-bot login`."
    ),
    "AADSTS70008": marked(
        "The bot's sign-in has expired. An operator has to run `upgrade-bot login`."
    ),
    "AADSTS700082": marked(
        "The bot's sign-in has expired after 90 days without use. An operator has to run `upgrade-bot login`."
    ),
    "AADSTS50173": marked(
        "The bot's sign-in was revoked, as after a change of password. An operator has to run `upgrade-bot login`."
    ),
    "AADSTS7000215": marked(
        "The client secret is wrong. An operator has to set the one of the app registration."
    ),
    "AADSTS7000222": marked(
        "The client secret has expired. An operator has to make a new one in the app registration."
    ),
    "AADSTS700016": marked(
        "The application is not known in the partner's tenant. An operator has to correct the client id or the tenant id."
    ),
    "AADSTS90002": marked(
        "The partner's tenant is not known to Microsoft. An operator has to correct the tenant id."
    ),
    "900420": marked(
        "The token is for another service than Partner Center. An operator has to check the cloud that is set."
    ),
    "900421": marked(
        "The bot's sign-in was made without MFA, which Partner Center refuses since 2026. An operator has to run `upgrade-bot login` with MFA."
    ),
    "10001": marked(
        "The bot's sign-in was made without MFA. An operator has to run `upgrade-bot login` with MFA."
    ),
    "900329": marked(
        "Partner Center does not accept the application alone here. An operator has to set `PARTNER_CENTER_AUTH=app_user` and run `upgrade-bot login`."
    ),
    "900150": marked(
        "The bot's account has too weak a role in Partner Center. An administrator has to make it an Admin agent."
    ),
    "900308": marked(
        "The bot's account has too weak a role in Partner Center. An administrator has to make it an Admin agent."
    ),
    "900309": marked(
        "A conditional-access rule of the partner's tenant keeps the bot out. An administrator has to let it in."
    ),
}
"""Who must do what when Microsoft does not let the bot in, by the code that it gave."""

STATUSES = {
    "none": marked("without a status"),
    "active": marked("active"),
    "suspended": marked("suspended"),
    "deleted": marked("deleted"),
    "expired": marked("expired"),
    "pending": marked("still being set up"),
    "disabled": marked("disabled"),
}

HANDED_BACK = {
    "not_checked": marked(
        "Partner Center could not be asked whether everything still is as approved, so nothing "
        "was sent and nothing has changed."
    ),
    "not_sent": marked("Partner Center did not take the upgrade, so nothing has changed."),
    "claimed_too_long_ago": marked(
        "The bot was away when the upgrade was due, so nothing was sent and nothing has changed."
    ),
    "nothing_happened": marked(
        "The answer of Partner Center was lost, and for an hour the subscription has shown no "
        "sign of an upgrade. It still is as it was."
    ),
}
"""Why a confirmed upgrade was handed back to people."""


def obstacle(it: Obstacle) -> str:
    """Why not, and the next step, for the eyes of one person: a code that is new to us is shown
    with Microsoft's own text."""
    if it.code in OBSTACLES:
        return say(OBSTACLES[it.code])
    return say("Partner Center says: {text}", text=outside(it.description or it.raw_code, 300))


def public_obstacle(it: Obstacle) -> str:
    """The same for everybody in the channel, without Microsoft's text: it can hold names."""
    if it.code in OBSTACLES:
        return say(OBSTACLES[it.code])
    code = outside(it.raw_code, 60) or say("none")
    return say("Partner Center gives a reason that is new to me: {code}.", code=code)


def difference(it: Difference) -> str:
    """One fact that changed, as a line."""
    if it.fact is Fact.ELIGIBLE:
        whys = (say(OBSTACLES[ObstacleCode(code)]) for code in it.now.split() if code in OBSTACLES)
        return sentences(say("• It cannot be upgraded now."), *whys)
    was, now = (_value(it.fact, value) for value in (it.was, it.now))
    return say("• {fact}: was {was}, is {now}", fact=say(FACTS[it.fact]), was=was, now=now)


def _value(fact: Fact, value: str) -> str:
    """A fact's value as people say it; one that is new to us as it came."""
    known = {Fact.STATUS: STATUSES, Fact.TERM: LENGTHS, Fact.BILLING_CYCLE: CYCLES}.get(fact, {})
    if value in known:
        return say(known[value])
    if fact is Fact.ENDS_AT and value:
        return day(date.fromisoformat(value))
    return outside(value, 300) or say("none")


def status(subscription: Subscription) -> str:
    """The status in words, with Microsoft's reasons for a suspension."""
    if subscription.was_upgraded:
        return say("suspended, because it was upgraded")
    known = STATUSES.get(subscription.status)
    word = say(known) if known else outside(subscription.status) or say(STATUSES["none"])
    because = listed(outside(reason) for reason in subscription.suspended_because)
    return f"{word} ({because})" if because else word


def effective(option: UpgradeOption) -> str:
    """When it happens, and when it is paid."""
    if option.into:
        return say("at once; billed with the subscription that it moves into")
    return say("at once; billed from that day")


def cannot_be_undone(subscription: Subscription, option: UpgradeOption) -> str:
    """What is lost for ever with the upgrade, before anybody presses anything."""
    new_commerce = subscription.kind is Kind.NEW_COMMERCE
    lines = [say("*An upgrade cannot be undone*, and its seats are bought at once.")]
    if new_commerce:
        lines.append(say("There is no new cancellation window, and seats cannot be added with it."))
    else:
        lines.append(
            say(
                "The old subscription is suspended. There is no cancellation window as for a new "
                "order, and seats cannot be added with it."
            )
        )
    if subscription.promotion_id or not new_commerce:
        lines.append(say("Any promotion on the old plan is lost."))
    if subscription.scheduled_change:
        change = outside(subscription.scheduled_change)
        lines.append(
            say("⚠️ The change scheduled for the renewal ({change}) is deleted.", change=change)
        )
    if subscription.add_ons:
        names = listed(outside(name, 60) for name in subscription.add_ons[:5])
        lines.append(
            say("⚠️ Its add-ons stay behind and have to be looked after: {names}.", names=names)
        )
    if (rest := subscription.seats - option.seats) > 0:
        lines.append(
            count(
                "{count} seat stays on the old plan.", "{count} seats stay on the old plan.", rest
            )
        )
    return sentences(*lines)


def kind(option: UpgradeOption) -> str:
    """`upgrade only`, or `with licence transfer`."""
    return say(UPGRADE_TYPES[option.type])


def licences(option: UpgradeOption) -> str:
    """What happens to the users' licences."""
    return say(LICENCES[option.type])


def how(option: UpgradeOption) -> str:
    """The way of an option, to tell it from others of the same target."""
    if not option.into:
        return kind(option)
    into = outside(option.into_name or option.into, 60)
    return say("{kind}, into “{into}”", kind=kind(option), into=into)


def seats(number: int) -> str:
    """`1 seat`, `25 seats`."""
    return count("{count} seat", "{count} seats", number)


LENGTHS = {"P1M": marked("1 month"), "P1Y": marked("1 year"), "P3Y": marked("3 years")}
CYCLES = {
    "monthly": marked("billed monthly"),
    "annual": marked("billed annually"),
    "one_time": marked("billed once"),
    "triennial": marked("billed every three years"),
}


def term(subscription: Subscription | UpgradeOption) -> str:
    """How long it runs, in words: `1 year, billed monthly`; empty when nothing is known."""
    known, cycle = LENGTHS.get(subscription.term), subscription.billing_cycle
    length = say(known) if known else outside(subscription.term)
    billed = ""
    if cycle in CYCLES:
        billed = say(CYCLES[cycle])
    elif cycle and cycle not in ("unknown", "none"):
        billed = say("billed {cycle}", cycle=outside(cycle.replace("_", " ")))
    return say("{length}, {billed}", length=length, billed=billed) if billed else length
