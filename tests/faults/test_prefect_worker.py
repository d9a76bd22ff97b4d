"""The deployment of prefect.yaml, picked up by a real server and a real worker."""

import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import httpx
import pytest
from night_home import NightHome

pytestmark = pytest.mark.prefect
PREFECT = [str(Path(sys.executable).parent / "prefect"), "--no-prompt"]


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
    quiet = {"PREFECT_SERVER_ANALYTICS_ENABLED": "false", "DO_NOT_TRACK": "1", "PREFECT_HOME": str(home)}
    started = {**os.environ, **quiet, "PREFECT_WORKER_QUERY_SECONDS": "1"}
    running = [_start([*PREFECT, "server", "start", "--host", "127.0.0.1", "--port", str(port), "--no-ui"], started)]
    environment = {**started, "PREFECT_API_URL": url}
    try:
        _wait(lambda: httpx.get(f"{url}/health", timeout=2).is_success, 120)
        _prefect(environment, "work-pool", "create", "rescue", "--type", "process")
        running.append(_start([*PREFECT, "worker", "start", "--pool", "rescue", "--type", "process"], environment))
        yield environment
    finally:
        for process in reversed(running):
            process.terminate()
        for process in running:
            process.wait(30)


def _start(command: list[str], environment: dict[str, str]) -> "subprocess.Popen[bytes]":
    return subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def _prefect(environment: dict[str, str], *arguments: str) -> str:
    done = subprocess.run(
        [*PREFECT, *arguments], env=environment, capture_output=True, text=True, timeout=180, check=False
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


def test_the_nightly_deployment_runs_on_a_worker(
    server: dict[str, str], night_home: NightHome, tmp_path: Path, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(root)
    _prefect(server, "deploy", "--all")
    deployment = httpx.get(f"{server['PREFECT_API_URL']}/deployments/name/nightly/nightly").json()
    assert [(s["schedule"]["cron"], s["schedule"]["timezone"]) for s in deployment["schedules"]] == [
        ("30 2 * * *", "Europe/Berlin")
    ]
    home = night_home.copy(tmp_path / "home")
    tomorrow = (night_home.first.as_of + timedelta(days=1)).isoformat()
    given = {"data": str(night_home.data), "home": str(home), "as_of": tomorrow}
    asked = httpx.post(
        f"{server['PREFECT_API_URL']}/deployments/{deployment['id']}/create_flow_run",
        json={"parameters": given, "state": {"type": "SCHEDULED"}},
        timeout=60,
    )
    assert asked.status_code == 201, asked.text
    run = asked.json()
    found = {}

    def finished() -> bool:
        found.update(httpx.get(f"{server['PREFECT_API_URL']}/flow_runs/{run['id']}").json())
        return found["state_type"] in {"COMPLETED", "FAILED", "CRASHED", "CANCELLED"}

    _wait(finished, 240)
    assert found["state_type"] == "COMPLETED", found["state"]
    report = json.loads((home / "nights" / tomorrow / "report.json").read_text())
    assert report["as_of"] == tomorrow
    tasks = httpx.post(
        f"{server['PREFECT_API_URL']}/task_runs/filter", json={"flow_runs": {"id": {"any_": [run["id"]]}}}
    ).json()
    assert {task["name"].rsplit("-", 1)[0] for task in tasks} >= {"admit", "features", "score", "decide", "record"}
