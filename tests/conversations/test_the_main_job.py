"""From `/upgrade` to the result in the thread."""

from tests.workspace import Conversation


async def test_an_upgrade_is_asked_for_approved_and_performed_once(
    workspace: Conversation,
) -> None:
    """The whole story, as everybody reads it."""
    alice, carol = workspace.alice, workspace.carol
    await alice.types("/upgrade contoso")
    print(await alice.reads())
    await alice.presses("Office 365 Enterprise E3 (upgrade only)")
    print(await alice.sees_form())
    await alice.fills_in(reason="They need Office.", evidence="https://mail.example/1?a=1&b=2")
    print(await workspace.card())
    await alice.presses("Approve")
    print(await alice.reads())
    await carol.presses("Approve")
    print(await workspace.card())
    print(await workspace.thread())
    await alice.presses("Upgrade now")
    print(await workspace.card())
    print(await workspace.thread())
    assert len(workspace.upgrades()) == 1
