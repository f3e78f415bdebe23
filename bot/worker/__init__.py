"""What the bot does by itself: perform, look, remind, expire, follow up."""
