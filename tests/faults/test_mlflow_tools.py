"""MLflow's own tools on what Rescue registers: a real scoring server, and the training as an MLflow project."""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import numpy as np
import pytest
from support.worlds.mlflow_fixture import migrated_store
from support.worlds.trained_factory import made_frame, made_trained

from models.registry.registry import Registry

__all__ = ["migrated_store"]  # fixture

pytestmark = pytest.mark.soak
MLFLOW = Path(sys.executable).with_name("mlflow")


BAD_REQUESTS = {
    '{"dataframe_records": [{"usage_low": 1}]}': "The request lacks the columns tickets_many, noise of the model.",
    '{"dataframe_records": [{"usage_low": "many", "tickets_many": 1, "noise": 1}]}': "could not convert string",
    '{"dataframe_records": [{"usage_low": Infinity, "tickets_many": 1, "noise": 1}]}': "Columns hold infinite values",
    '{"dataframe_records": [{"usage_low": NaN, "tickets_many": 1, "noise": 1}]}': "usage_low is missing in row 1",
    '{"dataframe_records": [': "valid JSON",
    "": "valid JSON",
}


def activated(tracking_uri: str) -> dict[str, str]:
    """The environment of a shell in which the project's own is active."""
    path = f"{MLFLOW.parent}{os.pathsep}{os.environ['PATH']}"
    return os.environ | {"MLFLOW_TRACKING_URI": tracking_uri, "PATH": path}


@pytest.fixture
def home(migrated_store: Path, tmp_path: Path) -> Path:
    shutil.copy(migrated_store, tmp_path / "mlflow.db")
    return tmp_path


@pytest.fixture
def server(home: Path) -> Iterator[str]:
    """A scoring server of the registered champion, started by MLflow itself."""
    registry = Registry(f"sqlite:///{home / 'mlflow.db'}", home / "champions")
    registry.promote("churn", registry.log(made_trained(accounts=100), source={"name": "made up"}), by="a test")
    serve = ("models", "serve", "-m", "models:/rescue-churn@champion", "--env-manager", "local")
    with started(*serve, environment=activated(registry.tracking_uri)) as address:
        yield address


@contextmanager
def started(*command: str, environment: dict[str, str]) -> Iterator[str]:
    """One of MLflow's servers on a free port, for the length of the block."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    process = subprocess.Popen([MLFLOW, *command, "-p", str(port)], env=environment, start_new_session=True)
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        os.killpg(process.pid, signal.SIGTERM)
        try:
            process.wait(60)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def wait_for(address: str, path: str = "/ping", seconds: float = 240) -> None:
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        try:
            if httpx.get(f"{address}{path}").status_code == 200:
                return
        except httpx.TransportError:
            time.sleep(1)
    pytest.fail(f"the server did not answer within {seconds:.0f} s")


def test_mlflow_serves_the_champion_with_the_nights_own_numbers(server: str) -> None:
    wait_for(server)
    frame = made_frame(accounts=10, cutoffs=1)
    model = made_trained(accounts=100).model
    rows = frame.select(list(model.features)).to_pandas()
    body = json.dumps({"dataframe_split": json.loads(rows.to_json(orient="split", index=False, double_precision=15))})
    answer = httpx.post(
        f"{server}/invocations", content=body, headers={"Content-Type": "application/json"}, timeout=300
    )
    assert answer.status_code == 200, answer.text
    served = [row["probability"] for row in answer.json()["predictions"]]
    assert np.allclose(served, model.predict(frame).probability, atol=1e-9)
    for content, sentence in BAD_REQUESTS.items():
        refused = httpx.post(
            f"{server}/invocations", content=content, headers={"Content-Type": "application/json"}, timeout=300
        )
        assert refused.status_code == 400, refused.text
        assert sentence in refused.json()["message"]
        assert "Traceback" not in refused.text


def test_training_runs_as_an_mlflow_project(root: Path, tmp_path: Path) -> None:
    home = tmp_path / "home"
    command = [MLFLOW, "run", ".", "-e", "train", "--env-manager", "local", "-P", f"home={home}", "-P", "risk=churn"]
    environment = activated(f"sqlite:///{tmp_path / 'project.db'}")
    done = subprocess.run(command, cwd=root, env=environment, capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, done.stderr[-2000:]
    assert Registry(f"sqlite:///{home / 'mlflow.db'}", home / "champions").champion("churn") is not None


def test_a_training_into_an_mlflow_server_says_nothing_of_mlflows_own(
    home: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    kept = ("--backend-store-uri", f"sqlite:///{home / 'mlflow.db'}", "--artifacts-destination", str(tmp_path / "kept"))
    with started("server", *kept, environment=activated("")) as address:
        wait_for(address, "/health")
        capsys.readouterr()
        registry = Registry(address, tmp_path / "champions")
        version = registry.log(made_trained(accounts=100), source={"name": "made up"})
        printed = capsys.readouterr().out
        assert registry.load("churn", version).features == made_trained(accounts=100).model.features
    assert printed == ""
