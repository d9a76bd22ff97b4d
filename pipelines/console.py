"""The output of a command: results on standard output, progress and errors on standard error.

On a terminal a long step shows a spinner. Elsewhere a step prints one plain line when it ends, so that a log file or a
mail from cron is readable.
"""

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from rich.console import Console

WIDTH_WITHOUT_TERMINAL = 132
"""Columns of a table where the output is not a terminal."""

out = Console(highlight=False, width=None if sys.stdout.isatty() else WIDTH_WITHOUT_TERMINAL)
err = Console(stderr=True, highlight=False, soft_wrap=True)


@dataclass
class Steps:
    """Runs named steps, logs each, and records the seconds that each took, in the order in which they ran."""

    quiet: bool = False
    seconds: dict[str, float] = field(default_factory=dict)

    @contextmanager
    def step(self, name: str, text: str) -> Iterator[None]:
        """Time the block under ``name``; ``text`` is its progress line."""
        started = time.perf_counter()
        if err.is_terminal and not self.quiet:
            with err.status(f"{text} …"):
                yield
        else:
            yield
        took = time.perf_counter() - started
        self.seconds[name] = round(self.seconds.get(name, 0.0) + took, 3)
        self.log(f"{text}: {took:.1f} s")

    def log(self, line: str) -> None:
        """Print one progress line, unless the command prints JSON."""
        if not self.quiet:
            err.print(f"[dim]{time.strftime('%H:%M:%S')}[/dim] {line}" if err.is_terminal else line)
