"""How far a long computation is: what computes says it, and whoever runs the step may listen."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol


class ProgressListener(Protocol):
    """Hears how far the present step is."""

    def show_share(self, share: float) -> None:
        """A share of the step's work, between 0 and 1, is done."""

    def show_line(self, line: str) -> None:
        """One line that the user has to see before the step goes on."""


_listeners: list[ProgressListener] = []


@contextmanager
def listening(listener: ProgressListener) -> Iterator[None]:
    """Tell this listener of all progress until the block ends, in whichever thread it is made."""
    _listeners.append(listener)
    try:
        yield
    finally:
        _listeners.remove(listener)


def report_share(share: float) -> None:
    """Say which share of the present step is done."""
    for listener in _listeners[-1:]:
        listener.show_share(share)


def report_line(line: str) -> None:
    """Say one line to whoever runs the present step."""
    for listener in _listeners[-1:]:
        listener.show_line(line)
