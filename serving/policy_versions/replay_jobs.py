"""Replays of drafts: requested by a lead, computed by one process at a time, readable while they run and afterwards.

A replay of 60 nights takes from seconds to many minutes, which no page can wait for. So a request is a row, a process
computes it, and the page shows how far it is. The row survives a restart: whoever starts next continues a job whose
process is gone. One job runs at a time, because each needs as much of the machine as a night.
"""

import uuid
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Select, select, update
from sqlalchemy.orm import Session

from features.errors import RescueError, UsageError
from serving.operations.holder import current_holder, is_gone
from serving.policy_versions.policy_state import PolicyInForce
from serving.store.database import Store
from serving.store.policy_tables import ReplayJob

REPLAY_NIGHTS = 60
CURRENT, DRAFT = "current", "draft"
"""The names of the two policies of a replay in its result."""
SILENT_AFTER = timedelta(minutes=3)
"""Without a sign of life for so long, the process of a job is taken for dead where that cannot be known for certain."""
MOST_ATTEMPTS = 3
KEPT_JOBS = 50
"""Finished jobs that are kept; older ones are removed with the next request."""
INTERRUPTED = "The process that computed it was stopped {count} times: start it again, or ask whoever runs Rescue."


class ReplayBusyError(RescueError):
    """Another replay is running or waits; ``job`` is its id."""

    def __init__(self, job: ReplayJob) -> None:
        super().__init__(
            f"{job.requested_by} started a replay at {job.requested_at:%H:%M} UTC, and one runs at a time: "
            "wait until it is done."
        )
        self.job = job.id


class ReplayNotFoundError(UsageError):
    """There is no such replay."""

    def __init__(self, job_id: str) -> None:
        super().__init__(f"There is no replay {job_id!r}: start one from the policy page.")


def request_replay(
    store: Store, state: PolicyInForce, draft: str, draft_version: str, person: str, now: datetime
) -> str:
    """Ask for a comparison of a checked draft with the policy in force; the id of the job.

    The same draft against the same policy on the same day is the same job.

    Raises:
        ReplayBusyError: another one is not over yet.
        UsageError: the draft has the rules of the policy in force.
    """
    if draft_version == state.policy.version:
        raise UsageError(f"There is nothing to compare: these are the rules of {state.short_name}, which is in force.")
    with store.transaction() as session:
        for job in session.scalars(_unfinished().with_for_update()):
            if job.draft_version == draft_version and job.current_version == state.policy.version:
                return job.id
            raise ReplayBusyError(job)
        job = ReplayJob(
            id=uuid.uuid4().hex,
            requested_at=now,
            requested_by=person,
            draft=draft,
            draft_version=draft_version,
            current=state.text,
            current_version=state.policy.version,
            nights=REPLAY_NIGHTS,
            status="waiting",
            nights_done=0,
            step="Waiting to start",
            attempts=0,
        )
        session.add(job)
        for old in session.scalars(_finished().offset(KEPT_JOBS)):
            session.delete(old)
        return job.id


def begin_replay(store: Store, job_id: str, now: datetime) -> ReplayJob | None:
    """Take a job on, as this process; None where it is over or another process computes it."""
    with store.transaction() as session:
        job = session.get(ReplayJob, job_id, with_for_update=True)
        if job is None or job.status in {"done", "failed"} or (job.status == "running" and not _abandoned(job, now)):
            return None
        job.status, job.holder, job.started_at, job.seen_at = "running", current_holder(), now, now
        job.attempts, job.nights_done, job.step = job.attempts + 1, 0, "Reading the source"
        return job


def report_progress(store: Store, job_id: str, now: datetime, *, step: str = "", nights: int | None = None) -> None:
    """Store how far a job is; also the sign of life of its process."""
    values: dict[str, Any] = {"seen_at": now}
    if step:
        values["step"] = step
    if nights is not None:
        values["nights_done"] = nights
    with store.transaction() as session:
        session.execute(update(ReplayJob).where(ReplayJob.id == job_id, ReplayJob.status == "running").values(**values))


def end_replay(
    store: Store, job_id: str, now: datetime, *, result: Mapping[str, Any] | None = None, failure: str = ""
) -> None:
    """Store the result of a job, or why there is none."""
    with store.transaction() as session:
        job = session.get_one(ReplayJob, job_id, with_for_update=True)
        job.status, job.ended_at, job.seen_at = ("failed" if failure else "done"), now, now
        job.result, job.failure = (dict(result) if result is not None else None), failure or None
        job.step = ""


def replay_job(session: Session, job_id: str) -> ReplayJob:
    """One job.

    Raises:
        ReplayNotFoundError: there is none.
    """
    job = session.get(ReplayJob, job_id)
    if job is None:
        raise ReplayNotFoundError(job_id)
    return job


def recent_replays(session: Session, limit: int = 10) -> list[ReplayJob]:
    """The newest jobs, the newest first."""
    return list(session.scalars(select(ReplayJob).order_by(ReplayJob.requested_at.desc()).limit(limit)))


def waiting_replay(store: Store, now: datetime) -> str | None:
    """A job that no process computes, to be started or continued; one that stopped too often is given up."""
    with store.transaction() as session:
        for job in session.scalars(_unfinished().with_for_update()):
            if job.status == "running" and not _abandoned(job, now):
                continue
            if job.attempts >= MOST_ATTEMPTS:
                job.status, job.ended_at = "failed", now
                job.failure, job.step = INTERRUPTED.format(count=job.attempts), ""
                continue
            return job.id
    return None


def _abandoned(job: ReplayJob, now: datetime) -> bool:
    return is_gone(job.holder) or job.seen_at is None or job.seen_at + SILENT_AFTER < now


def _unfinished() -> Select[tuple[ReplayJob]]:
    return select(ReplayJob).where(ReplayJob.status.in_(("waiting", "running"))).order_by(ReplayJob.requested_at)


def _finished() -> Select[tuple[ReplayJob]]:
    return select(ReplayJob).where(ReplayJob.status.in_(("done", "failed"))).order_by(ReplayJob.requested_at.desc())
