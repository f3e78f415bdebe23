"""A practice Slack: a workspace, its Web API, and what people do in it."""

from bot.sandbox.slack.interactions import Interactions
from bot.sandbox.slack.server import SlackServer
from bot.sandbox.slack.workspace import Channel, Message, User, View, Workspace

__all__ = ["Channel", "Interactions", "Message", "SlackServer", "User", "View", "Workspace"]
