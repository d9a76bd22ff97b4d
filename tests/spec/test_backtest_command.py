"""``rescue backtest`` as an analyst meets it: one object with every figure, a table, a page; nothing registered."""

import json
import re
from datetime import date, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from support.nights.night_home import NightHome
from typer.testing import CliRunner

from models.evaluation.metrics import FIGURES
from pipelines.cli import app


@pytest.fixture(scope="module")
def printed(night_home: NightHome, tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[str, Any], Path]:
    folder = tmp_path_factory.mktemp("backtest") / "report"
    given = ["backtest", "--data", str(night_home.data), "--risk", "escalation", "--out", str(folder), "--json"]
    found = CliRunner().invoke(app.app, given, catch_exceptions=False)
    assert found.exit_code == 0
    return json.loads(found.stdout), folder


def test_each_figure_of_each_scorer_has_its_interval(printed: tuple[dict[str, Any], Path]) -> None:
    evaluation = printed[0]["risks"]["escalation"]
    assert set(evaluation["overall"]["scorers"]["model"]) == set(FIGURES)
    assert {"model", "logistic", "rule_random", "rule_lowest_health", "rule_most_tickets"} <= set(
        evaluation["overall"]["scorers"]
    )
    for report in (evaluation["overall"], *evaluation["folds"]):
        for figures in report["scorers"].values():
            assert all(set(estimate) == {"value", "low", "high"} for estimate in figures.values())
    assert sum(report["rows"] for report in evaluation["folds"]) == evaluation["overall"]["rows"]


def test_test_periods_follow_one_another(printed: tuple[dict[str, Any], Path]) -> None:
    periods = [(report["first"], report["last"]) for report in printed[0]["risks"]["escalation"]["folds"]]
    assert len(periods) == 6
    assert all(before[1] < after[0] for before, after in pairwise(periods))


def test_the_page_and_the_pictures_are_written(printed: tuple[dict[str, Any], Path]) -> None:
    found, folder = printed
    assert found["files"][0] == "backtest.html"
    assert all((folder / name).stat().st_size > 5000 for name in found["files"])


def test_what_it_was_judged_on_has_one_fingerprint(printed: tuple[dict[str, Any], Path]) -> None:
    found, folder = printed
    assert re.fullmatch("[0-9a-f]{32}", found["source"]["fingerprint"])
    assert found["source"]["fingerprint"] in (folder / "backtest.html").read_text()


def test_what_cannot_be_judged_ends_with_one_sentence(night_home: NightHome) -> None:
    begin = refused("2000-01-01", night_home, 2, "There is nothing to learn before 2000-01-01: the data begin on ")
    later = date.fromisoformat(begin.removesuffix(".")) + timedelta(days=20)
    refused(str(later), night_home, 1, "The source spans 20 days (")


def refused(through: str, home: NightHome, code: int, words: str) -> str:
    """What follows these words in the sentence that refuses a backtest up to a day."""
    found = CliRunner().invoke(app.app, ["backtest", "--data", str(home.data), "--before", through])
    assert isinstance(found.exception, app.RescueError)
    assert found.exception.exit_code == code
    assert str(found.exception).startswith(words)
    return str(found.exception).removeprefix(words)
