"""What Slack sends, as far as the bot reads it. Everything else in a payload is ignored."""

from typing import Any

from pydantic import BaseModel, Field, model_validator

from bot.domain.policy import Person
from bot.domain.request import CardRef
from bot.messages import action_ids
from bot.requests.permission import Actor


class Inbound(BaseModel):
    """Null and absent mean the same: Slack sends both."""

    @model_validator(mode="before")
    @classmethod
    def _without_nulls(cls, data: Any) -> Any:
        if not isinstance(data, dict):
            return data
        return {key: value for key, value in data.items() if value is not None}


class Id(Inbound):
    """Anything that is only referred to."""

    id: str


class User(Inbound):
    """`team_id` is the person's own workspace, which in a shared channel can be another one."""

    id: str
    team_id: str | None = None


class Command(Inbound):
    """A slash command."""

    team_id: str = ""
    user_id: str
    channel_id: str = ""
    text: str = ""
    response_url: str = ""
    trigger_id: str = ""

    @property
    def actor(self) -> Actor:
        return Actor(Person(self.team_id, self.user_id), self.channel_id, self.trigger_id)


class Action(Inbound):
    action_id: str
    action_ts: str = ""
    value: str = ""


class Container(Inbound):
    channel_id: str = ""
    message_ts: str = ""


class Click(Inbound):
    """A pressed button."""

    user: User
    team: Id | None = None
    channel: Id | None = None
    container: Container = Field(default_factory=Container)
    actions: list[Action] = Field(min_length=1)
    response_url: str = ""
    trigger_id: str = ""

    @property
    def actor(self) -> Actor:
        channel_id = self.channel.id if self.channel else self.container.channel_id
        person, action = _person(self.user, self.team), self.actions[0]
        click = (self.container.message_ts, action.action_id, action.action_ts)
        delivery = "/".join((person.team_id, person.user_id, *click)) if action.action_ts else ""
        return Actor(person, channel_id, delivery)

    @property
    def value(self) -> str:
        return self.actions[0].value

    @property
    def card_ref(self) -> CardRef:
        """The card's request. Raises Refused(UNKNOWN_BUTTON)."""
        return action_ids.card_ref(self.value)


class State(Inbound):
    values: dict[str, dict[str, dict[str, Any]]] = Field(default_factory=dict)


class View(Inbound):
    id: str
    private_metadata: str = ""
    state: State = Field(default_factory=State)


class Submission(Inbound):
    """A submitted form."""

    user: User
    team: Id | None = None
    view: View

    @property
    def actor(self) -> Actor:
        """A form belongs to no channel; the request that it is about does. No delivery either:
        a form that was sent back with errors is submitted again under the same ids."""
        return Actor(_person(self.user, self.team), "")

    @property
    def response_url(self) -> str:
        """A form has none."""
        return ""

    def field(self, name: str) -> str:
        """What was typed into the field `name`; empty when nothing was."""
        typed = self.view.state.values.get(name, {}).get(name, {}).get("value")
        return typed if isinstance(typed, str) else ""

    def all_chosen(self, name: str) -> list[str]:
        """The values of whatever was chosen in the field `name`."""
        options = self.view.state.values.get(name, {}).get(name, {}).get("selected_options")
        values = [o.get("value") for o in options or [] if isinstance(o, dict)]
        return [value for value in values if isinstance(value, str)]

    @property
    def card_ref(self) -> CardRef:
        """The request that the form is about. Raises Refused(UNKNOWN_BUTTON)."""
        return action_ids.card_ref(self.view.private_metadata)


class Search(Submission):
    """A submitted form that asks Partner Center; it knows the channel it was opened in."""

    @property
    def actor(self) -> Actor:
        person, channel_id = _person(self.user, self.team), self.view.private_metadata
        return Actor(person, channel_id, f"view/{self.view.id}")

    def chosen(self, name: str) -> str:
        """The value of what was chosen in the field `name`; empty when nothing was."""
        option = self.view.state.values.get(name, {}).get(name, {}).get("selected_option")
        value = option.get("value") if isinstance(option, dict) else None
        return value if isinstance(value, str) else ""


class Typing(Inbound):
    """Letters typed into a field that offers what they may mean."""

    user: User
    team: Id | None = None
    view: View
    value: str = ""

    @property
    def actor(self) -> Actor:
        return Actor(_person(self.user, self.team), self.view.private_metadata)


class Opened(Inbound):
    """What a person opened."""

    user: str
    tab: str = ""


class HomeOpened(Inbound):
    """Somebody opened a tab of the bot's: an event, which nobody waits for."""

    team_id: str = ""
    event: Opened

    @property
    def person(self) -> Person:
        return Person(self.team_id, self.event.user)


def _person(user: User, team: Id | None) -> Person:
    """`team` can be missing in an organisation; somebody of no team is a stranger."""
    return Person(user.team_id or (team.id if team else ""), user.id)
