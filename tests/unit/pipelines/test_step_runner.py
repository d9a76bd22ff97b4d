"""Ctrl-C and SIGTERM during a query end a step like anywhere else, and not as an error of the database."""

import signal
import subprocess
import sys
import time

import pytest

from pipelines.console import Steps
from pipelines.step_runner import plain_runner

LONG = "SELECT sum(range % 7) FROM range(1000000000000)"
"""Many short steps, as in a query of a large table: DuckDB looks at signals between two of them."""
COMMAND = """
import pipelines.cli.app as cli
from features.duckdb_connection import open_duckdb
from pipelines import __main__ as entry

def app(words):
    print("begun", flush=True)
    open_duckdb().execute({query!r}).fetchall()

cli.app = app
entry.main()
"""


@pytest.mark.parametrize(("message", "raised"), [("Query interrupted", KeyboardInterrupt), ("no disk", RuntimeError)])
def test_a_query_that_is_interrupted_is_an_interrupt(message: str, raised: type[BaseException]) -> None:
    def fail() -> None:
        raise RuntimeError(message)

    with pytest.raises(raised):
        plain_runner(Steps(quiet=True))("query", "Querying", fail)


def test_a_command_that_is_stopped_during_a_query_ends_with_one_line() -> None:
    process = subprocess.Popen(
        [sys.executable, "-c", COMMAND.format(query=LONG)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    try:
        assert process.stdout is not None
        assert process.stdout.readline() == "begun\n"
        time.sleep(0.5)
        process.send_signal(signal.SIGTERM)
        _, errors = process.communicate(timeout=60)
    finally:
        process.kill()
        process.wait()
    assert process.returncode == 1
    assert errors == "rescue: interrupted; no incomplete files are left behind.\n"
