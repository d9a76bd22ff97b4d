"""Nobody reads what a command prints: the work goes on to its end, whether the pipe closes or was never there."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from support.nights.night_home import NightHome

from pipelines import assembly
from pipelines import settings as configuration
from serving.operations.operation_state import outcome_of, read_state
from serving.store.database import utcnow

ROOT = Path(__file__).parents[2]
WORK = """
import sys, types
from pipelines import __main__ as entry

def work():
    from pipelines.console import Steps, err, out, use_json_logs
    if sys.argv[2:] == ["json"]:
        use_json_logs()
    steps = Steps()
    for number in range(700):
        with steps.step("features", f"[red]Computing {number}[/red]"):
            out.print("a result " * 20)
    err.print("rescue: said at the end")
    print("a plain line", flush=True)
    import subprocess
    subprocess.run(["sh", "-c", "echo of a child process"], check=True)
    open(sys.argv[1], "w").write("finished")

sys.modules["pipelines.cli.app"] = types.SimpleNamespace(run=work)
entry.main()
"""


@pytest.mark.parametrize("logs", ["text", "json"])
@pytest.mark.parametrize("closed", ["| head -2", "2>&1 | head -2", "2>&1 | true", ">&-", "2>&-", "<&- >&- 2>&-"])
def test_work_goes_on_where_nobody_reads(tmp_path: Path, closed: str, logs: str) -> None:
    done = tmp_path / "done"
    line = f'{{ "$0" -c "$1" "$2" "$3"; echo $? > "$2.code"; }} {closed}'
    words = ["sh", "-c", line, sys.executable, WORK, str(done), logs]
    ended = subprocess.run(words, cwd=ROOT, check=False, capture_output=True, text=True, timeout=600)
    assert done.read_text() == "finished"
    assert Path(f"{done}.code").read_text() == "0\n"
    assert "Traceback" not in ended.stdout + ended.stderr


def test_a_night_is_recorded_where_nobody_reads(night_home: NightHome, tmp_path: Path) -> None:
    home = night_home.copy(tmp_path / "home")
    command = [sys.executable, "-m", "pipelines", "nightly", "--home", str(home), "--as-of", "2026-07-02"]
    reader, writer = os.pipe()
    os.close(reader)
    environment = {**os.environ, "RESCUE_DATA": str(night_home.data)}
    ended = subprocess.run(command, cwd=ROOT, env=environment, stdout=writer, stderr=writer, timeout=600, check=False)
    os.close(writer)
    assert ended.returncode == 0
    with assembly.open_queue(configuration.load(home=home)) as store, store.reading() as session:
        attempt = read_state(session, utcnow()).attempt
        assert attempt is not None
        assert outcome_of(attempt) == "recorded"
