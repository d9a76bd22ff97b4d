"""The deployment of prefect.yaml, picked up by a real server and a real worker; and the command line beside them."""

import json
import os
import socket
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator, Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
import stamina
from support.nights.night_home import NightHome

from serving.store import Store
from serving.store.queries.monitor_queries import newest_monitor_report

pytestmark = pytest.mark.prefect
PREFECT = [str(Path(sys.executable).parent / "prefect"), "--no-prompt"]
# Services of the server that these tests do not need. Each writes to the server's SQLite file, whose lock they can hold
# for minutes on a busy machine: every request is then answered 503. The recorder of task runs stays.
UNUSED_SERVICES = (
    "CANCELLATION_CLEANUP",
    "CLEANUP_RECONCILER",
    "DB_VACUUM",
    "EVENT_PERSISTER",
    "FOREMAN",
    "LATE_RUNS",
    "PAUSE_EXPIRATIONS",
    "REPOSSESSOR",
    "SCHEDULER",
    "TRIGGERS",
)


def _free_port() -> int:
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        port: int = listening.getsockname()[1]
        return port


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """The environment of a Prefect server that is running, with a worker on the pool that prefect.yaml names."""
    home, port = tmp_path_factory.mktemp("prefect"), _free_port()
    url = f"http://127.0.0.1:{port}/api"
    quiet = {
        "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
        "DO_NOT_TRACK": "1",
        "PREFECT_HOME": str(home),
        **{f"PREFECT_SERVER_SERVICES_{service}_ENABLED": "false" for service in UNUSED_SERVICES},
    }
    started = {**os.environ, **quiet, "PREFECT_WORKER_QUERY_SECONDS": "1"}
    running = [_start([*PREFECT, "server", "start", "--host", "127.0.0.1", "--port", str(port), "--no-ui"], started)]
    environment = {**started, "PREFECT_API_URL": url}
    try:
        _wait(lambda: httpx.get(f"{url}/health", timeout=2).is_success, 600)
        _prefect(environment, "work-pool", "create", "rescue", "--type", "process")
        running.append(_start([*PREFECT, "worker", "start", "--pool", "rescue", "--type", "process"], environment))
        yield environment
    finally:
        for process in reversed(running):
            process.terminate()
        for process in running:
            _end(process)


def _start(command: list[str], environment: dict[str, str]) -> "subprocess.Popen[bytes]":
    return subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def _end(process: "subprocess.Popen[bytes]") -> None:
    """Wait for a process that was told to end; where interrupts are ignored, Prefect's worker never does."""
    try:
        process.wait(5)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _prefect(environment: dict[str, str], *arguments: str, folder: Path | None = None) -> str:
    command = [*PREFECT, *arguments]
    done = subprocess.run(
        command, env=environment, cwd=folder, capture_output=True, text=True, timeout=600, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def _wait(ready: object, seconds: float) -> None:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        try:
            if callable(ready) and ready():
                return
        except httpx.HTTPError:
            pass
        time.sleep(0.5)
    raise AssertionError(f"not ready after {seconds} seconds")


@pytest.fixture(scope="module")
def deployments(server: dict[str, str], root: Path) -> dict[str, dict[str, Any]]:
    """What ``prefect deploy --all`` made of prefect.yaml, by name."""
    _prefect(server, "deploy", "--all", folder=root)
    found = _request(server, "POST", "/deployments/filter", {})
    return {deployment["name"]: deployment for deployment in found}


@stamina.retry(on=httpx.HTTPError, attempts=None, timeout=300, wait_max=5)
def _request(server: Mapping[str, str], method: str, path: str, body: dict[str, Any] | None = None) -> Any:
    """The answer of the server. A busy server answers 503 after a minute; like Prefect's client, we ask again."""
    answer = httpx.request(method, f"{server['PREFECT_API_URL']}{path}", json=body, timeout=90)
    return answer.raise_for_status().json()


def _run(server: dict[str, str], deployment: dict[str, Any], **given: str) -> dict[str, Any]:
    """The worker's run of a deployment, when it is over."""
    wanted = {"parameters": given, "state": {"type": "SCHEDULED"}, "idempotency_key": str(uuid.uuid4())}
    created = _request(server, "POST", f"/deployments/{deployment['id']}/create_flow_run", wanted)
    found: dict[str, Any] = {}

    def finished() -> bool:
        found.update(_request(server, "GET", f"/flow_runs/{created['id']}"))
        return found["state_type"] in {"COMPLETED", "FAILED", "CRASHED", "CANCELLED"}

    _wait(finished, 600)
    assert found["state_type"] == "COMPLETED", found["state"]
    return found


def test_the_nightly_deployment_runs_on_a_worker(
    server: dict[str, str], deployments: dict[str, dict[str, Any]], night_home: NightHome, tmp_path: Path
) -> None:
    schedules = deployments["nightly"]["schedules"]
    assert [(one["schedule"]["cron"], one["schedule"]["timezone"]) for one in schedules] == [
        ("30 2 * * *", "Europe/Berlin")
    ]
    home = night_home.copy(tmp_path / "home")
    tomorrow = (night_home.first.as_of + timedelta(days=1)).isoformat()
    run = _run(server, deployments["nightly"], data=str(night_home.data), home=str(home), as_of=tomorrow)
    report = json.loads((home / "nights" / tomorrow / "report.json").read_text())
    assert report["as_of"] == tomorrow
    tasks = _request(server, "POST", "/task_runs/filter", {"flow_runs": {"id": {"any_": [run["id"]]}}})
    assert {task["name"].rsplit("-", 1)[0] for task in tasks} >= {"validate", "features", "score", "decide", "record"}


def test_feedback_and_monitoring_run_on_a_worker(
    server: dict[str, str], deployments: dict[str, dict[str, Any]], night_home: NightHome, tmp_path: Path
) -> None:
    assert set(deployments) == {"nightly", "sync", "train", "collect-feedback", "monitor", "timers"}
    home = night_home.copy(tmp_path / "home")
    given = {"data": str(night_home.data), "home": str(home)}
    _run(server, deployments["collect-feedback"], **given)
    assert {file.name for file in (home / "feedback").iterdir()} == {"outcomes.parquet", "health_scores.parquet"}
    _run(server, deployments["monitor"], **given)
    with Store(f"sqlite:///{home / 'rescue.db'}") as store, store.reading() as session:
        report = newest_monitor_report(session)
    assert report is not None
    assert report.night == night_home.first.as_of


def _nightly(environment: Mapping[str, str], data: Path, home: Path, *more: str) -> "subprocess.CompletedProcess[str]":
    command = [str(Path(sys.executable).parent / "rescue"), "nightly", "--data", str(data), "--home", str(home), *more]
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=600, check=False)


