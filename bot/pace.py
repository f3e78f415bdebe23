"""How often one person may have Microsoft asked: a flood of one would slow down everybody, because
Partner Center counts the calls of all together."""

from collections.abc import Callable
from datetime import datetime

from bot.domain.policy import Person
from bot.errors import Reason, Refused

AT_ONCE = 60
A_MINUTE = 60


class Pace:
    """Everybody has `AT_ONCE` look-ups, and gets `A_MINUTE` of them back in a minute."""

    def __init__(self, clock: Callable[[], datetime]) -> None:
        self._clock = clock
        self._left: dict[Person, tuple[datetime, float]] = {}

    def require(self, person: Person, look_ups: int) -> tuple[datetime, float]:
        """So many are left to this person, and none is taken yet; returns since when how many are.
        Raises Refused(TOO_FAST)."""
        now = self._clock()
        since, left = self._left.get(person, (now, float(AT_ONCE)))
        left = min(AT_ONCE, left + (now - since).total_seconds() * A_MINUTE / 60)
        if left < look_ups:
            raise Refused(Reason.TOO_FAST)
        return now, left

    def take(self, person: Person, look_ups: int = 1) -> None:
        """So many more look-ups, all or none. Raises Refused(TOO_FAST)."""
        now, left = self.require(person, look_ups)
        self._left[person] = (now, left - look_ups)
        if len(self._left) > 1000:  # those who have all of theirs again need no line
            self._left = {who: each for who, each in self._left.items() if each[1] < AT_ONCE - 1}
