"""The log of nights that were not recorded: when each was attempted, for which day, and why it stopped.

A night that stops at validation, or because the source has no new rows, leaves the database as it was, and cron's mail
is often not read. So each such attempt adds a line to ``attempts.jsonl`` in the night's folder, and ``rescue queue
list`` shows the newest one until a later night is recorded.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from datetime import date
from pathlib import Path
from typing import TypeVar

from features.errors import DataGateError, UsageError
from pipelines import assembly
from pipelines.night.night_folder import append_line
from pipelines.night.operators import send_to_operators
from pipelines.settings import Settings
from pipelines.step_runner import StepRunner
from pipelines.system_clock import today
from serving.nights.night_lease import NightHeldError
from serving.operations.attempts import AttemptRecord, begin_attempt
from serving.operations.operator_messages import night_message
from serving.store import Store
from serving.store.database import utcnow

LOG = "attempts.jsonl"
_T = TypeVar("_T")


@dataclass(frozen=True)
class Attempt:
    """An attempt that was not recorded: the time (UTC), ``stopped`` by the data or ``failed``, and the reason."""

    at: str
    outcome: str
    reason: str


@contextmanager
def logged_attempt(
    settings: Settings, store: Store, as_of: date, begun: AttemptRecord | None = None
) -> Iterator[AttemptRecord]:
    """Record the attempt from its start, and log the error that ends the block, if one does.

    ``begun`` is the record of this attempt where an earlier block began it. Wrong usage and a night that another run
    holds are recorded, but not logged as a night that failed. The record never fails itself: the first error is the one
    to report.
    """
    record = begun or begin_attempt(store, as_of)
    try:
        yield record
    except BaseException as error:
        reason = str(error) or type(error).__name__
        outcome = _outcome(error)
        record.end(outcome, reason)
        if isinstance(error, NightHeldError):
            raise
        with suppress(Exception):
            send_to_operators(settings, store, [night_message(as_of, record.id or "", outcome, reason)])
        if isinstance(error, UsageError):
            raise
        attempt = Attempt(f"{utcnow():%Y-%m-%dT%H:%M:%SZ}", "stopped" if outcome == "stopped" else "failed", reason)
        with suppress(Exception):
            append_line(settings, as_of, LOG, json.dumps(asdict(attempt)))
        raise


@contextmanager
def recorded_refusal(settings: Settings, as_of: date | None) -> Iterator[None]:
    """Record an attempt that a setting or the policy keeps from starting, in a queue that exists already."""
    try:
        yield
    except UsageError as error:
        with suppress(Exception), assembly.open_queue(settings) as store:
            day = as_of or today(settings.timezone)
            record = begin_attempt(store, day)
            record.end("failed", str(error))
            send_to_operators(settings, store, [night_message(day, record.id or "", "failed", str(error))])
        raise


def _outcome(error: BaseException) -> str:
    if isinstance(error, DataGateError):
        return "stopped"
    return "failed" if isinstance(error, Exception) else "interrupted"


def recorded_steps(run_step: StepRunner, record: AttemptRecord) -> StepRunner:
    """The step runner that also records which step of the attempt runs."""

    def run(name: str, text: str, step: Callable[..., _T], *args: object) -> _T:
        record.note_step(name)
        return run_step(name, text, step, *args)

    return run


def newest_attempt(home: Path) -> tuple[date, Attempt] | None:
    """The last attempt at the latest day that has one, with this day; lines that are incomplete are left out."""
    for log in sorted(home.glob(f"nights/*/{LOG}"), reverse=True):
        attempts = list(_attempts(log))
        with suppress(ValueError):  # a folder of another name
            if attempts:
                return date.fromisoformat(log.parent.name), attempts[-1]
    return None


def _attempts(log: Path) -> Iterator[Attempt]:
    for line in log.read_text(encoding="utf-8").splitlines():
        with suppress(ValueError, TypeError):
            yield Attempt(**json.loads(line))
