"""The log of nights that were not recorded: when each was attempted, for which day, and why it stopped.

A night that stops at validation, or because the source has no new rows, leaves the database as it was, and cron's mail
is often not read. So each such attempt adds a line to ``attempts.jsonl`` in the night's folder, and ``rescue queue
list`` shows the newest one until a later night is recorded.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from datetime import date
from pathlib import Path

from features.errors import DataGateError, UsageError
from pipelines.night.night_folder import append_line
from pipelines.settings import Settings
from serving.nights.night_lease import NightHeldError
from serving.store.database import utcnow

LOG = "attempts.jsonl"


@dataclass(frozen=True)
class Attempt:
    """An attempt that was not recorded: the time (UTC), ``stopped`` by the data or ``failed``, and the reason."""

    at: str
    outcome: str
    reason: str


@contextmanager
def logged_attempt(settings: Settings, as_of: date) -> Iterator[None]:
    """Log the error that ends the block, if one does; wrong usage and a night that another run holds are no attempts.

    The log itself never fails: the first error is the one to report.
    """
    try:
        yield
    except (UsageError, NightHeldError):
        raise
    except BaseException as error:
        outcome = "stopped" if isinstance(error, DataGateError) else "failed"
        attempt = Attempt(f"{utcnow():%Y-%m-%dT%H:%M:%SZ}", outcome, str(error) or type(error).__name__)
        with suppress(Exception):
            append_line(settings, as_of, LOG, json.dumps(asdict(attempt)))
        raise


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
