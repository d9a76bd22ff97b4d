"""Write-back as a user runs it: check the connection, deliver, read what came back, by command and by the timers."""

import json
import shutil
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import update
from support.vendors.fake_zendesk import FakeZendesk
from support.vendors.record_world import RecordWorld
from typer.testing import CliRunner, Result

from features.errors import UsageError
from pipelines.cli.app import app
from serving.store.database import utcnow
from serving.store.exchange import ExternalRecordRow

Run = Callable[..., Result]


@pytest.fixture
def desk() -> Iterator[FakeZendesk]:
    fake = FakeZendesk()
    with fake.running():
        yield fake


@pytest.fixture
def world(migrated_sqlite: Path, tmp_path: Path, desk: FakeZendesk) -> Iterator[RecordWorld]:
    (tmp_path / "home").mkdir()
    shutil.copy(migrated_sqlite, tmp_path / "home" / "rescue.db")
    opened = RecordWorld.open(f"sqlite:///{tmp_path / 'home' / 'rescue.db'}", desk, desk.settings())
    with opened.store:
        yield opened


@pytest.fixture
def run(world: RecordWorld, desk: FakeZendesk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """A command with these settings; the token comes from a file."""
    (tmp_path / "token").write_text("secret-token\n")
    lines = [
        f"home = {json.dumps(str(tmp_path / 'home'))}",
        "[channels.desk]",
        'kind = "zendesk"',
        f"url = {json.dumps(desk.url)}",
        'allow = ["127.0.0.1"]',
        'user = "rescue@desk.example"',
    ]
    (tmp_path / "rescue.toml").write_text("\n".join(lines))
    monkeypatch.setenv("RESCUE_CONFIG", str(tmp_path / "rescue.toml"))
    monkeypatch.setenv("RESCUE_CHANNELS__DESK__TOKEN_FILE", str(tmp_path / "token"))
    monkeypatch.delenv("RESCUE_HOME", raising=False)
    return lambda *arguments: CliRunner().invoke(app, list(arguments), catch_exceptions=False)


def test_the_connection_is_checked(run: Run, desk: FakeZendesk) -> None:
    found = run("deliver", "--check")
    assert (found.exit_code, found.stdout.strip()) == (0, "desk: Zendesk lets us in (as Rescue (admin)).")
    desk.fail(401)
    found = run("deliver", "--check")
    assert found.exit_code == 1
    assert "rescue: desk: Zendesk does not accept the credentials (401)" in found.output
    assert desk.tickets == {}


def test_both_directions(run: Run, world: RecordWorld, desk: FakeZendesk) -> None:
    assert "1 sent" in run("deliver").stdout
    (view,) = desk.views()
    desk.they_comment(view.id, "They signed.")
    desk.they_close(view.id, outcome="saved")
    found = run("sync")
    assert found.exit_code == 0
    assert f"desk, case {world.case_id()}: The case is closed as saved, as Zoe Park did in Zendesk." in found.stdout
    assert "desk: 1 record read, 2 changes." in found.stdout
    assert world.case().state == "saved"
    assert "0 changes." in run("sync", "desk").stdout


def test_the_timers_read_when_it_is_time(run: Run, world: RecordWorld, desk: FakeZendesk) -> None:
    run("deliver")
    run("sync")
    desk.they_comment(desk.views()[0].id, "They signed.")
    assert "commented" not in run("timers").stdout
    with world.store.transaction() as session:
        session.execute(update(ExternalRecordRow).values(read_at=utcnow() - timedelta(minutes=6)))
    assert "Zoe Park commented in Zendesk." in run("timers").stdout


def test_what_fails_is_one_sentence(run: Run, desk: FakeZendesk, monkeypatch: pytest.MonkeyPatch) -> None:
    run("deliver")
    desk.fail(503)
    found = run("sync")
    assert found.exit_code == 1
    assert "Warning: desk: nothing could be read. Zendesk answered 503." in found.output
    with pytest.raises(UsageError, match=r"There is no section \[sync.dsk\]; did you mean 'desk'"):
        run("sync", "dsk")
    monkeypatch.delenv("RESCUE_CHANNELS__DESK__TOKEN_FILE")
    with pytest.raises(UsageError, match=r"\[channels.desk\] token is missing: set it in the environment"):
        run("deliver")
    with pytest.raises(UsageError):
        run("timers")
    monkeypatch.setenv("RESCUE_CHANNELS__DESK__TOKEN", "secret-token")
    assert "Cases:" in run("timers").stdout  # the error before did not keep the lease of the timers
