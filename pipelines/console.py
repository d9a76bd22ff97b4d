"""What a person or a log sees while a command works: results on standard output, everything else on standard error.

On a terminal a long step shows a spinner with the time gone; in a log it is one plain line when it ends, so that a
cron mail reads well.
"""

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from rich.console import Console

IN_A_LOG = 132
"""Columns of a table where no terminal says how wide it is."""

out = Console(highlight=False, width=None if sys.stdout.isatty() else IN_A_LOG)
err = Console(stderr=True, highlight=False, soft_wrap=True)


@dataclass
class Steps:
    """Runs named steps, tells of each, and keeps the seconds each took in the order they ran."""

    quiet: bool = False
    seconds: dict[str, float] = field(default_factory=dict)

    @contextmanager
    def step(self, name: str, saying: str) -> Iterator[None]:
        """Time the block under ``name`` while ``saying`` what is going on."""
        started = time.perf_counter()
        if err.is_terminal and not self.quiet:
            with err.status(f"{saying} …"):
                yield
        else:
            yield
        took = time.perf_counter() - started
        self.seconds[name] = round(self.seconds.get(name, 0.0) + took, 3)
        self.tell(f"{saying}: {took:.1f} s")

    def tell(self, line: str) -> None:
        """One line of progress, unless the command was asked for JSON alone."""
        if not self.quiet:
            err.print(f"[dim]{time.strftime('%H:%M:%S')}[/dim] {line}" if err.is_terminal else line)
