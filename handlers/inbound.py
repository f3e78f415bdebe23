"""What Slack sends, as far as the bot reads it. Everything else in a payload is ignored."""

from typing import Any

from pydantic import BaseModel, Field

from bot import buttons
from bot.domain.policy import Person
from bot.domain.upgrade import Pointer
from bot.workflow import Place


class Id(BaseModel):
    """Anything that is only referred to."""

    id: str


class User(BaseModel):
    """`team_id` is the person's own workspace, which in a shared channel can be another one."""

    id: str
    team_id: str | None = None


class Command(BaseModel):
    """A slash command."""

    team_id: str
    user_id: str
    channel_id: str
    text: str = ""
    response_url: str
    trigger_id: str

    @property
    def place(self) -> Place:
        return Place(Person(self.team_id, self.user_id), self.channel_id)


class Action(BaseModel):
    action_id: str
    value: str = ""


class Container(BaseModel):
    channel_id: str = ""


class Click(BaseModel):
    """A pressed button."""

    user: User
    team: Id
    channel: Id | None = None
    container: Container = Field(default_factory=Container)
    actions: list[Action] = Field(min_length=1)
    response_url: str = ""
    trigger_id: str = ""

    @property
    def place(self) -> Place:
        channel_id = self.channel.id if self.channel else self.container.channel_id
        return Place(_person(self.user, self.team), channel_id)

    @property
    def value(self) -> str:
        return self.actions[0].value

    @property
    def pointer(self) -> Pointer:
        """The card's request. Raises Refused(UNKNOWN_BUTTON)."""
        return buttons.pointer(self.value)


class State(BaseModel):
    values: dict[str, dict[str, dict[str, Any]]] = Field(default_factory=dict)


class View(BaseModel):
    private_metadata: str = ""
    state: State = Field(default_factory=State)


class Submission(BaseModel):
    """A submitted form."""

    user: User
    team: Id
    view: View

    @property
    def place(self) -> Place:
        """A form belongs to no channel; the request that it is about does."""
        return Place(_person(self.user, self.team), "")

    def field(self, name: str) -> str:
        """What was typed into the field `name`; empty when nothing was."""
        typed = self.view.state.values.get(name, {}).get(name, {}).get("value")
        return typed if isinstance(typed, str) else ""

    @property
    def pointer(self) -> Pointer:
        """The request that the form is about. Raises Refused(UNKNOWN_BUTTON)."""
        return buttons.pointer(self.view.private_metadata)


def _person(user: User, team: Id) -> Person:
    return Person(user.team_id or team.id, user.id)
