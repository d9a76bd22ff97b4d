"""``rescue policy draw``, ``rescue policy rehearse`` and ``rescue paths metrics``, on a home with a night."""

import json
from datetime import timedelta
from pathlib import Path

import pytest
from support.nights.bpmn_engine import validate
from support.nights.night_home import NightHome
from typer.testing import CliRunner

from features.errors import UsageError
from pipelines import settings as configuration
from pipelines.cli import app
from pipelines.replay.replay_nights import Replay, keep_replay
from serving.cases.cases import Cases
from serving.cases.permissions import SYSTEM
from serving.policy.definition.policy_file import Policy
from serving.policy.replay.replay_figures import ReplayResult
from serving.store import Store

EXAMPLE = Path(__file__).parents[2] / "docs" / "how-to" / "rehearsal"


def rescue(*arguments: str) -> str:
    found = CliRunner().invoke(app.app, list(arguments), catch_exceptions=False)
    assert found.exit_code == 0, found.output
    return found.stdout


def test_raci_and_versions_are_printed_and_written(night_home: NightHome, tmp_path: Path) -> None:
    home = ("--home", str(night_home.home))
    assert rescue("policy", "draw", "--as", "raci").startswith("# RACI of policy ")
    printed = rescue("policy", "draw", "--as", "pdsa", *home)
    assert f"## Policy version {Policy.default().version}" in printed
    count = len(night_home.first.queue)
    assert f"1 night, {night_home.first.as_of.day} " in printed
    assert f"; {count} cases opened." in printed
    rescue("policy", "draw", "--as", "pdsa", *home, "--out", str(tmp_path))
    assert (tmp_path / "pdsa.md").read_text() == printed
    assert (tmp_path / "pdsa.html").read_text().startswith("<!doctype html>")


def test_a_swimlane_for_each_squad_and_severity(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    written = rescue("policy", "draw", "--as", "swimlane", "--squad", "support")
    assert written.startswith("drawings: 7 files (")
    for path in (tmp_path / "drawings").glob("*.bpmn"):
        validate(path.read_text())
    rescue("policy", "draw", "--as", "blueprint", "--out", "others")
    assert {path.name for path in (tmp_path / "others").iterdir()} == {"blueprint.svg", "blueprint.html"}


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--as", "racy"], "did you mean 'raci'"),
        (["--as", "swimlane", "--squad", "suport"], "There is no squad 'suport'; did you mean 'support'"),
        (["--as", "swimlane", "--severity", "hihg"], "There is no severity 'hihg'; did you mean 'high'"),
        (["--as", "raci", "--squad", "support"], "use them with --as swimlane"),
        (["--as", "raci", "--out", "file"], "cannot be written to"),
    ],
)
def test_a_wrong_word_is_one_sentence(
    arguments: list[str], message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(UsageError, match=message):
        CliRunner().invoke(app.app, ["policy", "draw", *arguments], catch_exceptions=False)


def test_a_kept_replay_is_part_of_the_cycle(night_home: NightHome, tmp_path: Path) -> None:
    home = night_home.copy(tmp_path / "home")
    settings = configuration.load(data=str(night_home.data), home=home)
    policy, day = Policy.default(), night_home.first.as_of
    replay = Replay(day - timedelta(days=9), day, {}, {"mine": ReplayResult(policy.version)})
    keep_replay(settings, {"mine": policy}, replay)
    keep_replay(settings, {"mine": policy}, replay)  # again: it takes the place of the first
    printed = rescue("policy", "draw", "--as", "pdsa", "--home", str(home))
    assert printed.count("Replay of ") == 1
    assert "new cases a night 0" in printed


def test_the_example_is_rehearsed_as_the_page_says(tmp_path: Path) -> None:
    scenario, policy = str(EXAMPLE / "checkout.scenario.toml"), str(EXAMPLE / "checkout.policy.toml")
    printed = rescue("policy", "rehearse", scenario, "--policy", policy)
    assert printed.startswith("# Rehearsal: Intermittent checkout failures")
    content = json.loads(rescue("policy", "rehearse", scenario, "--policy", policy, "--json"))
    assert [row["person"] for row in content["hand_offs"]] == ["sam", "eva", "mara", None]
    page = tmp_path / "script.html"
    rescue("policy", "rehearse", scenario, "--policy", policy, "--out", str(page))
    assert page.read_text().startswith("<!doctype html>")
    with pytest.raises(UsageError, match=r"ends in \.md or \.html"):
        CliRunner().invoke(app.app, ["policy", "rehearse", scenario, "--out", "x.pdf"], catch_exceptions=False)


def test_the_metrics_of_paths_are_printed_and_json(night_home: NightHome, tmp_path: Path) -> None:
    home = night_home.copy(tmp_path / "home")
    first = night_home.first.queue[0]
    with Store(f"sqlite:///{home}/rescue.db") as store:
        cases = Cases(store)
        cases.claim(first.case_id, SYSTEM)
        cases.contact(first.case_id, SYSTEM)
    content = json.loads(rescue("paths", "metrics", "--home", str(home), "--json"))
    whole = content["groups"][0]
    assert (whole["dimension"], whole["cases"]) == ("all", len(night_home.first.queue))
    assert whole["times"]["contact"]["reached"] == 1
    printed = rescue("paths", "metrics", "--home", str(home))
    assert "Medians and shares with 95% intervals" in printed
    assert "There are no cases." in rescue("paths", "metrics", "--home", str(home), "--since", "2099-01-01")
    with pytest.raises(UsageError, match="There is no policy version 'v9' with one before it"):
        CliRunner().invoke(
            app.app, ["paths", "metrics", "--home", str(home), "--version", "v9"], catch_exceptions=False
        )
