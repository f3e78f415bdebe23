"""What a probe of the set-up found, how it is shown, what the exit code says of it; and why the bot
cannot start."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum


class Mark(StrEnum):
    """How a thing was found."""

    GOOD = "good"
    WARNING = "warning"
    BAD = "bad"


@dataclass(frozen=True, slots=True)
class Finding:
    """What one probe found: the `name` of the thing, `what` is so, and how to `fix` it."""

    name: str
    mark: Mark
    what: str
    fix: str = ""

    def __str__(self) -> str:
        return f"{self.name}: {self.what}. {self.fix}".rstrip()


class StartProblem(Exception):
    """The bot cannot start. `problems` has one line for each of the `findings`, with the fix."""

    def __init__(self, findings: list[Finding]) -> None:
        self.findings = findings
        self.problems = [str(finding) for finding in findings]
        super().__init__("; ".join(self.problems))


def good(name: str, what: str) -> Finding:
    """It is as it must be."""
    return Finding(name, Mark.GOOD, what)


def doubtful(name: str, what: str, fix: str) -> Finding:
    """The bot works, but not for everything or not for ever."""
    return Finding(name, Mark.WARNING, what, fix)


def bad(name: str, what: str, fix: str) -> Finding:
    """The bot cannot do its work like this."""
    return Finding(name, Mark.BAD, what, fix)


def exit_code(findings: Sequence[Finding]) -> int:
    """0 when all is good, 1 with warnings, 2 when something is bad."""
    marks = {finding.mark for finding in findings}
    return 2 if Mark.BAD in marks else 1 if Mark.WARNING in marks else 0


def show(findings: Sequence[Finding], say: Callable[[str], None]) -> None:
    """A line each: the mark, the thing, what is so, and what to do."""
    width = max(len(finding.name) for finding in findings)
    for each in findings:
        fix = f". {each.fix}" if each.fix else ""
        say(f"{each.mark.upper():<8} {each.name:<{width}}  {each.what}{fix}")
