"""A step that an orchestrator may run and keep for ever, without keeping anything of ours alive.

Prefect registers every flow and task that it is given, and its threads outlive the interpreter's clean-up. Whatever a
registered function can reach is then never given back: its arguments, its result, the traceback of its failure and,
through its globals, whole modules with their database connections, about which DuckDB complains at exit, line by line.
So what Prefect is handed lives here, in a module that knows nothing, and lets go of the step when it has run.
"""

from collections.abc import Callable
from typing import Generic, TypeVar

_T = TypeVar("_T")


class StepFailedError(Exception):
    """A failed step, as the orchestrator sees it: the class of its error and the message."""


class SingleRun(Generic[_T]):
    """A step to be run once: ``run`` is for the orchestrator, ``outcome`` for the caller."""

    def __init__(self, step: Callable[[], _T]) -> None:
        self._step = [step]
        self._returned: list[_T] = []
        self._failed: list[Exception] = []

    def run(self) -> None:
        """Run the step; raises :class:`StepFailedError`, without its cause, where it fails."""
        try:
            self._returned.append(self._step.pop()())
        except Exception as error:
            self._failed.append(error)
        if self._failed:  # raised out here, or the error and all that its traceback holds would be its context
            raise StepFailedError(self._message())

    def _message(self) -> str:
        return f"{type(self._failed[0]).__name__}: {self._failed[0]}"

    def outcome(self, start: Callable[[], object]) -> _T:
        """The step's result after ``start`` made the orchestrator run it; its own error where it failed."""
        try:
            start()
        except StepFailedError as failure:
            failure.__traceback__ = None  # the orchestrator keeps it, and with it every frame up to here
            raise self._failed.pop() from None
        return self._returned.pop()

    @property
    def begun(self) -> bool:
        """Whether the orchestrator got so far as to run the step."""
        return not self._step
