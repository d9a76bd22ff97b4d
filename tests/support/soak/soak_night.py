"""One attempt at a night, or at a training, in a process of its own that a fault can end at any point.

The clock of the attempt stands at the hour of the night, so the same night of two runs is equal to the second.
"""

import os
import resource
import signal
import sys
import threading
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, event

from features.errors import RescueError
from pipelines import __main__ as entry
from pipelines import settings as configuration
from pipelines.console import Steps
from pipelines.night.night import run_nights
from pipelines.step_runner import StepRunner, plain_runner
from pipelines.training.train_models import train_from
from serving.nights import heartbeat
from serving.store.database import use_clock
from support.soak.fault_plan import STEPS, PlannedFault

STATEMENTS = 400
"""About so many statements run in a night of the soak, those of the model registry included."""
CRASHED = 70
"""Exit code of an error that is no message for a user: a fault of Rescue."""


@dataclass(frozen=True)
class SoakSettings:
    """Where a run reads and writes: the source, the home, the policy file, the database and the receiver."""

    data: str
    home: Path
    policy: Path
    database: str | None
    receiver: str

    @property
    def crashes(self) -> Path:
        """The file of the traceback of an attempt that crashed."""
        return self.home.parent / "crashes.txt"

    def load(self, data: Path | None = None) -> configuration.Settings:
        """The settings of Rescue, with another source where one is given."""
        secret = "whsec_" + "c29hay1zb2FrLXNvYWstc29hay1zb2FrLTAwMDE="
        hook = {"kind": "webhook", "url": self.receiver, "secret": secret, "allow": ["127.0.0.1"]}
        return configuration.load(
            data=str(data or self.data),
            home=self.home,
            policy=self.policy,
            database=self.database,
            channels={"hook": hook},
        )


def night_hour(as_of: date) -> datetime:
    """When the night of a day runs, by the clock of the soak: 02:30 UTC."""
    return datetime.combine(as_of, datetime.min.time()) + timedelta(hours=2, minutes=30)


def run_soak_night(settings: SoakSettings, as_of: date, data: Path | None = None) -> bool:
    """The night in this process; whether it was recorded before."""
    steps = Steps(quiet=True)
    with use_clock(lambda: night_hour(as_of)):
        (report,) = run_nights(settings.load(data), as_of, plain_runner(steps), steps)
    return report.unchanged


def attempt_night(settings: SoakSettings, as_of: date, fault: PlannedFault | None, data: Path | None = None) -> None:
    """The night in a process of its own, with a fault; its exit code is that of the command."""

    def work() -> None:
        steps = Steps(quiet=True)
        with use_clock(_clock(as_of, fault)):
            run_nights(settings.load(data), as_of, _runner(steps, fault), steps)

    _attempt(work, fault, settings.crashes)


def attempt_training(settings: SoakSettings, as_of: date, fault: PlannedFault | None) -> None:
    """Retraining on the data before a day, in a process of its own, with a fault."""

    def work() -> None:
        with use_clock(lambda: night_hour(as_of)):
            train_from(settings.load(), "all", as_of, 0, Steps(quiet=True))

    _attempt(work, fault, settings.crashes)


def _attempt(work: Callable[[], None], fault: PlannedFault | None, crashes: Path) -> None:
    os.umask(entry.PRIVATE)
    signal.signal(signal.SIGTERM, entry._interrupt)
    _arm(fault)
    try:
        work()
    except RescueError as error:
        sys.exit(error.exit_code)
    except KeyboardInterrupt:
        sys.exit(1)
    except BaseException as error:
        crashes.write_text("".join(traceback.format_exception(error)), encoding="utf-8")
        sys.exit(CRASHED)


def _arm(fault: PlannedFault | None) -> None:
    if fault is None:
        return
    if fault.kind == "kill at a statement":
        _kill_at_statement(int(fault.where * STATEMENTS))
    elif fault.kind in ("kill at a moment", "interrupted"):
        number = signal.SIGTERM if fault.kind == "interrupted" else signal.SIGKILL
        threading.Thread(target=_end_later, args=(number, fault.where * 1.5), daemon=True).start()
    elif fault.kind == "full disk":
        room = int(20_000 * 100**fault.where)
        resource.setrlimit(resource.RLIMIT_FSIZE, (room, room))
    elif fault.kind == "clock jumps in the night":
        every = timedelta(milliseconds=20)
        heartbeat.keep_lease.__wrapped__.__kwdefaults__["every"] = every  # type: ignore[attr-defined]


def _kill_at_statement(last: int) -> None:
    reached = 0

    def reach(*_: object) -> None:
        nonlocal reached
        if reached == last:
            os.kill(os.getpid(), signal.SIGKILL)
        reached += 1

    event.listen(Engine, "before_cursor_execute", reach)
    event.listen(Engine, "commit", reach)


def _end_later(number: signal.Signals, seconds: float) -> None:
    time.sleep(seconds)
    os.kill(os.getpid(), number)


def _clock(as_of: date, fault: PlannedFault | None) -> Callable[[], datetime]:
    hour = night_hour(as_of)
    if fault is None or fault.kind != "clock jumps in the night":
        return lambda: hour
    jump = timedelta(days=3 if fault.where < 0.5 else -3)
    return lambda: hour if threading.current_thread() is threading.main_thread() else hour + jump


def _runner(steps: Steps, fault: PlannedFault | None) -> StepRunner:
    plain = plain_runner(steps)
    if fault is None or fault.kind != "kill after a step":
        return plain
    last = STEPS[int(fault.where * len(STEPS))]

    def run(name: str, text: str, step: Any, *given: object) -> Any:
        result = plain(name, text, step, *given)
        if name == last:
            os.kill(os.getpid(), signal.SIGKILL)
        return result

    return run
