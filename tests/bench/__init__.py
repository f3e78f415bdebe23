"""What the bot is fast at, each figure beside its reference in the same run."""
