"""A night on a cluster with two executors and a driver that is too small for the data; one is lost, or the cluster is.

Each night runs in a process of its own: a Java process has one cluster, and what is tested here ends some of them.
"""

import json
import os
import re
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing
from datetime import timedelta
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from support.nights.night_home import NightHome

from features.engine.spark.spark_session import java_is_missing

pytestmark = [
    pytest.mark.spark,
    pytest.mark.soak,
    pytest.mark.skipif(java_is_missing(), reason="Spark needs Java 17, and there is none: run `make system`"),
]

EXECUTOR = "CoarseGrainedExecutorBackend"
MASTER, WORKER = "org.apache.spark.deploy.master.Master", "org.apache.spark.deploy.worker.Worker"
QUEUE = "SELECT account_id, risk, round(probability, 9), round(rank_score, 9) FROM scores WHERE as_of = ? ORDER BY 1, 2"
MOST_RESULTS = 1024 * 1024
SMALL = {
    "spark.driver.memory": "512m",  # Spark's least
    "spark.driver.maxResultSize": str(MOST_RESULTS),  # less than the rows of the source
    "spark.sql.autoBroadcastJoinThreshold": "64k",  # a driver collects what it sends to all executors
    "spark.executor.memory": "700m",
    "spark.sql.shuffle.partitions": "4",
}


def start(
    night_home: NightHome, home: Path, engine: str, master: str = "local-cluster[2,1,1024]", **more: str
) -> subprocess.Popen[str]:
    """The second night of a home, by the command that operators use; ``more`` are settings of Spark."""
    day = night_home.first.as_of + timedelta(days=1)
    own = {
        "RESCUE_ENGINE": engine,
        "RESCUE_SPARK_MASTER": master,
        "RESCUE_SPARK_SETTINGS": json.dumps(SMALL | {name.replace("_", "."): value for name, value in more.items()}),
        "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
        "PYSPARK_PYTHON": sys.executable,
    }
    asked = ["nightly", "--plain", "--data", str(night_home.data), "--home", str(home), "--as-of", day.isoformat()]
    return subprocess.Popen(
        [str(Path(sys.executable).with_name("rescue")), *asked],
        env={**os.environ, **own},
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    )


def finish(night: subprocess.Popen[str]) -> str:
    """What the command wrote, which has to succeed."""
    output, _ = night.communicate(timeout=900)
    assert night.returncode == 0, output
    return output


def scores(night_home: NightHome, home: Path) -> list[tuple[object, ...]]:
    day = night_home.first.as_of + timedelta(days=1)
    with closing(sqlite3.connect(home / "rescue.db")) as queue:
        return queue.execute(QUEUE, [day.isoformat()]).fetchall()


