"""`files.*`: an address to upload to, the bytes, and then the message that shares them.

https://docs.slack.dev/messaging/working-with-files
"""

from bot.sandbox.slack.refusal import (
    Answer,
    Arguments,
    SlackError,
    channel_to_post,
    parent_in,
    parsed,
)
from bot.sandbox.slack.workspace import File, Workspace

LARGEST = 50 * 1024 * 1024
"""Bytes; Slack takes more, and nobody practises with so many."""


def get_upload_url(workspace: Workspace, arguments: Arguments) -> Answer:
    """Where the bytes are to be sent; their number is promised here."""
    name = str(arguments.get("filename") or "")
    length = str(arguments.get("length") or "")
    if not name or not length.isdecimal() or not 0 < int(length) <= LARGEST:
        raise SlackError("invalid_arguments")
    file = workspace.new_file(name, int(length))
    return {"upload_url": f"{workspace.files_url}upload/{file.secret}", "file_id": file.id}


def complete_upload(workspace: Workspace, arguments: Arguments) -> Answer:
    """Share the files: with a channel they become a message there, which may be a reply."""
    files = [_uploaded(workspace, each) for each in _named(arguments)]
    if channel_id := arguments.get("channel_id"):
        if channel_id in workspace.users:
            raise SlackError("invalid_channel")
        channel = channel_to_post(workspace, channel_id)
        thread_ts = parent_in(workspace, channel, arguments.get("thread_ts"))
        workspace.post(
            channel.id,
            workspace.bot.id,
            str(arguments.get("initial_comment") or ""),
            thread_ts=thread_ts,
            files=[told(workspace, file) for file in files],
        )
    for file in files:
        file.shared = True
    return {"files": [told(workspace, file) for file in files]}


def _named(arguments: Arguments) -> list[Answer]:
    files = parsed(arguments.get("files"))
    if not isinstance(files, list) or not files:
        raise SlackError("invalid_arguments")
    return files


def _uploaded(workspace: Workspace, named: Answer) -> File:
    file = workspace.files.get(str(named.get("id")))
    if file is None or file.content is None or file.shared:
        raise SlackError("file_not_found")
    file.title = str(named.get("title") or file.name)
    return file


def told(workspace: Workspace, file: File) -> Answer:
    """A file as the Web API tells it."""
    return {
        "id": file.id,
        "name": file.name,
        "title": file.title,
        "size": file.length,
        "url_private": f"{workspace.files_url}files/{file.id}/download",
    }
