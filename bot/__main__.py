"""`python -m bot` is the command `upgrade-bot`."""

from bot.cli import main

main()
