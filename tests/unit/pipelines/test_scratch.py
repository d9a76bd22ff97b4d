"""What a command works in is gone when it ends; what a killed one left is gone when the next begins."""

import os
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from pipelines.scratch import PREFIX, scratch_folder

KILLED = """
from pipelines.scratch import scratch_folder
with scratch_folder() as scratch:
    (scratch / "customers.parquet").write_bytes(b"x")
    print(scratch, flush=True)
    input()
"""


@pytest.fixture(autouse=True)
def apart(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder for temporary files that no other test uses."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    return tmp_path


def working() -> subprocess.Popen[str]:
    return subprocess.Popen([sys.executable, "-c", KILLED], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


def folder_of(process: subprocess.Popen[str]) -> Path:
    assert process.stdout
    return Path(process.stdout.readline().strip())


@pytest.mark.parametrize("error", [None, ZeroDivisionError])
def test_it_is_empty_at_first_and_gone_at_the_end(apart: Path, error: type[Exception] | None) -> None:
    try:
        with scratch_folder() as scratch:
            assert not list(scratch.iterdir())
            (scratch / "copy").write_text("x")
            if error:
                raise error
    except ZeroDivisionError:
        pass
    assert not list(apart.iterdir())


def test_what_a_killed_command_left_is_swept_and_what_a_living_one_uses_is_not(apart: Path) -> None:
    with working() as dead, working() as living:
        left, used = folder_of(dead), folder_of(living)
        os.kill(dead.pid, signal.SIGKILL)
        dead.wait()
        assert (left / "customers.parquet").exists()
        with scratch_folder():
            assert not left.parent.exists()
            assert (used / "customers.parquet").exists()
        living.communicate("\n")
    assert not list(apart.iterdir())


def test_a_folder_that_is_not_locked_yet_is_left_alone(apart: Path) -> None:
    (apart / f"{PREFIX}new").mkdir()
    (apart / f"{PREFIX}new" / "new").touch()
    with scratch_folder():
        assert (apart / f"{PREFIX}new" / "new").exists()
