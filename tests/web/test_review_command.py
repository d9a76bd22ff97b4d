"""``rescue review``: it starts quickly, without what only nights need, and says where it is."""

import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import httpx
from sqlalchemy import select
from support.web.web_fixture import fresh_store
from support.web.web_queue import fill

from serving.cases.health_adjustments import HealthRule
from serving.cases.permissions import Actor, Role
from serving.policy.definition.policy_file import default_text
from serving.store import Store
from serving.store.exchange import HealthAdjustment
from serving.web import create_app
from serving.web.identity.review_settings import ReviewSettings

PATIENCE = 300
"""Seconds that a process may take on a busy machine: long enough to fail only where it hangs."""

HEAVY = ("lightgbm", "mlflow", "prefect", "sklearn", "matplotlib", "duckdb", "pandas")

LOADED = f"""
import sys
import pipelines.cli.app
from serving.store import Store
from serving.web import create_app
from serving.web.identity.review_settings import ReviewSettings
create_app(Store("sqlite:////nowhere/never-opened.db"), ReviewSettings())
print([name for name in {HEAVY} if name in sys.modules])
"""


def test_nothing_of_learning_or_flows_is_in_the_process(root: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", LOADED], cwd=root, capture_output=True, text=True, timeout=PATIENCE, check=True
    )
    assert done.stdout.strip() == "[]", done.stderr


def test_a_demo_signs_in_once_and_stops_on_ctrl_c(root: Path, tmp_path: Path) -> None:
    with Store(f"sqlite:///{tmp_path / 'rescue.db'}") as store:
        store.migrate()
        fill(store, 12)
    command = [sys.executable, "-m", "pipelines", "review", "--home", str(tmp_path), "--port", "0", "--demo"]
    started = subprocess.Popen(
        command, cwd=root, stdout=subprocess.PIPE, text=True, env={**os.environ, "COLUMNS": "200"}
    )
    try:
        assert started.stdout
        first, second = started.stdout.readline(), started.stdout.readline()
        link = re.search(r"http://127\.0\.0\.1:\d+/sign-in/once/\S+", second)
        assert link, (first, second)
        with httpx.Client(follow_redirects=True, trust_env=False, timeout=PATIENCE) as browser:
            page = browser.get(link[0])
        assert page.url.path == "/queue"
        assert "<summary>vera</summary>" in page.text
        assert page.text.count("data-case=") == 12
        assert httpx.get(link[0], trust_env=False, timeout=PATIENCE).status_code == 404
        started.send_signal(signal.SIGINT)
        assert started.wait(PATIENCE) == 0
    finally:
        started.kill()
        started.communicate()


def test_a_port_that_is_taken_is_one_sentence(root: Path, tmp_path: Path) -> None:
    import socket

    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        command = [sys.executable, "-m", "pipelines", "review", "--home", str(tmp_path), "--port", port]
        done = subprocess.run(command, cwd=root, capture_output=True, text=True, timeout=PATIENCE, check=False)
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1
    assert f"127.0.0.1:{port} is not available" in done.stderr


def test_verdicts_are_worth_what_the_policy_says(root: Path, tmp_path: Path) -> None:
    policy = tmp_path / "mine.toml"
    policy.write_text(default_text().replace("saved = 10", "saved = 1000"))
    command = [sys.executable, "-m", "pipelines", "review", "--home", str(tmp_path), "--policy", str(policy)]
    done = subprocess.run(command, cwd=root, capture_output=True, text=True, timeout=PATIENCE, check=False)
    assert done.returncode == 2
    assert re.search(r"mine\.toml, line \d+: health\.saved has to be a number from -100 to 100, not 1000", done.stderr)


def test_the_pages_close_cases_by_that_rule(migrated_sqlite: Path, tmp_path: Path) -> None:
    with fresh_store(migrated_sqlite, tmp_path) as store:
        app = create_app(store, ReviewSettings(), health=HealthRule({"saved": 3.0}))
        who = Actor("ines", Role.REVIEWER, frozenset({"success"}))
        app.state.cases.claim("case000000000", who)
        app.state.cases.resolve("case000000000", who, verdict="saved", comment="They stay.")
        with store.reading() as session:
            assert [entry.points for entry in session.scalars(select(HealthAdjustment))] == [3.0]
