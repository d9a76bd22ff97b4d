"""Help texts are whole sentences, ``--version`` prints the version, and Ctrl-C ends with a message."""

import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from pipelines.__main__ import main
from pipelines.cli.app import app


@pytest.mark.parametrize("group", [(), ("queue",), ("policy",), ("users",)])
def test_no_command_is_told_in_half_a_sentence(group: tuple[str, ...]) -> None:
    lines = CliRunner().invoke(app, [*group, "--help"]).stdout.split("Commands:\n")[1].splitlines()
    assert lines
    assert all(line.endswith(".") and not line.endswith("...") for line in lines)


def test_the_version_is_that_of_the_package(root: Path) -> None:
    project = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    found = CliRunner().invoke(app, ["--version"])
    assert (found.exit_code, found.stdout) == (0, f"rescue {project['version']}\n")


STOPPED = "rescue: interrupted; no incomplete files are left behind.\n"


def test_ctrl_c_is_answered_with_a_sentence_and_a_code_of_ours(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    interrupted = typer.Typer()

    @interrupted.command()
    def work() -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("pipelines.cli.app.app", interrupted)
    monkeypatch.setattr(sys, "argv", ["rescue"])
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 1
    assert capsys.readouterr().err == STOPPED


PRESSED_EARLY = """
import os, signal, sys

signal.signal(signal.SIGINT, signal.default_int_handler)  # whoever runs the tests in the background ignores it

class Impatient:
    def find_spec(self, name, path, target=None):
        if name == {awaited!r}:
            os.kill(os.getpid(), signal.SIGINT)

sys.meta_path.insert(0, Impatient())
from {module} import {function}
{function}()
"""
"""The script that installing writes, and somebody who presses Ctrl-C while it imports one module."""


@pytest.mark.parametrize(
    "awaited", ["pipelines.cli.app", "typer", "rich.console", "pydantic_settings", "pipelines.night.night"]
)
def test_ctrl_c_is_answered_alike_while_modules_are_imported(awaited: str, root: Path, tmp_path: Path) -> None:
    lines = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))["project"]["scripts"]["rescue"]
    module, function = lines.split(":")
    script = PRESSED_EARLY.format(awaited=awaited, module=module, function=function)
    command = [sys.executable, "-c", script, "nightly", "--plain", "--home", str(tmp_path / "home")]
    done = subprocess.run(command, cwd=root, capture_output=True, text=True, check=False, timeout=300)
    assert (done.returncode, done.stdout, done.stderr) == (1, "", STOPPED)
