"""The model card: verdict first, every figure beside the rules, limits said, and one file that needs nothing else."""

import re
from dataclasses import replace
from pathlib import Path

import pytest
from support.worlds.trained_factory import made_trained

from models.evaluation.bootstrap import Estimate
from models.evaluation.curve_calibration import CalibrationByDay
from models.evaluation.metrics import FIGURES
from models.reports.figures import format_figure
from models.reports.model_card import write_model_card
from models.reports.report_pages import describe_event
from models.reports.sentences import render_finding
from models.risks.defaults import CHURN, ESCALATION
from models.training import TrainingResult

SOURCE = {"name": "samples <b>", "fingerprint": "abc123"}


@pytest.fixture(scope="module")
def trained() -> TrainingResult:
    return made_trained(accounts=120)


@pytest.fixture(scope="module")
def folder(trained: TrainingResult, tmp_path_factory: pytest.TempPathFactory) -> Path:
    written = tmp_path_factory.mktemp("card")
    write_model_card(trained, written, source=SOURCE)
    return written


def test_the_markdown_tells_the_verdict_the_data_and_the_limits(folder: Path, trained: TrainingResult) -> None:
    text = (folder / "card.md").read_text(encoding="utf-8")
    assert text.startswith(f"# {trained.model.risk.title}\n\n{render_finding(trained.evaluation.verdict)}\n")
    for part in ("## How good it is", "## What it learned from", "## What it should not be used for", "## Inputs"):
        assert part in text
    assert "0.78 [0.74, 0.82]" in text
    assert "| random |" in text  # beside it, what the meaning of a figure refers to
    assert "each night (the column 'random' shows what chance gives)." in text
    assert not re.search(r"\n{4,}", text)


def test_both_cards_show_the_calibration_of_the_risk_over_time(trained: TrainingResult, tmp_path: Path) -> None:
    curve = (
        CalibrationByDay(30, 0.021, 0.019, 0.01, 0.03, 309, 23),
        CalibrationByDay(365, 0.2, 0.25, 0.2, 0.3, 90, 22),
    )
    write_model_card(replace(trained, curve=curve), tmp_path, source=SOURCE)
    assert "| 30 | 2.1% | 1.9% [1.0%, 3.0%] | 309 | 23 |" in (tmp_path / "card.md").read_text(encoding="utf-8")
    assert "<td>25.0% [20.0%, 30.0%]</td>" in (tmp_path / "card.html").read_text(encoding="utf-8")


def test_the_window_is_counted_from_the_night() -> None:
    assert "falls between 7 and 97 days after the night." in describe_event(CHURN)
    assert "occurs within 14 days." in describe_event(ESCALATION)


def test_a_card_without_a_curve_has_no_such_section(folder: Path) -> None:
    assert "Risk over time" not in (folder / "card.md").read_text(encoding="utf-8")


def test_every_table_of_the_markdown_has_rows_as_wide_as_its_head(folder: Path) -> None:
    tables = re.findall(r"(?:^\|.*\|\n)+", (folder / "card.md").read_text(encoding="utf-8"), flags=re.MULTILINE)
    assert len(tables) >= 2
    for table in tables:
        assert len({line.count("|") for line in table.splitlines()}) == 1, table


def test_the_page_stands_alone_and_shows_every_picture_with_words(folder: Path) -> None:
    page = (folder / "card.html").read_text(encoding="utf-8")
    assert not re.search(r"(src|href)=[\"'](?!data:image/png;base64,)", page)
    assert "<script" not in page
    assert page.count("<img ") == page.count('alt="') == len(list((folder / "plots").glob("*.png"))) == 5


def test_what_a_source_is_called_stays_text_on_the_page(folder: Path) -> None:
    page = (folder / "card.html").read_text(encoding="utf-8")
    assert "samples &lt;b&gt;" in page


@pytest.mark.parametrize(
    ("name", "estimate", "text"),
    [
        ("auc", Estimate(0.781, 0.744, 0.822), "0.78 [0.74, 0.82]"),
        ("recall_at_capacity", Estimate(0.4, 0.3, 0.55), "40% [30%, 55%]"),
        ("lift_at_capacity", Estimate(3.0, float("nan"), float("nan")), "3.00"),
        ("auc", Estimate(float("nan"), 0.0, 0.0), "–"),
        ("auc", None, "–"),
    ],
)
def test_a_figure_is_told_with_its_interval(name: str, estimate: Estimate | None, text: str) -> None:
    assert name in FIGURES
    assert format_figure(name, estimate) == text


def test_both_cards_say_how_it_is_calibrated_and_what_weights_cost(trained: TrainingResult, tmp_path: Path) -> None:
    rescued = replace(trained, effective_accounts=40.0, effective_events=11.4)
    write_model_card(rescued, tmp_path, source=SOURCE)
    for name in ("card.md", "card.html"):
        text = (tmp_path / name).read_text(encoding="utf-8")
        assert "on accounts that the fit did not know; as much evidence as" in text
        assert "worth 40 equal accounts, and the accounts with an event worth 11" in text


def test_a_model_without_a_signal_is_not_said_to_be_calibrated(trained: TrainingResult, tmp_path: Path) -> None:
    write_model_card(replace(trained, evaluation=replace(trained.evaluation, signal=False)), tmp_path, source=SOURCE)
    assert "every account gets the base rate" in (tmp_path / "card.md").read_text(encoding="utf-8")
