"""The output of a command: results on standard output, progress and errors on standard error.

On a terminal a long step shows a spinner. Elsewhere a step prints one plain line when it ends, so that a log file or a
mail from cron is readable. With ``--log-format json`` each of them is a JSON object.
"""

from __future__ import annotations

import json
import logging
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, field
from datetime import UTC, datetime

from rich.console import Console
from rich.status import Status

from features.errors import explain_full_disk
from features.progress import listening
from features.unit_text import duration_text

WIDTH_WITHOUT_TERMINAL = 132
"""Columns of a table where the output is not a terminal."""

out = Console(highlight=False, width=None if sys.stdout.isatty() else WIDTH_WITHOUT_TERMINAL)
err = Console(stderr=True, highlight=False, soft_wrap=True)

SECONDS_BETWEEN_UPDATES, SECONDS_BETWEEN_LINES = 5, 60
"""How often the remaining time of a long step is shown on a terminal, and elsewhere; a shorter step shows none."""

KNOWN_REPORTS, KNOWN_SHARE = 4, 0.05
"""How often a step has to report, and how much of it has to done since then, before its pace is known."""

log_format = "text"
"""How progress and errors are written: ``text`` for people, ``json`` for programs that collect logs."""

_log = logging.getLogger("rescue")


class JsonFormatter(logging.Formatter):
    """A record as one JSON object a line: time (UTC), level, logger, message, and what else the record has."""

    def format(self, record: logging.LogRecord) -> str:
        """The line."""
        content: dict[str, object] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        content |= getattr(record, "fields", {})
        if record.exc_info:
            content["exception"] = self.formatException(record.exc_info)
        return json.dumps(content, default=str)


def use_json_logs() -> None:
    """From now on, progress, warnings and errors are JSON lines on standard error; libraries' records too."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonFormatter())
    logging.basicConfig(level=logging.WARNING, handlers=[handler], force=True)
    _log.setLevel(logging.INFO)
    global log_format
    log_format = "json"


def log_event(text: str, level: int = logging.INFO, **fields: object) -> None:
    """Log one event of a run, if logs are JSON; elsewhere the caller has printed it."""
    if log_format == "json":
        _log.log(level, text, extra={"fields": fields})


@dataclass
class StepProgress:
    """Shows how far a long step is and about how much longer it takes: beside the spinner, or in few lines of a log.

    What a step does before its first report (reading, say) does not show how fast the rest is, so the pace is that
    since the first report. Until it is known, nothing is shown.
    """

    log: Callable[[str], None]
    text: str
    status: Status | None = None
    started: float = field(default_factory=time.perf_counter)
    shown: float = 0.0
    """Seconds after the start at which a line was last printed."""
    reports: int = 0
    first: tuple[float, float] = (0.0, 0.0)
    """Seconds after the start of the first report, and the share that was done then."""

    def show_share(self, share: float) -> None:
        """See :class:`features.progress.ProgressListener`."""
        took = time.perf_counter() - self.started
        self.reports += 1
        if self.reports == 1:
            self.first = took, share
        done = share - self.first[1]
        every = SECONDS_BETWEEN_UPDATES if self.status else SECONDS_BETWEEN_LINES
        if self.reports < KNOWN_REPORTS or done < KNOWN_SHARE or share >= 1 or took - self.shown < every:
            return
        self.shown = took
        left = (took - self.first[0]) * (1 - share) / done
        line = f"{took / (took + left):.0%} done, about {duration_text(left)} left"
        if self.status:
            self.status.update(f"{self.text} … {line}")
        else:
            self.log(f"{self.text}: {line}")

    def show_line(self, line: str) -> None:
        """See :class:`features.progress.ProgressListener`."""
        self.log(line)


@dataclass
class Steps:
    """Runs named steps, logs each, and records the seconds that each took, in the order in which they ran."""

    quiet: bool = False
    seconds: dict[str, float] = field(default_factory=dict)

    @contextmanager
    def step(self, name: str, text: str) -> Iterator[None]:
        """Time the block under ``name``; ``text`` is its progress line.

        Raises:
            RescueError: the block needed more disk than there is.
        """
        started = time.perf_counter()
        try:
            with self._spinner(text) as status, listening(StepProgress(self.log, text, status)):
                yield
        except Exception as error:
            if explained := explain_full_disk(error):
                raise explained from None
            raise
        took = time.perf_counter() - started
        self.seconds[name] = round(self.seconds.get(name, 0.0) + took, 3)
        if log_format == "json":
            log_event(text, step=name, seconds=round(took, 3))
            return
        self.log(f"{text}: {took:.1f} s")

    def _spinner(self, text: str) -> AbstractContextManager[Status | None]:
        if err.is_terminal and not self.quiet and log_format != "json":
            return err.status(f"{text} …")
        return nullcontext()

    def log(self, line: str) -> None:
        """Print one progress line, unless the command prints JSON."""
        if log_format == "json":
            log_event(line, logging.WARNING if line.startswith("Warning:") else logging.INFO)
            return
        if not self.quiet:
            err.print(f"[dim]{time.strftime('%H:%M:%S')}[/dim] {line}" if err.is_terminal else line)
