"""The list of commands that a newcomer reads first is told in whole sentences."""

import pytest
from typer.testing import CliRunner

from pipelines.cli import app


@pytest.mark.parametrize("group", [(), ("queue",), ("policy",), ("users",)])
def test_no_command_is_told_in_half_a_sentence(group: tuple[str, ...]) -> None:
    told = CliRunner().invoke(app, [*group, "--help"]).stdout.split("Commands:\n")[1].splitlines()
    assert told
    assert all(line.endswith(".") and not line.endswith("...") for line in told)
