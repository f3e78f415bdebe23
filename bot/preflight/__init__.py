"""Is everything as it must be? One list of probes, for `upgrade-bot check` and before every start.

Each probe finds one thing good, doubtful or bad, and says what to do about it. What is bad keeps
the bot from starting; what is doubtful is in its log. The probes ask side by side.
"""

from bot.preflight.preflight import Preflight

__all__ = ["Preflight"]
