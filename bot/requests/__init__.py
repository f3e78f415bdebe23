"""What people do: find, ask, decide, and list. Knows no Slack and no words."""
