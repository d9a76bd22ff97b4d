"""Work of a cluster without executors is cancelled after some seconds, and not before."""

import time
from types import SimpleNamespace
from typing import Any

import pytest

from features.engine.spark.executor_watch import SETTING, watch_executors
from features.errors import UsageError


class Context:
    """What the watch asks of Spark's context."""

    def __init__(self, executors: int) -> None:
        self.cancelled = 0
        self.stopped = False
        memory = SimpleNamespace(size=lambda: executors + 1)  # the driver is in Spark's list, too
        java = SimpleNamespace(getExecutorMemoryStatus=lambda: memory, isStopped=lambda: self.stopped)
        self._jsc = SimpleNamespace(sc=lambda: java)

    def statusTracker(self) -> Any:  # noqa: N802 Spark's name
        return SimpleNamespace(getActiveJobsIds=lambda: [1])

    def cancelAllJobs(self) -> None:  # noqa: N802 Spark's name
        self.cancelled += 1


def session(context: Context, **settings: str) -> Any:
    return SimpleNamespace(conf=SimpleNamespace(get=settings.get), sparkContext=context)


@pytest.mark.parametrize(("executors", "patience", "cancels"), [(0, "0.02", True), (1, "0.02", False), (0, "9", False)])
def test_only_a_cluster_without_executors_is_cancelled(executors: int, patience: str, cancels: bool) -> None:
    context = Context(executors)
    watch_executors(session(context, **{SETTING: patience}), interval=0.01)
    deadline = time.monotonic() + (5 if cancels else 0.2)
    while not context.cancelled and time.monotonic() < deadline:
        time.sleep(0.01)
    context.stopped = True
    assert bool(context.cancelled) == cancels


def test_a_patience_that_is_no_number_is_refused() -> None:
    with pytest.raises(UsageError, match=r"^The Spark setting spark.rescue.patience cannot be 'long': it is a number"):
        watch_executors(session(Context(0), **{SETTING: "long"}))
