"""Drift beyond chance, the effect of the team beside the hold-out, and what cannot be measured yet."""

import json
from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest
from support.nights.night_home import NightHome
from typer.testing import CliRunner

from pipelines.cli import app
from pipelines.monitoring.drift import drift
from pipelines.monitoring.effect import Effect, Group, difference
from pipelines.monitoring.monitor import Volume, volumes
from serving.night_report.effect_text import effect_line


def test_the_index_of_shares_known_by_hand() -> None:
    then, now = np.repeat([0.1, 0.9], 5_000), np.repeat([0.1, 0.9], [7_500, 2_500])
    found = drift(then, now)
    assert found is not None
    assert found.index == pytest.approx(0.25 * np.log(1.5) - 0.25 * np.log(0.5), abs=1e-3)
    assert found.verdict == "drifted"


@pytest.mark.parametrize(
    ("size", "shift", "verdict"), [(100, 0.0, "steady"), (4000, 0.0, "steady"), (4000, 0.4, "moved")]
)
def test_chance_is_not_drift(size: int, shift: float, verdict: str) -> None:
    draw = np.random.default_rng(7)
    then = 1 / (1 + np.exp(-draw.normal(0, 1, 4000)))
    found = drift(then, 1 / (1 + np.exp(-draw.normal(shift, 1, size))))
    assert found is not None
    assert found.verdict == verdict


def test_the_expectation_of_chance_is_what_chance_gives() -> None:
    draw = np.random.default_rng(11)
    drawn = [drift(draw.random(300), draw.random(200)) for _ in range(300)]
    indices = [found.index for found in drawn if found]
    assert np.mean(indices) == pytest.approx(drawn[0].by_chance, rel=0.15)  # type: ignore[union-attr]


def test_too_few_scores_tell_nothing() -> None:
    assert drift(np.full(100, 0.5), np.full(9, 0.5)) is None


def test_newcombes_interval_against_his_own_example() -> None:
    found, low, high = difference(Group(70, 70, 56), Group(80, 80, 48))  # Newcombe 1998, example (a), method 10
    assert (found, low, high) == pytest.approx((0.2, 0.0524, 0.3339), abs=5e-4)


def test_a_few_accounts_are_not_an_effect() -> None:
    line = effect_line(Effect(Group(40, 12, 1), Group(9, 3, 1), None).report())
    assert line == "Not measurable yet: 12 worked and 3 held-out accounts are settled; each group needs 30."


def test_an_effect_is_reported_with_its_interval() -> None:
    one, other = Group(70, 70, 56), Group(80, 80, 48)
    assert effect_line(Effect(other, one, difference(one, other)).report()) == (
        "The event happened to 20.0 percentage points fewer of the worked accounts than of the held-out accounts "
        "(95% interval: 5.2 to 33.4 fewer; 80 worked and 70 held-out accounts)."
    )
    more = effect_line(Effect(one, other, difference(other, one)).report())
    assert more.startswith("The event happened to 20.0 percentage points more of the worked accounts")


def test_volume_is_held_against_the_median_of_earlier_nights() -> None:
    found = volumes([{"tickets": 100}, {"tickets": 110}, {"tickets": 60, "invoices": 5}])
    assert found == {"tickets": Volume(60, 105), "invoices": Volume(5, None)}
    assert (found["tickets"].low, found["invoices"].low) == (True, False)
    assert volumes([]) == {}


def test_the_command_reads_and_writes_nothing(night_home: NightHome, tmp_path: Path) -> None:
    home = night_home.copy(tmp_path / "home")
    before = (home / "rescue.db").read_bytes()
    given = ["monitor", "--json", "--data", str(night_home.data), "--home", str(home)]
    found = CliRunner().invoke(app.app, given)
    assert found.exit_code == 0, found.exception
    printed = json.loads(found.stdout)
    assert printed["night"] == night_home.first.as_of.isoformat()
    assert [risk for risk, it in printed["drift"].items() if it["verdict"]] == [
        risk.name for risk in night_home.first.risks
    ]
    assert all(it["worked"]["settled"] == 0 and it["difference"] is None for it in printed["effect"].values())
    assert (home / "rescue.db").read_bytes() == before
    late = (night_home.first.as_of + timedelta(days=60)).isoformat()
    stale = json.loads(CliRunner().invoke(app.app, [*given, "--as-of", late]).stdout)
    assert set(stale["stale"]) >= {"tickets", "usage_daily"}
    assert set(stale["stale"].values()) <= set(stale["alarms"])
