"""What is set up for the app in the practice workspace; by default what `manifest.yml` asks for."""

from dataclasses import dataclass, field


@dataclass(frozen=True)
class SlashCommand:
    """A command that people type."""

    command: str
    description: str
    usage_hint: str = ""


@dataclass(frozen=True)
class Shortcut:
    """An entry under *More actions* of a message (`message`), or beside the composer (`global`)."""

    callback_id: str
    name: str
    type: str = "message"
    description: str = ""


@dataclass
class Installed:
    """The app as the workspace knows it. `events`: what it subscribes to."""

    commands: list[SlashCommand] = field(
        default_factory=lambda: [
            SlashCommand(
                "/upgrade",
                "See what a customer's subscriptions can be upgraded to",
                "contoso | contoso.onmicrosoft.com | tenant id | bulk | history | status | help",
            )
        ]
    )
    shortcuts: list[Shortcut] = field(default_factory=list)
    home_tab: bool = True
    messages_read_only: bool = True
    events: set[str] = field(default_factory=lambda: {"app_home_opened"})
    scopes: set[str] = field(
        default_factory=lambda: {
            "commands",
            "chat:write",
            "users:read",
            "usergroups:read",
            "channels:read",
            "groups:read",
            "files:write",
        }
    )
