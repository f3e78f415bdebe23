"""Subscription upgrades from Slack: asked for, approved by a second person, performed once."""
