"""The model card: verdict first, every figure beside the rules, limits said, and one file that needs nothing else."""

import re
from pathlib import Path

import pytest
from support.worlds.trained_factory import made_trained

from models.evaluation.bootstrap import Estimate
from models.evaluation.metrics import FIGURES
from models.reports import model_card, report_pages
from models.training import Trained

SOURCE = {"name": "samples <b>", "fingerprint": "abc123"}


@pytest.fixture(scope="module")
def trained() -> Trained:
    return made_trained(accounts=120)


@pytest.fixture(scope="module")
def folder(trained: Trained, tmp_path_factory: pytest.TempPathFactory) -> Path:
    written = tmp_path_factory.mktemp("card")
    model_card.write(trained, written, source=SOURCE)
    return written


def test_the_markdown_tells_the_verdict_the_data_and_the_limits(folder: Path, trained: Trained) -> None:
    text = (folder / "card.md").read_text(encoding="utf-8")
    assert text.startswith(f"# {trained.model.risk.title}\n\n{trained.evaluation.verdict}\n")
    for part in ("## How good it is", "## What it learned from", "## What it should not be used for", "## Inputs"):
        assert part in text
    assert "0.78 [0.74, 0.82]" in text
    assert "| random |" in text
    assert not re.search(r"\n{4,}", text)


def test_every_table_of_the_markdown_has_rows_as_wide_as_its_head(folder: Path) -> None:
    tables = re.findall(r"(?:^\|.*\|\n)+", (folder / "card.md").read_text(encoding="utf-8"), flags=re.MULTILINE)
    assert len(tables) >= 2
    for table in tables:
        assert len({line.count("|") for line in table.splitlines()}) == 1, table


def test_the_page_stands_alone_and_shows_every_picture_with_words(folder: Path) -> None:
    page = (folder / "card.html").read_text(encoding="utf-8")
    assert not re.search(r"(src|href)=[\"'](?!data:image/png;base64,)", page)
    assert "<script" not in page
    assert page.count("<img ") == page.count('alt="') == len(list((folder / "plots").glob("*.png"))) == 6


def test_what_a_source_is_called_stays_text_on_the_page(folder: Path) -> None:
    page = (folder / "card.html").read_text(encoding="utf-8")
    assert "samples &lt;b&gt;" in page


@pytest.mark.parametrize(
    ("name", "estimate", "told"),
    [
        ("auc", Estimate(0.781, 0.744, 0.822), "0.78 [0.74, 0.82]"),
        ("recall_at_capacity", Estimate(0.4, 0.3, 0.55), "40% [30%, 55%]"),
        ("lift_at_capacity", Estimate(3.0, float("nan"), float("nan")), "3.00"),
        ("auc", Estimate(float("nan"), 0.0, 0.0), "–"),
        ("auc", None, "–"),
    ],
)
def test_a_figure_is_told_with_its_interval(name: str, estimate: Estimate | None, told: str) -> None:
    assert name in FIGURES
    assert report_pages.figure(name, estimate) == told
