"""Starting Spark, or reaching a cluster: by its master, as Spark Connect, or as a Databricks workspace.

A cluster is named by its master (``local[2]``, ``spark://host:7077``), a Spark Connect server by its URL
(``sc://host``), and ``databricks`` is the workspace of the Databricks Connect profile.
"""

from __future__ import annotations

import logging
import os
import shutil
import sys
import tempfile
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from features.engine.spark.spark_errors import explain_cluster_errors
from features.errors import UsageError, extra_command

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

SESSION_SETTINGS = {
    "spark.sql.session.timeZone": "UTC",
    "spark.ui.enabled": "false",
    "spark.ui.showConsoleProgress": "false",
    "spark.sql.execution.arrow.maxRecordsPerBatch": "4096",
}

DRIVER_SETTINGS = {
    "spark.driver.memory": "2g",
    "spark.log.level": "ERROR",
    "spark.sql.catalogImplementation": "in-memory",
    "spark.sql.warehouse.dir": str(Path(tempfile.gettempdir()) / "rescue-spark"),
}
"""For a driver in this process: it writes nothing to the current folder."""

HOST_SETTINGS = {"spark.driver.bindAddress": "127.0.0.1", "spark.driver.host": "127.0.0.1"}
"""Where everything runs on this machine, nothing listens to the network."""

LOCAL_SETTINGS = {
    "spark.sql.shuffle.partitions": "1",
    "spark.sql.adaptive.enabled": "false",
    "spark.sql.codegen.wholeStage": "false",
    "spark.sql.codegen.factoryMode": "NO_CODEGEN",
    "spark.driver.extraJavaOptions": "-XX:TieredStopAtLevel=1",
}
"""Without a cluster there is little data: planning, shuffling and compiling a query would cost more than its rows."""


@contextmanager
def without_pandas_warning() -> Iterator[None]:
    """Without PySpark's warning about the installed pandas, which is not used here."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "PySpark does not yet fully support pandas", FutureWarning)
        yield


def java_is_missing() -> bool:
    """Whether Spark would find no Java on this machine."""
    home = os.environ.get("JAVA_HOME")
    return shutil.which(str(Path(home, "bin", "java")) if home else "java") is None


def start_session(master: str, own: Mapping[str, str]) -> SparkSession:
    """The session on the cluster of that name, with Spark's settings of the user's ``own``.

    Raises:
        UsageError: the extra ``spark`` is not installed, Java is missing where the driver runs here, or there is no
            such cluster.
    """
    try:
        from pyspark.sql import SparkSession
    except ImportError:
        raise UsageError(f"The engine spark needs an extra that is not installed: {extra_command('spark')}.") from None
    if master == "databricks":
        return _databricks()
    if master.startswith("sc://"):
        if find_spec("grpc") is None:  # without it PySpark may end the process
            raise UsageError(f"Spark at {master} cannot be reached without its client: pip install 'pyspark[connect]'.")
        return _start(SparkSession.builder.remote(master), master, {**SESSION_SETTINGS, **own})
    if java_is_missing():
        raise UsageError("The engine spark needs Java 17 on this machine: install it (make system), or name a server.")
    settings = SESSION_SETTINGS | DRIVER_SETTINGS
    if is_on_this_machine(master):
        settings |= HOST_SETTINGS
        os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
    if not is_cluster(master):
        settings |= LOCAL_SETTINGS
    return _start(SparkSession.builder.appName("rescue").master(master), master, settings | dict(own))


def is_alive(session: SparkSession) -> bool:
    """Whether a session can still be used; one of Spark Connect or Databricks reconnects by itself."""
    if type(session).__module__ != "pyspark.sql.session":
        return True
    try:
        return not session.sparkContext._jsc.sc().isStopped()
    except Exception:
        return False


def forget_session(session: SparkSession) -> None:
    """Forget a session whose Java process or cluster is gone, so that the next one starts anew."""
    from pyspark import SparkContext
    from pyspark.sql import SparkSession as Sessions

    with suppress(Exception):
        session.stop()
    with suppress(Exception):
        SparkContext._gateway.shutdown()
    SparkContext._gateway = SparkContext._jvm = SparkContext._active_spark_context = None
    Sessions._instantiatedSession = None


def is_on_this_machine(master: str) -> bool:
    """Whether driver and executors run on this machine."""
    return master.startswith("local")


def is_cluster(master: str) -> bool:
    """Whether the executors are processes of their own, which may be lost."""
    return not master.startswith("local") or master.startswith("local-cluster")


LOGGERS = ("py4j", "SQLQueryContextLogger")
"""What these say of an error is said by the sentence that the command ends with."""


def _start(builder: Any, master: str, settings: Mapping[str, str]) -> SparkSession:
    from pyspark.errors import PySparkException

    for name in LOGGERS:
        logging.getLogger(name).setLevel(logging.CRITICAL)
    for name, value in settings.items():
        builder = builder.config(name, value)
    with explain_cluster_errors(master), without_pandas_warning():
        try:
            return builder.getOrCreate()
        except PySparkException as error:
            reason = str(error).strip().splitlines()[0].rstrip(".")
            raise UsageError(f"Spark at {master} cannot be reached or did not start: {reason}.") from None


def _databricks() -> SparkSession:
    try:
        from databricks.connect import DatabricksSession  # type: ignore[import-untyped]  # it publishes none
    except ImportError:
        raise UsageError("The engine databricks needs Databricks Connect: pip install databricks-connect.") from None
    session = DatabricksSession.builder.getOrCreate()
    session.conf.set("spark.sql.session.timeZone", "UTC")
    return session
