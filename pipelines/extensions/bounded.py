"""Work of somebody else's code within a time limit: a night must not wait for an extension for ever."""

from collections.abc import Callable
from threading import Thread
from typing import TypeVar

Value = TypeVar("Value")


def run_within(seconds: float, work: Callable[[], Value]) -> Value:
    """What ``work`` returns or raises, where it ends in time.

    A thread cannot be stopped from outside, so work that takes too long goes on in the background until the process
    ends, and nothing of it is used.

    Raises:
        TimeoutError: it takes longer.
    """
    results: list[Value] = []
    errors: list[BaseException] = []

    def run() -> None:
        try:
            results.append(work())
        except BaseException as error:  # also SystemExit, which would end the thread only
            errors.append(error)

    thread = Thread(target=run, daemon=True)
    thread.start()
    thread.join(seconds)
    if errors:
        raise errors[0]
    if not results:
        raise TimeoutError
    return results[0]
