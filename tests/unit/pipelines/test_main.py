"""The end of a command: its exit code, all of its output, and the last words of threads and libraries."""

import subprocess
import sys
from pathlib import Path

import pytest

PATCHED = """
import atexit, sys, threading, time
import pipelines.cli.app as app
from pipelines.__main__ import main

def run():
    atexit.register(lambda: print("a library ends"))
    threading.Thread(target=lambda: (time.sleep(0.2), print("a thread ends"))).start()
    print("x" * 100_000)
    {end}

app.run = run
main()
"""


def run_python(code: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False, timeout=60)


@pytest.mark.parametrize(
    ("end", "code"),
    [
        ("pass", 0),
        ("sys.exit()", 0),
        ("sys.exit(3)", 3),
        ("sys.exit('no')", 1),
        ("raise KeyboardInterrupt", 1),
        ("sys.exit(130)", 1),
        ("raise ValueError('a mistake')", 1),
    ],
)
def test_a_command_ends_with_its_code_after_its_threads_and_with_all_of_its_output(end: str, code: int) -> None:
    done = run_python(PATCHED.format(end=end))
    assert done.returncode == code, done.stderr
    assert done.stdout.splitlines() == ["x" * 100_000, "a thread ends", "a library ends"]
    assert ("a mistake" in done.stderr) is ("mistake" in end)
    assert "leaked" not in done.stderr


def test_output_that_cannot_be_written_is_an_error() -> None:
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [sys.executable, "-m", "pipelines", "--version"], stdout=full, stderr=subprocess.PIPE, check=False
        )
    assert done.returncode != 0
    assert b"No space left" in done.stderr