def processes(night: subprocess.Popen[str], name: str) -> list[int]:
    """The processes of this night whose command line has a name, oldest first."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                line = (entry / "cmdline").read_bytes().decode(errors="replace")
                group = os.getpgid(int(entry.name))
            except OSError:
                continue
            if name in line and group == night.pid:
                found.append(int(entry.name))
    return sorted(found)


def wait_for(night: subprocess.Popen[str], name: str, count: int) -> list[int]:
    """The processes of that name, as soon as there are so many."""
    deadline = time.monotonic() + 300
    while time.monotonic() < deadline and night.poll() is None:
        if len(found := processes(night, name)) >= count:
            return found
        time.sleep(0.2)
    raise AssertionError(f"no {count} processes {name}")


@pytest.fixture(scope="module")
def expected(night_home: NightHome, tmp_path_factory: pytest.TempPathFactory) -> list[tuple[object, ...]]:
    """The scores of the same night by the embedded engine."""
    home = night_home.copy(tmp_path_factory.mktemp("embedded") / "home")
    finish(start(night_home, home, "duckdb"))
    return scores(night_home, home)


def test_two_executors_give_the_same_night(
    night_home: NightHome, expected: list[tuple[object, ...]], tmp_path: Path
) -> None:
    home = night_home.copy(tmp_path / "home")
    night = start(night_home, home, "spark")
    wait_for(night, EXECUTOR, 2)
    finish(night)
    size = sum(pq.read_table(file).nbytes for file in night_home.data.glob("*.parquet"))
    assert size > 3 * MOST_RESULTS  # so the rows did not pass through the driver
    assert len(expected) > 100
    assert scores(night_home, home) == expected


def test_an_executor_that_is_killed_changes_nothing(
    night_home: NightHome, expected: list[tuple[object, ...]], tmp_path: Path
) -> None:
    home = night_home.copy(tmp_path / "home")
    night = start(night_home, home, "spark")
    first, _ = wait_for(night, EXECUTOR, 2)
    time.sleep(20)  # the rows of some tables are kept by now
    os.kill(first, signal.SIGKILL)
    finish(night)
    assert scores(night_home, home) == expected


def test_a_cluster_that_disappears_leaves_the_queue_and_the_next_night_is_complete(
    night_home: NightHome, expected: list[tuple[object, ...]], tmp_path: Path
) -> None:
    home = night_home.copy(tmp_path / "home")
    night = start(night_home, home, "spark")
    wait_for(night, EXECUTOR, 2)
    time.sleep(20)
    for pid in processes(night, "org.apache.spark.deploy.SparkSubmit"):
        os.kill(pid, signal.SIGKILL)  # driver, master and workers of a local cluster are one Java process
    output, _ = night.communicate(timeout=900)
    assert night.returncode == 1, output
    assert re.search(r"The Spark cluster local-cluster\[2,1,1024\] is gone \(.*\)\. The queue is as it was", output), (
        output
    )
    assert "Traceback" not in output
    assert scores(night_home, home) == []
    finish(start(night_home, home, "spark", "local[2]"))
    assert scores(night_home, home) == expected
    shutil.rmtree(home)


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[str]:
    """A cluster of a master and two workers, processes of their own; its address."""
    import pyspark

    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    spark, address = str(Path(pyspark.__file__).with_name("bin") / "spark-class"), f"spark://127.0.0.1:{port}"
    host = ["--host", "127.0.0.1", "--webui-port", "0"]
    own = ["--cores", "1", "--memory", "1g", "--work-dir", str(tmp_path / "work"), address]
    commands = [[spark, MASTER, *host, "--port", str(port)], *[[spark, WORKER, *host, *own]] * 2]
    with ExitStack() as processes:
        for command in commands:
            log = processes.enter_context((tmp_path / f"{len(log_files(tmp_path))}.log").open("w"))
            started = subprocess.Popen(command, stdout=log, stderr=log, env={**os.environ, "SPARK_NO_DAEMONIZE": "1"})
            processes.callback(end, started)
        yield address


def log_files(folder: Path) -> list[Path]:
    return list(folder.glob("*.log"))


def end(process: subprocess.Popen[bytes]) -> None:
    process.kill()
    process.wait()


def kill_all(address: str, work: Path, *names: str) -> None:
    """Kill the processes of these names that belong to the cluster of this address, its executors, and no others.

    An executor works in a folder of its worker, and may outlive it.
    """
    port = address.rpartition(":")[2]
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                line = (entry / "cmdline").read_bytes().decode(errors="replace")
                folder = (entry / "cwd").resolve()
            except OSError:
                continue
            is_own = EXECUTOR in line and folder.is_relative_to(work)
            if is_own or (any(name in line for name in names) and port in line):
                os.kill(int(entry.name), signal.SIGKILL)


@pytest.mark.parametrize("lost", [(WORKER,), (MASTER, WORKER)], ids=["workers", "cluster"])
def test_a_cluster_of_its_own_that_loses_its_machines_ends_the_night_with_a_sentence(
    night_home: NightHome, tmp_path: Path, cluster: str, lost: tuple[str, ...]
) -> None:
    home = night_home.copy(tmp_path / "home")
    address = {"spark_driver_host": "127.0.0.1", "spark_driver_bindAddress": "127.0.0.1"}
    night = start(night_home, home, "spark", cluster, spark_rescue_patience="20", **address)
    work = tmp_path / "work"
    deadline = time.monotonic() + 300
    while not list(work.glob("app-*/*")) and time.monotonic() < deadline and night.poll() is None:
        time.sleep(0.5)
    assert list(work.glob("app-*/*")), "no executor"
    time.sleep(20)
    kill_all(cluster, work, *lost)
    output, _ = night.communicate(timeout=900)
    assert night.returncode == 1, output
    assert re.search(rf"The Spark cluster {cluster} (is gone|lost its executors while it computed) \(", output), output
    assert "The queue is as it was" in output
    assert "Traceback" not in output
    assert scores(night_home, home) == []
    assert not list((home / "nights").glob("*/.*")), "half-written files of the night"
