"""Replays of drafts in a process of their own, which the review app starts: the pages never wait for them.

The process reports how far it is and that it lives. It ends with the app; the app continues an unfinished replay when
it starts again, or when somebody looks at it. It gives way to everything else on the machine, and stops after an hour.
"""

from __future__ import annotations

import os
import threading
from contextlib import suppress
from datetime import timedelta
from multiprocessing import get_context
from typing import TYPE_CHECKING, Any

from features.errors import RescueError
from pipelines import assembly
from pipelines.console import Steps
from serving.policy_versions import replay_jobs
from serving.store.database import utcnow

if TYPE_CHECKING:
    from multiprocessing.process import BaseProcess

    from pipelines.settings import Settings
    from serving.policy.decision.decide import Policy
    from serving.store import Store
    from serving.store.policy_tables import ReplayJob

LONGEST_REPLAY = timedelta(hours=1)
ALIVE_EVERY = 10.0
"""Seconds between two signs of life."""


class ReplayProcess:
    """Starts the process of a replay, one at a time."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self._process: BaseProcess | None = None
        self._lock = threading.Lock()

    def start(self, job_id: str) -> None:
        """Compute a job, unless a process of this app computes one already."""
        with self._lock:
            if self._process is not None and self._process.is_alive():
                return
            process = get_context("spawn").Process(target=run_replay_job, args=(self.settings, job_id), daemon=True)
            process.start()
            self._process = process


def run_replay_job(settings: Settings, job_id: str) -> None:
    """Compute one job and store its result; what the process does."""
    with suppress(OSError):
        os.nice(10)
    with assembly.open_queue(settings) as store:
        job = replay_jobs.begin_replay(store, job_id, utcnow())
        if job is None:
            return
        over = threading.Event()
        threading.Thread(target=_stay_alive, args=(store, job_id, over), daemon=True).start()
        try:
            result = compare_draft(settings, store, job)
        except RescueError as error:
            replay_jobs.end_replay(store, job_id, utcnow(), failure=str(error))
        except Exception as error:
            replay_jobs.end_replay(
                store, job_id, utcnow(), failure=f"An error in Rescue ({type(error).__name__}): see the log of the app."
            )
            raise
        else:
            replay_jobs.end_replay(store, job_id, utcnow(), result=result)
        finally:
            over.set()


def compare_draft(settings: Settings, store: Store, job: ReplayJob) -> dict[str, Any]:
    """Replay the draft and the policy it was compared with over the newest nights of the source; the result as data."""
    from pipelines.replay.replay_nights import keep_replay, replay_newest_nights
    from serving.policy.replay.replay_figures import comparison_table
    from serving.store.queries.queue_queries import newest_night

    source = assembly.policy_source(settings)
    policies: dict[str, Policy] = {
        replay_jobs.CURRENT: source.parse(job.current, "the policy in force"),
        replay_jobs.DRAFT: source.parse(job.draft, "the draft"),
    }
    steps = _ReportedSteps(store, job.id)

    def count(nights: int) -> None:
        replay_jobs.report_progress(store, job.id, utcnow(), nights=nights)

    with store.reading() as session:
        last = newest_night(session)
    replay = replay_newest_nights(settings, policies, job.nights, steps, count, last)
    keep_replay(settings, policies, replay)
    figures = {name: done.figures() for name, done in replay.done.items()}
    return {
        "from": replay.first.isoformat(),
        "to": replay.last.isoformat(),
        "currency": settings.currency.code if settings.currency else None,
        "rows": [list(row) for row in comparison_table(figures)],
        "models": {risk: model.to_json() for risk, model in replay.models.items()},
        "totals": {name: {"cases": it.all_cases.opened, "caught": it.caught} for name, it in figures.items()},
        "cases_known": {name: it.all_cases.known for name, it in figures.items()},
    }


class _ReportedSteps(Steps):
    """Steps whose texts are what the page shows."""

    def __init__(self, store: Store, job_id: str) -> None:
        super().__init__(quiet=True)
        self._store, self._job_id = store, job_id

    def step(self, name: str, text: str) -> Any:
        """Report the step and time it."""
        replay_jobs.report_progress(self._store, self._job_id, utcnow(), step=text)
        return super().step(name, text)

    def log(self, line: str) -> None:
        """Nobody reads the output of this process; its steps are on the page."""


def _stay_alive(store: Store, job_id: str, over: threading.Event) -> None:
    """Report that the process lives; end it where the replay takes too long."""
    ends = utcnow() + LONGEST_REPLAY
    while not over.wait(ALIVE_EVERY):
        with suppress(Exception):  # a database that does not answer for a moment must not end the replay
            replay_jobs.report_progress(store, job_id, utcnow())
        if utcnow() > ends:
            with suppress(Exception):
                text = "The replay took longer than an hour and was stopped: `rescue replay` has no such limit."
                replay_jobs.end_replay(store, job_id, utcnow(), failure=text)
            os._exit(1)
