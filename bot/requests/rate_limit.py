"""How often one person may have Microsoft asked: a flood of one would slow down everybody, because
Partner Center counts the calls of all together."""

from collections.abc import Callable
from datetime import datetime

from bot.domain.policy import Person
from bot.errors import Reason, Refused

AT_ONCE = 60
A_MINUTE = 60


class RateLimit:
    """Everybody has `AT_ONCE` look-ups, and gets `A_MINUTE` of them back in a minute."""

    def __init__(self, clock: Callable[[], datetime]) -> None:
        self._clock = clock
        self._left: dict[Person, tuple[datetime, float]] = {}

    def require(self, person: Person, look_ups: int) -> None:
        """So many are left to this person, and none is taken yet. Raises Refused(TOO_FAST)."""
        if self._left_to(person) < look_ups:
            raise Refused(Reason.TOO_FAST)

    def take(self, person: Person, look_ups: int = 1) -> None:
        """So many more look-ups, all or none. Raises Refused(TOO_FAST)."""
        self.require(person, look_ups)
        self._left[person] = (self._clock(), self._left_to(person) - look_ups)
        if len(self._left) > 1000:  # those who have all of theirs again need no line
            self._left = {who: each for who, each in self._left.items() if each[1] < AT_ONCE - 1}

    def _left_to(self, person: Person) -> float:
        """How many there are by now; a clock that is set back gives none back, and takes none."""
        now = self._clock()
        since, left = self._left.get(person, (now, float(AT_ONCE)))
        passed = max(0.0, (now - since).total_seconds())
        left = min(AT_ONCE, left + passed * A_MINUTE / 60)
        if person in self._left:
            self._left[person] = (now, left)
        return left
