"""In the practice workspace the app is set up as the manifest sets it up."""

from pathlib import Path

import yaml

from bot.sandbox.slack.installed import Installed


def test_the_app_is_installed_as_the_manifest_says() -> None:
    """Commands, shortcuts, Home tab, events and scopes: what is not asked for is not there."""
    text = (Path(__file__).parents[2] / "manifest.yml").read_text(encoding="utf-8")
    manifest = yaml.safe_load(text)
    features, app = manifest["features"], Installed()
    declared = [
        (each["command"], each["description"], each["usage_hint"])
        for each in features["slash_commands"]
    ]
    assert [(c.command, c.description, c.usage_hint) for c in app.commands] == declared
    shortcuts = [(s["callback_id"], s["name"], s["type"]) for s in features.get("shortcuts", [])]
    assert [(s.callback_id, s.name, s.type) for s in app.shortcuts] == shortcuts
    assert app.home_tab is features["app_home"]["home_tab_enabled"]
    assert app.messages_read_only is features["app_home"]["messages_tab_read_only_enabled"]
    subscribed = manifest["settings"].get("event_subscriptions", {}).get("bot_events", [])
    assert app.events == set(subscribed)
    assert app.scopes == set(manifest["oauth_config"]["scopes"]["bot"])
