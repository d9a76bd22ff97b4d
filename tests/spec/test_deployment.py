"""The files in ``deploy`` name commands, options and settings that exist."""

import json
import re
import shlex
from pathlib import Path
from typing import Any

import pytest
import yaml
from typer import Context
from typer.main import get_command

from pipelines import settings as configuration
from pipelines.cli.app import app

RESCUE = "/opt/rescue/bin/rescue "


def commands(deploy: Path) -> list[str]:
    """Every call of ``rescue`` in the units, the image and the compose file, without the name of the program."""
    units = [
        line for unit in deploy.glob("systemd/*.service") for line in unit.read_text(encoding="utf-8").splitlines()
    ]
    found = [line.partition(RESCUE)[2] for line in units if line.startswith("Exec") and RESCUE in line]
    image = (deploy / "Containerfile").read_text(encoding="utf-8")
    found += [shlex.join(json.loads(words)) for words in re.findall(r"^CMD (\[.*\])$", image, re.MULTILINE)]
    services = yaml.safe_load((deploy / "compose.yaml").read_text(encoding="utf-8"))["services"]
    return found + [shlex.join(service["command"]) for service in services.values() if service.get("command")]


def test_every_command_exists_with_its_options(root: Path) -> None:
    listed = commands(root / "deploy")
    assert len(listed) >= 5
    for line in listed:
        words = [word for word in shlex.split(line) if word not in ("--log-format", "json")]
        command: Any = get_command(app)
        while hasattr(command, "get_command"):
            name = words.pop(0)
            command = command.get_command(Context(command), name)
            assert command is not None, line
        command.make_context(name, words)  # refuses an unknown option


def test_every_variable_is_a_setting(root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    services = yaml.safe_load((root / "deploy" / "compose.yaml").read_text(encoding="utf-8"))["services"]
    given = {name: value for service in services.values() for name, value in service.get("environment", {}).items()}
    for unit in (root / "deploy" / "systemd").glob("*.service"):
        for line in re.findall(r"^Environment=(.*)$", unit.read_text(encoding="utf-8"), re.MULTILINE):
            given |= dict(pair.split("=", 1) for pair in shlex.split(line))
    own = {name: value for name, value in given.items() if name.startswith("RESCUE_")}
    assert {"RESCUE_CONFIG", "RESCUE_DATABASE_FILE", "RESCUE_HOME"} <= own.keys()
    (tmp_path / "database").write_text("postgresql+psycopg://rescue@db/rescue", encoding="utf-8")
    (tmp_path / "rescue.toml").write_text("", encoding="utf-8")
    own |= {"RESCUE_DATABASE_FILE": str(tmp_path / "database"), "RESCUE_CONFIG": str(tmp_path / "rescue.toml")}
    for name, value in own.items():
        monkeypatch.setenv(name, value)
    settings = configuration.load()
    assert str(settings.home) == own["RESCUE_HOME"]


def test_the_image_copies_files_that_exist(root: Path) -> None:
    image = (root / "deploy" / "Containerfile").read_text(encoding="utf-8")
    copied = [words.split()[:-1] for words in re.findall(r"^COPY (?!--from)(.*)$", image, re.MULTILINE)]
    assert [name for names in copied for name in names if not (root / name).exists()] == []
    extras = re.findall(r"--extra (\S+)", image)
    project = (root / "pyproject.toml").read_text(encoding="utf-8")
    assert extras
    assert [extra for extra in extras if not re.search(rf"^{extra} = \[", project, re.MULTILINE)] == []
