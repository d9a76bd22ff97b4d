"""Errors of a cluster as sentences: it is gone, it lost its executors, or a query failed for a reason of its own.

A night writes nothing before its one transaction, so whatever happens to a cluster leaves the queue as it was. What an
operator needs is which cluster, what happened, and that the next run starts from the beginning.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager

from features.errors import DataGateError, RescueError

GONE = (
    "SparkContext was shut down",
    "SparkContext has been shutdown",
    "stopped SparkContext",
    "All masters are unresponsive",
    "Master removed our application",
    "Cannot run multiple SparkContexts",
    "Answer from Java side is empty",
    "Error while sending or receiving",
    "UNAVAILABLE",
    "SESSION_CLOSED",
    "NO_ACTIVE_SESSION",
    "'NoneType' object has no attribute",  # what PySpark says of a context that was stopped
)
"""What the errors of a cluster that cannot be reached any more contain."""

LOST = (
    "ExecutorLostFailure",
    "FetchFailed",
    "Executor heartbeat timed out",
    "MetadataFetchFailed",
    "as part of cancellation of all jobs",
)
CATALOG = (
    "TABLE_OR_VIEW_NOT_FOUND",
    "SCHEMA_NOT_FOUND",
    "CATALOG_NOT_FOUND",
    "REQUIRES_SINGLE_PART_NAMESPACE",
    "NoSuchTable",
    "NoSuchNamespace",
)
FILES = (
    "PATH_NOT_FOUND",
    "FAILED_READ_FILE",
    "CANNOT_READ_FILE",
    "SparkFileNotFoundException",
    "is not a Parquet file",
)
TYPES = (
    "CANNOT_MERGE_SCHEMA",
    "CANNOT_MERGE_INCOMPATIBLE",
    "PARQUET_COLUMN_DATA_TYPE_MISMATCH",
    "Illegal Parquet type",
)


class ClusterError(RescueError):
    """The Spark cluster could not finish its work; the sentence says why."""


@contextmanager
def explain_cluster_errors(master: str, source: str = "") -> Iterator[None]:
    """Turn an error of Spark into a sentence; ``source`` is the file or table that is read, in words.

    Raises:
        DataGateError: a file of the source cannot be read.
        ClusterError: anything else that Spark could not do.
    """
    try:
        yield
    except (RescueError, KeyboardInterrupt):
        raise
    except Exception as error:
        if not _is_of_spark(error):
            raise
        text = str(error) or type(error).__name__
        if any(sign in text for sign in GONE) or _is_unanswered(error):
            raise ClusterError(
                f"The Spark cluster {master} is gone ({_first_line(text)}). The queue is as it was: start the cluster, "
                "and run the night again."
            ) from error
        if any(sign in text for sign in LOST):
            raise ClusterError(
                f"The Spark cluster {master} lost its executors while it computed ({_first_line(text)}). The queue is "
                "as it was: see the cluster's own log, and run the night again."
            ) from error
        if source and any(sign in text for sign in TYPES):
            raise DataGateError(
                f"{source} has columns of different types in its files: {_first_line(text)}."
            ) from error
        if source and any(sign in text for sign in CATALOG):
            raise DataGateError(f"The cluster {master} has no table {source}: see the setting spark_tables.") from error
        if source or any(sign in text for sign in FILES):
            subject = source or "A file of the source"
            raise DataGateError(
                f"{subject} cannot be read by the cluster {master}: {_first_line(text)}. Every executor must reach it."
            ) from error
        raise ClusterError(f"The Spark cluster {master} could not run a query: {_first_line(text)}.") from error


def _is_of_spark(error: Exception) -> bool:
    modules = {kind.__module__.partition(".")[0] for kind in type(error).__mro__}
    without_java = isinstance(error, AttributeError) and "'NoneType' object has no attribute" in str(error)
    return bool(modules & {"pyspark", "py4j", "grpc"}) or without_java or isinstance(error, ConnectionError | EOFError)


def _is_unanswered(error: Exception) -> bool:
    """Whether no cluster answered; one that did may itself have found a store or a catalog that refuses connections."""
    refused = "Connection refused" in str(error) and type(error).__name__ != "Py4JJavaError"
    answered = getattr(error, "_origin", None) is not None  # Java's own error, of which PySpark made one
    return isinstance(error, ConnectionError | EOFError) or (refused and not answered)


def _first_line(text: str) -> str:
    caused = re.findall(r"Caused by: [\w.$]*(?:Exception|Error): (.+)", text)
    first = caused[-1] if caused else next((line for line in text.splitlines() if line.strip()), "")
    plain = re.sub(r"^.*?An error occurred while calling \S+:?\s*", "", first)
    return plain.strip().rstrip(".:")[:300] or "no reason given"
