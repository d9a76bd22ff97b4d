"""What a newcomer reads first, and what is said to whom is in a hurry, is told in whole sentences."""

import sys

import pytest
import typer
from typer.testing import CliRunner

from pipelines import cli
from pipelines.cli import app


@pytest.mark.parametrize("group", [(), ("queue",), ("policy",), ("users",)])
def test_no_command_is_told_in_half_a_sentence(group: tuple[str, ...]) -> None:
    told = CliRunner().invoke(app, [*group, "--help"]).stdout.split("Commands:\n")[1].splitlines()
    assert told
    assert all(line.endswith(".") and not line.endswith("...") for line in told)


def test_ctrl_c_is_answered_with_a_sentence_and_a_code_of_ours(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    interrupted = typer.Typer()

    @interrupted.command()
    def work() -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(cli, "app", interrupted)
    monkeypatch.setattr(sys, "argv", ["rescue"])
    with pytest.raises(SystemExit) as ended:
        cli.main()
    assert ended.value.code == 1
    assert capsys.readouterr().err == "rescue: interrupted; nothing half-written is left behind.\n"
