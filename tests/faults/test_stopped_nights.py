"""A night that is stopped by SIGTERM or killed: it can be run again at once, and its files are private."""

import os
import signal
import subprocess
import sys
from datetime import date, timedelta
from pathlib import Path

import pytest

from pipelines import settings as configuration
from pipelines.home_folder import writable_home
from serving.nights import night_lease
from serving.operations import holder
from serving.operations.holder import current_holder, is_gone
from serving.store import Store
from serving.store.database import utcnow
from serving.store.tables import NightRow

NIGHT = date(2026, 3, 1)
HOLD = """
import sys, time
from datetime import date
from pipelines import __main__ as entry
from pipelines import settings as configuration
from pipelines.home_folder import writable_home
from serving.nights import night_lease
from serving.store import Store

def work():
    with Store(sys.argv[1]) as store:
        lease = night_lease.begin_night(store, date(2026, 3, 1), "first")
        try:
            print("held", flush=True)
            time.sleep(60)
        except BaseException as error:
            night_lease.abandon_night(store, lease, type(error).__name__)
            raise

import pipelines.cli.app
pipelines.cli.app.run = work
entry.main()
"""


@pytest.fixture
def store(tmp_path: Path) -> Store:
    store = Store(f"sqlite:///{tmp_path / 'rescue.db'}")
    store.migrate()
    return store


def started(store: Store, root: Path) -> subprocess.Popen[str]:
    url = store.url.render_as_string(hide_password=False)
    process = subprocess.Popen([sys.executable, "-c", HOLD, url], cwd=root, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    with process.stdout:
        assert process.stdout.readline() == "held\n"
    return process


def test_a_killed_night_is_run_again_at_once(store: Store, root: Path) -> None:
    process = started(store, root)
    with pytest.raises(night_lease.NightHeldError):
        night_lease.begin_night(store, NIGHT, "second")
    process.kill()
    os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)  # not reaped yet: a zombie holds nothing
    again = night_lease.begin_night(store, NIGHT, "second")
    process.wait()
    assert isinstance(again, night_lease.Night)
    assert again.epoch == 2


def test_sigterm_gives_the_night_up(store: Store, root: Path) -> None:
    process = started(store, root)
    process.send_signal(signal.SIGTERM)
    assert process.wait(300) == 1
    with store.reading() as session:
        row = session.get_one(NightRow, NIGHT)
    assert (row.status, row.failure) == ("failed", "KeyboardInterrupt")


@pytest.mark.parametrize("change", ["other boot", "other container", "unknown"])
def test_elsewhere_the_lease_decides(store: Store, change: str, monkeypatch: pytest.MonkeyPatch) -> None:
    mine = current_holder()
    assert mine is not None
    boot, namespace, _pid, start = mine.split("/")
    gone = f"{boot}/{namespace}/4194305/{start}"
    assert is_gone(gone)
    elsewhere = {
        "other boot": f"0000/{namespace}/4194305/{start}",
        "other container": f"{boot}/pid:[1]/4194305/{start}",
        "unknown": None,
    }[change]
    assert not is_gone(elsewhere)
    monkeypatch.setattr(night_lease, "current_holder", lambda: elsewhere)
    night_lease.begin_night(store, NIGHT, "first")
    with pytest.raises(night_lease.NightHeldError):
        night_lease.begin_night(store, NIGHT, "second")
    later = utcnow() + night_lease.LEASE + timedelta(seconds=1)
    assert isinstance(night_lease.begin_night(store, NIGHT, "second", now=later), night_lease.Night)


def test_the_id_of_a_process_is_used_again(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    mine = current_holder()
    assert mine is not None
    assert not is_gone(mine)
    assert is_gone(f"{mine}1")
    monkeypatch.setattr(holder, "PROC", tmp_path)
    assert current_holder() is None
    assert not is_gone(mine)


def test_files_are_private_whatever_the_shell_says(tmp_path: Path, root: Path) -> None:
    out, home = tmp_path / "world", tmp_path / "home"
    command = 'umask 022; exec "$@"'
    words = [sys.executable, "-m", "pipelines"]
    for arguments in (
        ["simulate", "--out", str(out), "--accounts", "20", "--months", "3"],
        ["users", "list", "--home", str(home)],
    ):
        subprocess.run(["sh", "-c", command, "sh", *words, *arguments], cwd=root, check=True, capture_output=True)
    files = [path for folder in (out, home) for path in (folder, *folder.rglob("*"))]
    assert len(files) > 3
    assert [str(path) for path in files if path.stat().st_mode & 0o077] == []


@pytest.mark.parametrize(("before", "after"), [(0o755, 0o700), (0o777, 0o700), (0o700, 0o700), (0o770, 0o770)])
def test_a_home_that_everybody_can_read_is_closed(before: int, after: int, tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.mkdir()
    home.chmod(before)
    writable_home(configuration.load(home=home))
    assert home.stat().st_mode & 0o777 == after


@pytest.mark.parametrize("jump", [timedelta(days=3), timedelta(days=-3)])
def test_a_clock_that_jumps_during_a_night_never_makes_two_runs_write(store: Store, jump: timedelta) -> None:
    """A jump may cost a run; which one may write is decided by the epoch, and no clock."""
    now = utcnow()
    first = night_lease.begin_night(store, NIGHT, "first", now=now)
    assert isinstance(first, night_lease.Night)
    night_lease.renew_lease(store, first, now=now + jump)
    with store.reading() as session:
        held = session.get_one(NightRow, NIGHT).lease_until > now
    if held:
        with pytest.raises(night_lease.NightHeldError):
            night_lease.begin_night(store, NIGHT, "second", now=now)
        writer, refused = first, None
    else:
        writer, refused = night_lease.begin_night(store, NIGHT, "second", now=now), first
    assert isinstance(writer, night_lease.Night)
    night_lease.renew_lease(store, writer, now=now)
    if refused is not None:
        with pytest.raises(night_lease.StaleNightError):
            night_lease.renew_lease(store, refused, now=now)
        with pytest.raises(night_lease.StaleNightError):
            night_lease.abandon_night(store, refused, "late")


@pytest.mark.prefect
def test_a_flow_writes_private_files() -> None:
    code = "import os; os.umask(0o022); import pipelines.flows.nightly_flow; print(oct(os.umask(0)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "0o77"
