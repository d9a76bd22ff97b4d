"""A queue whose file was emptied is not begun anew: the next night would open the same cases again."""

from pathlib import Path

import pytest

from features.errors import RescueError
from pipelines import assembly
from pipelines import settings as configuration


def test_an_empty_file_of_a_queue_with_nights_is_refused(tmp_path: Path) -> None:
    settings = configuration.load(home=tmp_path / "home")
    assembly.open_store(settings).close()
    file, report = tmp_path / "home" / "rescue.db", tmp_path / "home" / "nights" / "2026-07-01" / "report.json"
    for part in tmp_path.glob("home/rescue.db*"):
        part.unlink()
    file.touch(0o600)
    assembly.open_store(settings).close()  # a first run that was interrupted
    report.parent.mkdir(parents=True)
    report.write_text("{}", encoding="utf-8")
    assembly.open_store(settings).close()
    for part in tmp_path.glob("home/rescue.db-*"):
        part.unlink()
    file.write_bytes(b"")
    with pytest.raises(RescueError, match="is empty, although nights were recorded: restore it from a backup"):
        assembly.open_store(settings)
