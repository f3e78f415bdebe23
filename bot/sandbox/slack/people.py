"""`auth.test`, `users.*` and `usergroups.*`: who the app is, and who people are."""

from bot.sandbox.slack.refusal import Answer, Arguments, SlackError, is_true
from bot.sandbox.slack.workspace import Workspace


def auth_test(workspace: Workspace, _arguments: Arguments) -> Answer:
    """Whose token this is."""
    return {
        "url": workspace.url,
        "team": "Practice",
        "team_id": workspace.team_id,
        "user": workspace.bot.name,
        "user_id": workspace.bot.id,
        "bot_id": "B0UPGRADE",
        "is_enterprise_install": False,
    }


def info(workspace: Workspace, arguments: Arguments) -> Answer:
    """One person."""
    user = workspace.users.get(str(arguments.get("user", "")))
    if user is None:
        raise SlackError("user_not_found")
    told: Answer = {
        "id": user.id,
        "name": user.name,
        "real_name": user.real_name,
        "team_id": user.team_id,
        "deleted": user.deleted,
        "is_bot": user.is_bot,
        "is_restricted": user.is_restricted,
        "is_ultra_restricted": user.is_ultra_restricted,
        "tz": user.tz,
        "profile": {"real_name": user.real_name, "display_name": user.name},
    }
    if user.email and "users:read.email" in workspace.scopes:
        told["profile"]["email"] = user.email
    if is_true(arguments.get("include_locale")):
        told["locale"] = user.locale
    return {"user": told}


def groups(workspace: Workspace, _arguments: Arguments) -> Answer:
    """The user groups."""
    return {
        "usergroups": [
            {
                "id": group,
                "team_id": workspace.team_id,
                "handle": workspace.group_handles[group],
                "name": workspace.group_handles[group],
                "user_count": len(members),
            }
            for group, members in workspace.groups.items()
        ]
    }


def group_members(workspace: Workspace, arguments: Arguments) -> Answer:
    """Who is in a user group."""
    members = workspace.groups.get(str(arguments.get("usergroup", "")))
    if members is None:
        raise SlackError("no_such_subteam")
    return {"users": sorted(members)}
