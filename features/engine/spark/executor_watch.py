"""A cluster without executors: Spark waits for new ones for ever, and a night would neither end nor say anything.

So a thread looks whether the cluster has any while there is work to do, and cancels the work where it has had none for
some minutes. What waited for it then fails with a sentence (``spark_errors``).
"""

from __future__ import annotations

import time
from contextlib import suppress
from threading import Thread
from typing import TYPE_CHECKING

from features.errors import UsageError

if TYPE_CHECKING:
    from pyspark import SparkContext
    from pyspark.sql import SparkSession

PATIENCE = 180.0
"""Seconds without an executor after which work is cancelled; a cluster that scales up takes a minute or two."""

SETTING = "spark.rescue.patience"
"""The setting of the session with other seconds, for a cluster that takes longer."""

INTERVAL = 5.0
"""Seconds between two looks."""


def watch_executors(session: SparkSession, interval: float = INTERVAL) -> None:
    """Cancel the work of a session whenever it has had no executor for so many seconds.

    A session of Spark Connect is watched by its server, and has no context here.

    Raises:
        UsageError: the setting of the session is no number.
    """
    given: str | None = None
    with suppress(Exception):  # some servers show only settings of their own
        given = session.conf.get(SETTING, None)
    try:
        patience = PATIENCE if given is None else float(given)
    except ValueError:
        raise UsageError(f"The Spark setting {SETTING} cannot be {given!r}: it is a number of seconds.") from None
    with suppress(Exception):
        Thread(target=_watch, args=(session.sparkContext, patience, interval), daemon=True, name="executors").start()


def _watch(context: SparkContext, patience: float, interval: float) -> None:
    since: float | None = None
    while _is_running(context):
        with suppress(Exception):
            waits = context.statusTracker().getActiveJobsIds() and not _executors(context)
            since = (since or time.monotonic()) if waits else None
            if since is not None and time.monotonic() - since > patience:
                context.cancelAllJobs()
                since = None
        time.sleep(interval)


def _executors(context: SparkContext) -> int:
    """How many executors there are; the driver is in Spark's list, too."""
    return int(context._jsc.sc().getExecutorMemoryStatus().size()) - 1


def _is_running(context: SparkContext) -> bool:
    """Whether the context is there; a Java process that is gone answers nothing."""
    try:
        return not context._jsc.sc().isStopped()
    except Exception:
        return False
