"""What fails for a moment is done again, and nothing else is."""

import pytest

from bot.retry import retried


class Work:
    """Fails as it is told, once for each, and then goes well."""

    def __init__(self, *failures: Exception) -> None:
        self.failures = list(failures)
        self.done = 0

    async def __call__(self) -> str:
        """Once more."""
        self.done += 1
        if self.failures:
            raise self.failures.pop(0)
        return "well"


async def again(work: Work, attempts: int | None = 3) -> str:
    """Without a pause."""
    return await retried(work, OSError, attempts=attempts, timeout=None, wait_max=0)


async def test_what_goes_well_is_done_once() -> None:
    """And what it says is handed on."""
    work = Work()
    assert await again(work) == "well"
    assert work.done == 1


async def test_what_fails_for_a_moment_is_done_again_until_it_goes_well() -> None:
    """However often, where nothing else is said."""
    work = Work(*(OSError() for _ in range(20)))
    assert await again(work, attempts=None) == "well"
    assert work.done == 21


async def test_what_goes_on_failing_is_given_up_with_its_last_error() -> None:
    """The first time counts."""
    work = Work(OSError("1"), OSError("2"), OSError("3"), OSError("4"))
    with pytest.raises(OSError, match="3"):
        await again(work)
    assert work.done == 3


@pytest.mark.parametrize("before", [[], [OSError()]])
async def test_an_error_of_another_kind_ends_it(before: list[Exception]) -> None:
    """The very same one, the first time as later."""
    error = ValueError()
    work = Work(*before, error)
    with pytest.raises(ValueError) as raised:  # noqa: PT011 - it is compared below
        await again(work)
    assert raised.value is error
    assert work.done == len(before) + 1
