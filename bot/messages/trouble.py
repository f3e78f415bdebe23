"""Private answers about trouble at Microsoft, at Slack, or in the bot itself. Each says what
happened, what did not change, and what to do."""

from bot.errors import (
    NotAllowed,
    NotFound,
    PartnerCenterError,
    SignInFailed,
    Throttled,
    Unreachable,
)
from bot.messages import words
from bot.messages.blocks import Message, context, escape_mrkdwn, section
from bot.messages.language import gettext, sentences
from bot.messages.refusals import NOTHING_CHANGED


def trouble(error: PartnerCenterError) -> str:
    """Trouble at Microsoft in words: what happened and what to do."""
    if error.code in words.SIGN_IN:
        return gettext(words.SIGN_IN[error.code])
    match error:
        case SignInFailed():
            return gettext(
                "Microsoft does not accept the bot's sign-in (code {code}). An operator has to "
                "renew it.",
                code=escape_mrkdwn(error.code or "") or gettext("none"),
            )
        case NotAllowed():
            return gettext(
                "Partner Center does not allow this for this customer. An operator has to look at "
                "the GDAP roles."
            )
        case NotFound():
            return gettext("Partner Center does not know this customer or subscription any more.")
        case Throttled():
            return gettext("Partner Center asks to slow down. Please try again in a minute.")
        case Unreachable():
            return gettext("Partner Center does not answer. Please try again in some minutes.")
        case _:
            return gettext("Partner Center answered something that I do not understand.")


def trouble_reply(error: PartnerCenterError) -> Message:
    """The private answer to whoever ran into trouble at Microsoft."""
    ids = gettext(
        "Correlation id {correlation_id}, request id {request_id}",
        correlation_id=error.correlation_id or gettext("none"),
        request_id=error.request_id or gettext("none"),
    )
    return Message([section(sentences(trouble(error), gettext(NOTHING_CHANGED))), context(ids)])


def slack_trouble() -> Message:
    """The private answer when Slack did not do its part, such as opening a form in time."""
    said = (
        gettext("Slack did not answer me in time."),
        gettext(NOTHING_CHANGED),
        gettext("Please press the button again."),
    )
    return Message([section(sentences(*said))])


def no_database() -> Message:
    """The private answer while the bot's own database cannot be reached."""
    return Message(
        [
            section(
                gettext(
                    "I cannot reach my database at the moment, so I may not have noted what you "
                    "did. If the card does not show it within a minute, press again: doing it "
                    "twice does no harm."
                )
            )
        ]
    )


def our_mistake(reference: str) -> Message:
    """The private answer when the bot itself is at fault."""
    return Message(
        [
            section(
                gettext(
                    "Something went wrong in the bot. What the request's card says is what is "
                    "true. If you asked for something just now, look at the card before you try "
                    "again."
                )
            ),
            context(gettext("Reference for your operator: {reference}", reference=reference)),
        ]
    )