def _nights_by_hand(server: Mapping[str, str]) -> list[str]:
    """The states of the flow runs that no deployment started."""
    asked = {"flows": {"name": {"any_": ["nightly"]}}, "flow_runs": {"deployment_id": {"is_null_": True}}}
    return [run["state_type"] for run in _request(server, "POST", "/flow_runs/filter", asked)]


def test_the_command_line_tells_the_server_of_its_night(
    server: dict[str, str], night_home: NightHome, tmp_path: Path
) -> None:
    home, tomorrow = night_home.copy(tmp_path / "home"), str(night_home.first.as_of + timedelta(days=1))
    done = _nightly(server, night_home.data, home, "--as-of", tomorrow)
    assert (done.returncode, _nights_by_hand(server)) == (0, ["COMPLETED"]), done.stderr
    again = _nightly(server, night_home.data, home, "--as-of", tomorrow, "--plain")
    assert (again.returncode, _nights_by_hand(server)) == (0, ["COMPLETED"]), again.stderr


def test_a_server_that_does_not_answer_is_told_in_a_sentence(night_home: NightHome, tmp_path: Path) -> None:
    nowhere = {**os.environ, "PREFECT_API_URL": f"http://127.0.0.1:{_free_port()}/api", "PREFECT_HOME": str(tmp_path)}
    home, tomorrow = night_home.copy(tmp_path / "home"), str(night_home.first.as_of + timedelta(days=1))
    done = _nightly(nowhere, night_home.data, home, "--as-of", tomorrow)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("rescue: Prefect did not start (") and "use --plain" in done.stderr
    assert done.stderr.count("\n") == 1 and not (home / "nights" / tomorrow).exists()


def test_without_a_server_a_night_does_not_wait_for_prefect(night_home: NightHome, tmp_path: Path) -> None:
    home, tomorrow = night_home.copy(tmp_path / "home"), str(night_home.first.as_of + timedelta(days=1))
    given = ["nightly", "--data", str(night_home.data), "--home", str(home), "--as-of", tomorrow]
    code = (
        f"import sys; from pipelines.cli.app import app; app({given!r}, standalone_mode=False); "
        "sys.exit('prefect' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=600, check=False)
    assert done.returncode == 0, done.stderr
    assert (home / "nights" / tomorrow / "report.json").exists()
