"""Errors of a cluster in sentences: what did not answer is gone, and what answered names its own reason."""

import pytest

from features.engine.spark.spark_errors import ClusterError, explain_cluster_errors
from features.errors import DataGateError

REFUSED = "o1.load.\n: java.net.ConnectException: Call to s3.lake:443 failed\nCaused by: java.io.IOException: {}"


class Py4JJavaError(Exception):
    """An error of Java, as its bridge gives it."""

    __module__ = "py4j.protocol"


class Py4JNetworkError(Exception):
    """The bridge's error without Java at its other end."""

    __module__ = "py4j.protocol"


@pytest.mark.parametrize(
    ("error", "source", "kind", "sentence"),
    [
        (ConnectionRefusedError("[Errno 111] Connection refused"), "", ClusterError, "The Spark cluster m is gone ("),
        (Py4JNetworkError("Connection refused"), "crm.tickets", ClusterError, "The Spark cluster m is gone ("),
        (Py4JJavaError("SparkContext was shut down"), "", ClusterError, "The Spark cluster m is gone ("),
        (
            Py4JJavaError(REFUSED.format("Connection refused")),
            "s3a://lake/usage",
            DataGateError,
            "s3a://lake/usage cannot be read by the cluster m: Connection refused.",
        ),
        (
            Py4JJavaError(REFUSED.format("Connection refused")),
            "",
            ClusterError,
            "The Spark cluster m could not run a query: Connection refused.",
        ),
        (
            Py4JJavaError(REFUSED.format("FetchFailed: Connection refused")),
            "",
            ClusterError,
            "The Spark cluster m lost its executors while it computed (",
        ),
    ],
)
def test_a_refused_connection_is_that_of_the_cluster_only_where_nothing_answers(
    error: Exception, source: str, kind: type[Exception], sentence: str
) -> None:
    with pytest.raises(kind) as raised, explain_cluster_errors("m", source):
        raise error
    assert str(raised.value).startswith(sentence)


def test_other_errors_stay_as_they_are() -> None:
    with pytest.raises(KeyError), explain_cluster_errors("m"):
        raise KeyError("a")
