"""``rescue paths map`` and ``rescue paths launch`` as a user runs them: files, policy check, replay, and mistakes."""

import json
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from support.worlds.launch_world import LAUNCH, LaunchSettings, write_launch
from support.worlds.support_desk import desk_tables
from typer.testing import CliRunner, Result

from features.contract import declare_ticket_columns
from features.errors import RescueError
from pipelines.cli.app import app
from serving.policy.definition.policy_file import default_text


@pytest.fixture(autouse=True)
def _alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> object:
    config = tmp_path / "rescue.toml"
    config.write_text('home = "home"\n[ticket_attributes.area]\n[risks.churn]\nkind = "none"\n')
    monkeypatch.setenv("RESCUE_CONFIG", str(config))
    monkeypatch.chdir(tmp_path)
    yield
    declare_ticket_columns(())


@pytest.fixture
def desk(tmp_path: Path) -> Path:
    folder = tmp_path / "desk"
    folder.mkdir()
    for name, table in desk_tables().items():
        pq.write_table(table, folder / f"{name}.parquet")
    return folder


def rescue(*arguments: object) -> Result:
    return CliRunner().invoke(app, [str(it) for it in arguments])


def test_a_map_is_written_accepted_and_replayed(desk: Path, tmp_path: Path) -> None:
    done = rescue("paths", "map", "--data", desk, "--out", tmp_path / "paths")
    assert done.exit_code == 0, done.output
    assert "area = 'export'" in done.stdout
    policy = tmp_path / "paths" / "proposed-policy.toml"
    assert (tmp_path / "paths" / "map.html").read_text().startswith("<!doctype html>")
    assert (tmp_path / "paths" / "map.md").read_text() == done.stdout.partition("Written:")[0]
    assert rescue("policy", "check", policy).exit_code == 0
    assert "issues_bug_to_escalate" in rescue("policy", "explain", policy).stdout
    replayed = rescue(
        "replay", "--policy", policy, "--data", desk, "--from", "2026-05-25", "--to", "2026-05-31", "--json"
    )
    assert replayed.exit_code == 0, replayed.output
    (figures,) = json.loads(replayed.stdout)["policies"].values()
    assert figures["by_trigger"]["bug_to_escalate"]["opened"] > 0, figures["by_trigger"]


def test_json_has_the_figures_and_nothing_else(desk: Path) -> None:
    done = rescue("paths", "map", "--data", desk, "--json", "--top", 2)
    found = json.loads(done.stdout)
    assert len(found["issue_types"]) == 2
    assert {it["name"] for it in found["columns"] if it["used"]} >= {"category", "area", "priority"}


def test_a_launch_is_clustered_adopted_and_then_explained(tmp_path: Path) -> None:
    write_launch(LaunchSettings(seed=2), tmp_path / "launch")
    policy = tmp_path / "policy.toml"
    policy.write_text(default_text() + LAUNCH)
    arguments = ("--data", tmp_path / "launch", "--signals", tmp_path / "launch" / "signals.parquet")
    done = rescue("paths", "launch", "checkout", "--policy", policy, *arguments, "--out", tmp_path / "out")
    assert done.exit_code == 0, done.output
    assert "gateway_timeout" in done.stdout
    adopted = tmp_path / "out" / "proposed-policy.toml"
    explained = " ".join(rescue("policy", "explain", adopted).stdout.split())
    assert "the broad path ends at 4 Mar 2026, 08:00 UTC" in explained
    again = rescue("paths", "launch", "checkout", "--policy", adopted, *arguments, "--json")
    assert json.loads(again.stdout)["adopted"]


@pytest.mark.parametrize(
    ("arguments", "code", "sentence"),
    [
        (("map", "--outcome", "escalate"), 2, "did you mean 'escalated'"),
        (("map", "--type", "categori"), 2, "did you mean 'category'"),
        (("map", "--out", "rescue.toml"), 2, "--out takes a folder"),
        (("launch", "checkout"), 2, "add [launches.NAME] to the policy"),
        (("launch", "checkout", "--as-of", "soon"), 2, "--as-of takes a time"),
    ],
)
def test_a_mistake_is_one_sentence(desk: Path, arguments: tuple[str, ...], code: int, sentence: str) -> None:
    done = rescue("paths", *arguments, "--data", desk)
    assert isinstance(done.exception, RescueError)
    assert done.exception.exit_code == code
    assert sentence in str(done.exception)


def test_signals_that_cannot_be_read_are_one_sentence(tmp_path: Path) -> None:
    write_launch(LaunchSettings(seed=2, tickets=20), tmp_path / "launch")
    (tmp_path / "policy.toml").write_text(default_text() + LAUNCH)
    (tmp_path / "broken.parquet").write_text("no")
    (tmp_path / "timeless.csv").write_text("code\nx\n")
    expected = {
        "missing.csv": "no file of signals",
        "policy.toml": ".parquet, .csv",
        "broken.parquet": "cannot be read",
        "timeless.csv": "no column occurred_at",
    }
    for name, sentence in expected.items():
        given = ("--data", tmp_path / "launch", "--policy", tmp_path / "policy.toml", "--signals", tmp_path / name)
        done = rescue("paths", "launch", "checkout", *given)
        assert sentence in str(done.exception), name
