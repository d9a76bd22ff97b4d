"""``rescue replay``: whole policies over past nights, honest about what knew what."""

import json
from datetime import timedelta
from pathlib import Path

import pytest
from support.nights.night_home import NightHome
from typer.testing import CliRunner

from features.errors import UsageError
from models.promotion.comparison import first_unseen_cutoff
from pipelines import assembly
from pipelines import settings as configuration
from pipelines.cli import app
from pipelines.console import Steps
from pipelines.replay.replay_models import ModelOrigin
from pipelines.replay.replay_nights import Replay, replay_nights
from serving.policy.decision.decide import Policy
from serving.policy.definition.policy_file import default_text

NIGHTS = 6


@pytest.fixture(scope="module")
def replayed(night_home: NightHome) -> Replay:
    """Six nights half a year before the data end, with the default policy and with one whose squads have less time."""
    settings = configuration.load(data=str(night_home.data), home=night_home.home)
    first = night_home.first.as_of - timedelta(days=140)
    text = default_text()
    policies = {
        "shipped": Policy.default(),
        "eager": Policy.parse(text.replace("enter = 0.", "enter = 0.0").replace("leave = 0.", "leave = 0.0")),
    }
    last = first + timedelta(days=NIGHTS - 1)
    return replay_nights(settings, policies, first, last, Steps(quiet=True))


def test_nights_are_scored_by_models_that_knew_nothing_of_them(replayed: Replay) -> None:
    for model in replayed.models.values():
        knows = first_unseen_cutoff(model.model.model) > replayed.first
        assert knows == (model.origin is ModelOrigin.CHAMPION_KNOWS)
        assert bool(model.reason) == knows
    assert any(model.origin is ModelOrigin.TRAINED for model in replayed.models.values())


def test_two_policies_stand_side_by_side_over_the_same_events(replayed: Replay) -> None:
    shipped, eager = (replayed.done[name].figures() for name in ("shipped", "eager"))
    assert shipped.nights == eager.nights == NIGHTS
    assert (shipped.events, shipped.revenue) == (eager.events, eager.revenue)
    assert shipped.events > 0
    assert eager.all_cases.opened > shipped.all_cases.opened
    assert eager.revenue_caught >= shipped.revenue_caught


def test_what_is_printed_as_json_is_plain(replayed: Replay) -> None:
    printed = json.loads(json.dumps(replayed.to_json()))
    nights = printed["policies"]["shipped"]["each_night"]
    assert [night["as_of"] for night in nights] == sorted(night["as_of"] for night in nights)
    figures = printed["policies"]["shipped"]
    opened = figures["all_cases"]["opened"] + figures["cancellations"] + figures["partial_losses"]
    assert sum(night["opened"] for night in nights) == opened


def test_the_queue_is_left_alone_and_the_table_names_both(night_home: NightHome, tmp_path: Path) -> None:
    home = night_home.copy(tmp_path / "home")
    before = (home / "rescue.db").read_bytes()
    policy = tmp_path / "mine.toml"
    policy.write_text(default_text())
    day = (night_home.first.as_of - timedelta(days=140)).isoformat()
    given = ["--data", str(night_home.data), "--home", str(home), "--from", day, "--to", day, "--champion"]
    found = CliRunner().invoke(app.app, ["replay", *given, "--against", str(policy)])
    assert found.exit_code == 0, found.exception
    assert "default policy" in found.stdout
    assert "mine.toml" in found.stdout
    assert "revenue caught" in found.stdout
    assert "the champion has learned from these nights, so its figures are too good" in found.output
    assert (home / "rescue.db").read_bytes() == before


@pytest.mark.parametrize(("first", "last", "says"), [(10, 11, "are not within the data"), (-1, -2, "is before --from")])
def test_nights_outside_the_data_are_refused(night_home: NightHome, first: int, last: int, says: str) -> None:
    settings = configuration.load(data=str(night_home.data), home=night_home.home)
    days = [night_home.first.as_of + timedelta(days=day) for day in (first, last)]
    with pytest.raises(UsageError, match=says):
        replay_nights(settings, {"it": assembly.load_policy(settings)}, days[0], days[1], Steps(quiet=True))
