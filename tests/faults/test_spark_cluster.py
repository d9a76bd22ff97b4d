"""A night on a cluster with two executors and a driver that is too small for the data; one is lost, or the cluster is.

Each night runs in a process of its own: a Java process has one cluster, and what is tested here ends some of them.
"""

import json
import os
import re
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest
from support.nights.night_home import NightHome

from features.engine.spark.spark_session import java_is_missing

pytestmark = [
    pytest.mark.spark,
    pytest.mark.soak,
    pytest.mark.skipif(java_is_missing(), reason="Spark needs Java 17, and there is none: run `make system`"),
]

EXECUTOR = "CoarseGrainedExecutorBackend"
QUEUE = "SELECT account_id, risk, round(probability, 9), round(rank_score, 9) FROM scores WHERE as_of = ? ORDER BY 1, 2"
SMALL = {
    "spark.driver.memory": "512m",
    "spark.driver.maxResultSize": "64m",
    "spark.executor.memory": "700m",
    "spark.sql.shuffle.partitions": "4",
}


def start(
    night_home: NightHome, home: Path, engine: str, master: str = "local-cluster[2,1,1024]"
) -> subprocess.Popen[str]:
    """The second night of a home, by the command that operators use."""
    day = night_home.first.as_of + timedelta(days=1)
    own = {
        "RESCUE_ENGINE": engine,
        "RESCUE_SPARK_MASTER": master,
        "RESCUE_SPARK_SETTINGS": json.dumps(SMALL),
        "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
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
    output, _ = night.communicate(timeout=300)
    assert night.returncode == 1, output
    assert re.search(r"The Spark cluster local-cluster\[2,1,1024\] is gone \(.*\)\. The queue is as it was", output), (
        output
    )
    assert "Traceback" not in output
    assert scores(night_home, home) == []
    finish(start(night_home, home, "spark", "local[2]"))
    assert scores(night_home, home) == expected
    shutil.rmtree(home)
