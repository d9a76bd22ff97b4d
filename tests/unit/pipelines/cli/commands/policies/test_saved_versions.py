"""The commands about saved policies and the weekly report, as somebody types them."""

import json
import shutil
from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from features.errors import RescueError
from pipelines import assembly
from pipelines import settings as configuration
from pipelines.cli.app import app
from pipelines.timer_round import policy_or_error
from serving.policy.definition.policy_file import default_text
from serving.store.exchange import Message

Rescue = Callable[..., Result]
TWELVE = default_text().replace("capacity = 10", "capacity = 12", 1)
FIFTEEN = default_text().replace("capacity = 10", "capacity = 15", 1)


@pytest.fixture
def rescue(migrated_sqlite: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Rescue:
    """Runs commands in a folder with a queue, a ``rescue.toml``, and a policy file of ten cases a night."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.setenv("RESCUE_HOME", str(tmp_path / "home"))
    (tmp_path / "home").mkdir()
    shutil.copy(migrated_sqlite, tmp_path / "home" / "rescue.db")
    (tmp_path / "rescue.toml").write_text('policy = "policy.toml"\n', encoding="utf-8")
    (tmp_path / "policy.toml").write_text(default_text(), encoding="utf-8")
    (tmp_path / "twelve.toml").write_text(TWELVE, encoding="utf-8")

    def run(*words: str) -> Result:
        return CliRunner().invoke(app, list(words))

    return run


def capacity() -> int:
    return assembly.current_policy(configuration.load()).policy.rules.squads["success"].capacity


def test_a_policy_is_imported_and_every_command_uses_it(rescue: Rescue) -> None:
    found = rescue("policy", "import", "twelve.toml", "--reason", "More people", "--by", "lea")
    assert (found.exit_code, "as version 2" in found.stdout) == (0, True)
    assert capacity() == 12
    loaded, problem = policy_or_error(configuration.load())
    assert (loaded and loaded.rules.squads["success"].capacity, problem) == (12, None)
    assert "12 new cases per night" in rescue("policy", "explain").stdout
    assert "10 new cases per night" in rescue("policy", "explain", "policy.toml").stdout
    listed = rescue("policy", "versions").stdout
    assert "In force: version 2" in listed
    assert "lea (import): More people" in listed
    found = json.loads(rescue("policy", "versions", "--json").stdout)
    assert (found["in_force"]["number"], found["file"]["state"], len(found["versions"])) == (2, "behind", 2)


def test_the_difference_is_shown_rule_by_rule(rescue: Rescue) -> None:
    rescue("policy", "import", "twelve.toml", "--reason", "More people")
    found = rescue("policy", "diff").stdout
    assert "From version 2 to policy.toml: 1 rule differs." in found
    assert "squads.success.capacity: 12 before, 10 now" in found
    assert "10 before, 12 now" in rescue("policy", "diff", "1", "2").stdout
    assert "0 rules differ" in rescue("policy", "diff", "twelve.toml", "saved").stdout


def test_an_export_makes_the_file_and_the_app_the_same_and_loses_nothing(rescue: Rescue) -> None:
    rescue("policy", "import", "twelve.toml", "--reason", "More people")
    assert rescue("policy", "export").stdout == "Wrote version 2 to policy.toml.\n"
    assert Path("policy.toml").read_text(encoding="utf-8") == TWELVE
    state = json.loads(rescue("policy", "versions", "--json").stdout)
    assert state["file"]["state"] == "same"
    Path("policy.toml").write_text(FIFTEEN, encoding="utf-8")  # on top of the newest version
    assert capacity() == 15
    found = rescue("policy", "export", "other.toml", "--version", "1")
    assert (found.exit_code, Path("other.toml").read_text(encoding="utf-8")) == (0, default_text())


def test_a_conflict_is_said_by_commands_and_decided_by_one(rescue: Rescue) -> None:
    rescue("policy", "import", "twelve.toml", "--reason", "More people", "--by", "lea")
    Path("policy.toml").write_text(FIFTEEN, encoding="utf-8")
    found = rescue("policy", "check")
    assert (found.exit_code, "Warning: The policy file policy.toml was changed without version 2" in found.stderr) == (
        0,
        True,
    )
    assert capacity() == 12
    with pytest.raises(RescueError, match="has content that no saved version has"):
        _raise(rescue("policy", "export"))
    assert Path("policy.toml").read_text(encoding="utf-8") == FIFTEEN
    assert rescue("policy", "import", "--reason", "The file is right").exit_code == 0
    assert capacity() == 15
    assert "Warning" not in rescue("policy", "check").stderr


def _raise(result: Result) -> None:
    assert result.exception is not None
    raise result.exception


def test_a_version_is_restored(rescue: Rescue) -> None:
    rescue("policy", "import", "twelve.toml", "--reason", "More people")
    assert "Restored version 1 as version 3" in rescue("policy", "rollback", "1").stdout
    assert capacity() == 10
    with pytest.raises(RescueError, match="There is no policy version 9"):
        _raise(rescue("policy", "rollback", "9"))


def test_an_import_lists_every_mistake_and_saves_nothing(rescue: Rescue) -> None:
    Path("wrong.toml").write_text(TWELVE.replace('fallback = "success"', 'fallback = "sucess"'), encoding="utf-8")
    found = rescue("policy", "import", "wrong.toml", "--reason", "x")
    assert (found.exit_code, "did you mean 'success'?" in found.stderr) == (2, True)
    assert found.stderr.startswith("wrong.toml, line ")
    with pytest.raises(RescueError, match="reason is missing"):
        _raise(rescue("policy", "import", "twelve.toml"))
    assert capacity() == 10


def test_a_night_takes_over_a_file_that_was_changed_on_top(rescue: Rescue) -> None:
    rescue("policy", "import", "twelve.toml", "--reason", "More people")
    rescue("policy", "export")
    Path("policy.toml").write_text(FIFTEEN, encoding="utf-8")
    state = assembly.adopt_policy(configuration.load())
    assert (state.number, state.policy.rules.squads["success"].capacity) == (3, 15)
    assert "(policy file): The file policy.toml was changed." in rescue("policy", "versions").stdout


def test_the_weekly_report_is_printed_written_and_sent(rescue: Rescue) -> None:
    found = rescue("weekly", "--week", "2026-W26")
    assert "No case was open, opened or closed in this week." in found.stdout
    assert json.loads(rescue("weekly", "--week", "2026-06-24", "--json").stdout)["week"] == "2026-W26"
    assert rescue("weekly", "--week", "2026-W26", "--out", "week.html").exit_code == 0
    assert Path("week.html").read_text(encoding="utf-8").startswith("<!doctype html>")
    for words, sentence in (
        (("--week", "soon"), "is no week"),
        (("--week", str(date.max)), "has not begun"),
        (("--send",), "names nobody"),
    ):
        with pytest.raises(RescueError, match=sentence):
            _raise(rescue("weekly", *words))


def test_the_mails_of_the_weekly_report_are_written_once(rescue: Rescue) -> None:
    with Path("policy.toml").open("a", encoding="utf-8") as file:
        file.write('\n[weekly]\nto = ["boss@example.com"]\n')
    with Path("rescue.toml").open("a", encoding="utf-8") as file:
        file.write('[channels.post]\nkind = "email"\nhost = "localhost"\nsender = "a@b.c"\nrecipients = ["x@y.z"]\n')
    assert "Written to boss@example.com" in rescue("weekly", "--week", "2026-W26", "--send").stdout
    assert "has the report of this week already" in rescue("weekly", "--week", "2026-W26", "--send").stdout
    with assembly.open_queue(configuration.load()) as store, store.reading() as session:
        (message,) = session.query(Message)
    assert (message.channel, message.recipient, message.kind) == ("post", "boss@example.com", "report.weekly")
