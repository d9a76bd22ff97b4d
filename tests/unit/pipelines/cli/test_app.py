"""Help texts are whole sentences, ``--version`` prints the version, and Ctrl-C ends with a message."""

import json
import logging
import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from pipelines import console
from pipelines.__main__ import main
from pipelines.cli.app import app
from pipelines.cli.commands import COMMANDS, GROUPS


@pytest.mark.parametrize("group", [(), ("queue",), ("policy",), ("users",), ("people",)])
def test_no_command_is_told_in_half_a_sentence(group: tuple[str, ...]) -> None:
    _, _, listed = CliRunner().invoke(app, [*group, "--help"]).stdout.partition("this message and exit.\n")
    lines = [line for line in listed.splitlines() if line.startswith("  ")]
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
    monkeypatch.setattr("pipelines.__main__.ignore_closed_pipes", lambda: None)  # it would replace the test's streams
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


@pytest.mark.parametrize(
    "words", [("--log-format", "json", "check"), ("check", "--log-format=json"), ("check", "--log-format", "json")]
)
def test_errors_are_json_where_that_is_asked_for(words: tuple[str, ...], tmp_path: Path, root: Path) -> None:
    command = [sys.executable, "-m", "pipelines", *words, "--data", str(tmp_path / "none")]
    done = subprocess.run(
        command, cwd=tmp_path, capture_output=True, text=True, check=False, env={**os.environ, "PYTHONPATH": str(root)}
    )
    told = json.loads(done.stderr.splitlines()[-1])
    assert (done.returncode, told["exit_code"], told["level"], told["logger"]) == (2, 2, "error", "rescue")
    assert "There is no folder or file" in told["message"]


def test_progress_is_json_where_that_is_asked_for(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    root, own = logging.getLogger(), logging.getLogger("rescue")
    handlers, level, own_level = root.handlers[:], root.level, own.level
    monkeypatch.setattr(console, "log_format", "text")
    try:
        console.use_json_logs()
        steps = console.Steps()
        with steps.step("score", "Scoring accounts"):
            pass
        steps.log("Warning: a feed is late")
    finally:
        root.handlers[:] = handlers
        root.setLevel(level)
        own.setLevel(own_level)
    first, second = (json.loads(line) for line in capsys.readouterr().err.splitlines())
    assert (first["message"], first["step"], first["level"]) == ("Scoring accounts", "score", "info")
    assert second["level"] == "warning"


def test_the_help_lists_every_command_once_under_its_heading() -> None:
    shown = CliRunner().invoke(app, ["--help"]).output
    places = [shown.index(f"{heading}:") for heading in GROUPS]
    assert places == sorted(places)
    assert next(iter(COMMANDS)) == "nightly"
    for name in COMMANDS:
        assert len(re.findall(rf"^  {name} +\S", shown, re.MULTILINE)) == 1
