"""The progress of a long step: a bar in a notebook or a terminal, nothing elsewhere.

Rich shows its bars in notebooks only where ipywidgets is installed; without it, a display of IPython that is updated in
place does the same.
"""

import re
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from html import escape
from importlib import import_module
from typing import Any, Protocol

from pipelines.console import Steps, err

_COUNTED = re.compile(r"(\d+) of (\d+)")


class ProgressBar(Protocol):
    """A bar that is shown until it is closed."""

    def update(self, text: str, done: int | None, total: int | None) -> None:
        """Show another text; and how much is done, where that is known."""
        ...

    def close(self, text: str) -> None:
        """Leave only a line with this text, or nothing."""
        ...


class TerminalBar:
    """A bar of rich on standard error."""

    def __init__(self, text: str) -> None:
        from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

        columns = TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn()
        self._progress = Progress(*columns, console=err, transient=True)
        self._task = self._progress.add_task(text, total=None)
        self._progress.start()

    def update(self, text: str, done: int | None, total: int | None) -> None:
        """Show another text; and how much is done, where that is known."""
        if total is None:
            self._progress.update(self._task, description=text)
        else:
            self._progress.update(self._task, description=text, completed=done, total=total)

    def close(self, text: str) -> None:
        """Remove the bar and print the text."""
        self._progress.stop()
        err.print(text, markup=False, style="dim")


class NotebookBar:
    """A bar in the output of a notebook's cell."""

    def __init__(self, text: str) -> None:
        self._share = ""
        self._handle = _ipython().display(_html(text, "<progress></progress>"), display_id=True)

    def update(self, text: str, done: int | None, total: int | None) -> None:
        """Show another text; and how much is done, where that is known."""
        if total:
            self._share = f'value="{done}" max="{total}"'
        self._handle.update(_html(text, f"<progress {self._share}></progress>"))

    def close(self, text: str) -> None:
        """Leave a line with the text in place of the bar."""
        self._handle.update(_html(text, ""))


@dataclass
class ProgressSteps(Steps):
    """Steps with a bar each. Where a step reports ``3 of 6``, the bar has a length."""

    bar: ProgressBar | None = field(default=None, repr=False)
    text: str = ""

    @contextmanager
    def step(self, name: str, text: str) -> Iterator[None]:
        """Time the block under ``name``; ``text`` is beside its bar. A step inside a step only changes the text."""
        started = time.perf_counter()
        if self.bar is not None:
            self.log(text)
            yield
        else:
            with self._shown(text, started):
                yield
        self.seconds[name] = round(self.seconds.get(name, 0.0) + time.perf_counter() - started, 3)

    def log(self, line: str) -> None:
        """Show a line beside the bar, and how far the step is where the line counts."""
        if self.bar is not None:
            counted = _COUNTED.search(line)
            done, total = (int(counted[1]) - 1, int(counted[2])) if counted else (None, None)
            self.bar.update(f"{self.text}: {line}", done, total)

    @contextmanager
    def _shown(self, text: str, started: float) -> Iterator[None]:
        self.text, self.bar = text, None if self.quiet else _new_bar(text)
        ended = "stopped"
        try:
            yield
            ended = "done"
        finally:
            bar, self.bar = self.bar, None
            if bar is not None:
                bar.close(f"{text}: {ended} after {time.perf_counter() - started:.1f} s")


def in_notebook() -> bool:
    """Whether this code runs in the kernel of a notebook."""
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython is not None else None
    return hasattr(shell, "kernel")


def _new_bar(text: str) -> ProgressBar | None:
    if in_notebook():
        return NotebookBar(text)
    return TerminalBar(text) if err.is_terminal else None


def _html(text: str, bar: str) -> Any:
    return _ipython().HTML(f'<div style="opacity:.75">{bar} {escape(text)}</div>')


def _ipython() -> Any:
    """IPython's displays, which only a kernel has: Rescue does not depend on IPython."""
    return import_module("IPython.display")
