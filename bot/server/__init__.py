"""The bot's own HTTP server and its health."""
