"""A crash in a round of incidents loses and duplicates nothing; of two processes one acts; SIGTERM ends the watch."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from support.nights.incident_crashes import (
    act_once,
    act_with,
    finish,
    prepare,
)
from support.nights.incident_factory import CHECKOUT, at, incidents, messages
from support.nights.night_crashes import PROCESSES, dump, run_to_point
from support.nights.policy_factory import POLICY

from serving.incidents.timer_lease import HeldBy, TimerLease, release_lease, take_lease
from serving.store import Store

NewUrl = Callable[[], str]


def rows(store: Store) -> dict[str, list[tuple[object, ...]]]:
    """Every row; gaps in the numbers of the timeline do not count."""
    found = dump(store)
    found["incident_events"] = [row[1:] for row in found["incident_events"]]
    return found


@pytest.mark.parametrize("every", [12, pytest.param(1, marks=pytest.mark.soak)])
def test_a_round_killed_at_any_statement_or_commit_is_a_clean_round_after_the_next(new_url: NewUrl, every: int) -> None:
    def prepared() -> str:
        url = new_url()
        with Store(url) as store:
            prepare(store)
        return url

    with Store(prepared()) as store:
        finish(store)
        expected = rows(store)
        assert [one.state for one in incidents(store)] == ["over", "open"]
        assert len(messages(store)) == 3
    total = run_to_point(prepared(), finish)
    assert total > 30
    for last in sorted({*range(0, total, every), *range(total - 3, total)}):
        url = prepared()
        process = PROCESSES.Process(target=run_to_point, args=(url, finish, last))
        process.start()
        process.join(30)
        assert process.exitcode == -signal.SIGKILL, f"point {last} was not reached"
        with Store(url) as store:
            finish(store)
            assert rows(store) == expected, f"killed at point {last} of {total}"


def test_of_two_processes_one_acts_and_the_other_takes_over(store: Store) -> None:
    prepare(store)
    first = take_lease(store, "watch#1", now=at(60))
    assert isinstance(first, TimerLease)
    assert act_once(store, "timers#2", 60.5) == "held by watch"
    assert act_with(store, first, 60.5) == "acted"
    assert act_once(store, "timers#2", 62) == "acted"  # the first has not renewed its lease
    assert "Another process runs the timers now" in act_with(store, first, 62.1)
    assert isinstance(take_lease(store, "watch#1", now=at(62.1)), HeldBy)
    second = take_lease(store, "timers#2", now=at(62.2))
    assert isinstance(second, TimerLease)
    release_lease(store, second, now=at(62.2))
    assert isinstance(take_lease(store, "watch#1", now=at(62.3)), TimerLease)


def test_eight_at_once_open_one_incident(store: Store) -> None:
    prepare(store)
    with ThreadPoolExecutor(8) as threads:
        done = list(threads.map(lambda number: act_once(store, f"p#{number}", 60), range(8)))
    assert done.count("acted") == 1
    assert [one.state for one in incidents(store)] == ["over", "open"]


def test_sigterm_ends_watch_after_its_round_and_timers_take_over(tmp_path: Path) -> None:
    (tmp_path / "policy.toml").write_text(POLICY + CHECKOUT)
    (tmp_path / "signals.csv").write_text(
        "signal_id,occurred_at,kind,source\n"
        + "".join(
            f"s{number},{time.strftime('%Y-%m-%dT%H:%M:%SZ', time.gmtime())},checkout.failed,shop\n"
            for number in range(3)
        )
    )
    environment = os.environ | {"RESCUE_HOME": str(tmp_path / "home"), "RESCUE_POLICY": str(tmp_path / "policy.toml")}
    command = [sys.executable, "-m", "pipelines"]
    watch = subprocess.Popen([*command, "watch", "--every", "0.2"], env=environment, stdout=subprocess.PIPE, text=True)
    try:
        assert watch.stdout is not None
        assert "Running the timers" in watch.stdout.readline()
        added = _run([*command, "signals", "add", str(tmp_path / "signals.csv")], environment)
        assert "3 signals added, 0 were known already." in added
        assert "1 opened" in _line_with(watch, "Incidents:")
        assert "rescue watch" in _run([*command, "timers"], environment)
        watch.send_signal(signal.SIGTERM)
        rest, _ = watch.communicate(timeout=300)
        assert (watch.returncode, rest.endswith("Stopped.\n")) == (0, True)
    finally:
        watch.kill()
    assert _run([*command, "timers"], environment).startswith("Cases: 0 woken")


def _run(command: list[str], environment: dict[str, str]) -> str:
    return subprocess.run(command, env=environment, check=True, capture_output=True, text=True, timeout=300).stdout


def _line_with(process: "subprocess.Popen[str]", text: str) -> str:
    assert process.stdout is not None
    deadline = time.monotonic() + 600
    while time.monotonic() < deadline:
        line = process.stdout.readline()
        if text in line:
            return line
    raise AssertionError(f"no line with {text!r}")
