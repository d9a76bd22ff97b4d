"""The backtest's page stands alone and holds every period; its JSON has the keys that the documentation names."""

import re
from datetime import date
from pathlib import Path

import pytest
from support.worlds.trained_factory import made_trained

from models.evaluation.metrics import FIGURES
from models.learners.baselines import BASELINES
from models.reports.backtest_page import write_backtest
from models.reports.sentences import FINDING_CODES
from models.risks.defaults import CHURN
from pipelines.training.backtesting import Backtest

DOCUMENT = (Path(__file__).parents[4] / "docs" / "backtest-json.md").read_text(encoding="utf-8")
SOURCE = {"name": "samples <b>", "fingerprint": "abc123", "first": "2025-01-01", "until": "2025-06-01"}
CUTOFFS = [date(2025, 3, 3), date(2025, 3, 10)]


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> tuple[Backtest, Path]:
    folder = tmp_path_factory.mktemp("backtest")
    tested = {CHURN: made_trained(accounts=120).backtest}
    why = {"escalation": "Escalation within 14 days: 2 different events are settled in the data."}
    files = write_backtest(tested, folder, source=SOURCE, cutoffs=CUTOFFS, not_learnable=why)
    return Backtest(SOURCE, CUTOFFS, tested, why, files), folder


def test_the_page_stands_alone(found: tuple[Backtest, Path]) -> None:
    page = (found[1] / "backtest.html").read_text(encoding="utf-8")
    assert not re.search(r"(src|href)=[\"'](?!data:image/png;base64,)", page)
    assert "<script" not in page
    assert page.count("<img ") == page.count('alt="') == len(list((found[1] / "churn").glob("*.png"))) == 5


def test_every_period_is_shown_beside_the_baselines_and_so_is_what_could_not_be_evaluated(
    found: tuple[Backtest, Path],
) -> None:
    page = (found[1] / "backtest.html").read_text(encoding="utf-8")
    assert page.count("<summary>Period") == 3
    assert page.count(">logistic regression</th>") == page.count(">random</th>") == 4
    assert "2 different events are settled in the data." in page
    assert "samples &lt;b&gt;" in page


def test_the_files_are_those_that_were_written(found: tuple[Backtest, Path]) -> None:
    backtest, folder = found
    assert backtest.files[0] == "backtest.html"
    assert {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()} == set(backtest.files)


def documented(section: str) -> list[set[str]]:
    """The first column of each table of a section, a set a table."""
    text = DOCUMENT.split(f"\n## {section}\n")[1].split("\n## ")[0] if section else DOCUMENT.split("\n## ")[0]
    tables = re.findall(r"(?:^\|.*\|\n)+", text, flags=re.MULTILINE)
    return [set(re.findall(r"^\| `(\w+)`", table, flags=re.MULTILINE)) for table in tables]


def test_the_documentation_names_exactly_the_keys(found: tuple[Backtest, Path]) -> None:
    printed = found[0].to_json()
    evaluation = printed["risks"]["churn"]
    assert documented("") == [set(printed)]
    assert documented("A risk's evaluation") == [set(evaluation)]
    assert documented("A metrics report") == [set(evaluation["overall"])]
    assert documented("A finding") == [set(evaluation["verdict"]), set(FINDING_CODES)]
    assert documented("The lead") == [set(evaluation["lead"])]
    assert documented("Scorers") == [{f"rule_{rule.name}" for rule in BASELINES} | {"model", "logistic", "rule_random"}]
    assert documented("Figures") == [set(FIGURES)]
