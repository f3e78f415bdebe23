"""Slack: the only writer to it, the people in it, and how its deliveries come in."""
