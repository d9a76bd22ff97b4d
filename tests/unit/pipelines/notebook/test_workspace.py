"""`import rescue`: the tables that a notebook gets, how they show themselves, and errors as one sentence."""

import ast
import gc
import sys
from collections.abc import Iterator
from datetime import UTC, date, datetime
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from support.nights.night_home import NightHome

import rescue
from features.errors import DataGateError, UsageError
from models.risks.defaults import CHURN
from pipelines.notebook import html_parts, progress_steps
from pipelines.notebook.data_frames import cutoff_days
from pipelines.notebook.progress_steps import ProgressSteps
from pipelines.notebook.uplift_view import UpliftView
from serving.night_report.effect_report import DifferenceReport
from serving.night_report.uplift_report import UpliftReport


@pytest.fixture(scope="module")
def data(night_home: NightHome, tmp_path_factory: pytest.TempPathFactory) -> rescue.Workspace:
    """The small world of the tests with a home in which one night has run."""
    home = night_home.copy(tmp_path_factory.mktemp("notebook") / "home")
    return rescue.open(night_home.data, home=home)


class Balanced(HTMLParser):
    """Fails where a tag is closed that is not open."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []

    def handle_starttag(self, tag: str, attrs: Any) -> None:
        if tag not in ("img", "br", "progress"):
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag != "progress":
            assert self.open.pop() == tag


def check_html(text: str) -> None:
    parser = Balanced()
    parser.feed(text)
    assert parser.open == []
    assert "color:" not in text.replace("background:#fff", ""), "colours are those of the page, so light and dark work"


def test_the_facade_imports_pipelines_only(root: Path) -> None:
    """Import-linter cannot check a module that is in no package."""
    tree = ast.parse((root / "rescue.py").read_text(encoding="utf-8"))
    imported = [
        name
        for node in ast.walk(tree)
        if isinstance(node, ast.Import | ast.ImportFrom)
        for name in ([node.module] if isinstance(node, ast.ImportFrom) else [alias.name for alias in node.names])
    ]
    roots = {str(name).partition(".")[0] for name in imported}
    assert roots - set(sys.stdlib_module_names) == {"pipelines", "pandas"}


def test_the_report_has_tables_and_shows_itself(data: rescue.Workspace) -> None:
    tables = data.report.tables
    assert (tables["rows"] >= tables["accepted"]).all()
    assert data.report.fit
    assert repr(data).endswith("A night can run on this source.")
    check_html(data._repr_html_())


def test_a_source_that_is_not_fit_has_a_report_and_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "accounts.csv").write_text("account_id,name\na,A\n", encoding="utf-8")
    opened = rescue.open(tmp_path)
    assert not opened.report.fit
    assert "would stop" in repr(opened)
    check_html(opened._repr_html_())
    with pytest.raises(DataGateError) as refused:
        opened.frame()
    (sentence,) = refused.value._render_traceback_()
    assert sentence.startswith("DataGateError: ")


@pytest.mark.parametrize(
    ("call", "sentence"),
    [
        (lambda data: data.labels("chrun"), "There is no risk 'chrun'; did you mean 'churn'?"),
        (lambda data: data.frame(features=["tickets_opn"]), "There is no feature 'tickets_opn'; did you mean"),
        (lambda data: data.frame("soon"), "A cutoff is a day such as '2026-03-01', not 'soon'."),
        (lambda data: data.frame("2130-01-01"), "2130-01-01 is in the future: today is"),
        (lambda data: data.labels("churn", "2026-01-01", "2130-01-01"), "2130-01-01 is in the future: today is"),
        (lambda data: data.labels("churn", "2026-07-02"), "Nothing is known after 2026-07-02: the last cutoff of this"),
        (lambda data: data.find_leaks("2026-07-02"), "Nothing is known after 2026-07-02: the last cutoff of this"),
        (lambda data: data.backtest("churn", before="2130-01-01"), "2130-01-01 is in the future: today is"),
        (lambda data: data.train("churn", before="2130-01-01"), "2130-01-01 is in the future: today is"),
        (lambda data: data.reasons("churn", as_of="2130-01-01"), "2130-01-01 is in the future: today is"),
        (lambda data: data.replay("2026-06-01", "2130-01-01"), "The nights from 1 Jun 2026 to 1 Jan 2130 are not"),
        (lambda data: data.nightly("2130-01-01"), "--as-of 2130-01-01 is"),
        (lambda data: data.frame("2001-01-01"), "Nothing was known before 2001-01-01; the first cutoff"),
        (lambda data: data.cut(["2026-01-01", "2026-02-01"]), "cutoff is one day such as '2026-03-01', not 2."),
        (lambda data: data.reasons("churn", accounts=["nobody"]), "The account 'nobody' has no score of churn"),
        (lambda data: data.promote("churn", version="9"), "There is no version 9 of rescue-churn"),
        (lambda data: data.replay("2026-02-01", "2026-01-01"), "--to 2026-01-01 is before"),
    ],
)
def test_a_mistake_is_one_sentence(data: rescue.Workspace, call: Any, sentence: str) -> None:
    with pytest.raises(UsageError) as refused:
        call(data)
    assert str(refused.value).startswith(sentence)


def test_a_setting_that_does_not_exist_is_one_sentence(night_home: NightHome) -> None:
    with pytest.raises(UsageError, match="There is no setting curency; did you mean 'currency'"):
        rescue.open(night_home.data, curency="EUR")


def test_cutoffs_are_days_in_any_form_each_once() -> None:
    given = [
        "2026-03-01",
        date(2026, 2, 1),
        datetime(2026, 3, 1, 5, tzinfo=UTC),
        pd.date_range("2026-02-01", periods=2, freq="7D"),
    ]
    assert cutoff_days(given) == [date(2026, 2, 1), date(2026, 2, 8), date(2026, 3, 1)]


def test_features_of_a_past_day_do_not_depend_on_what_came_later(data: rescue.Workspace) -> None:
    day = "2026-03-02"
    pd.testing.assert_frame_equal(data.cut(day).frame(day), data.frame(day))
    assert data.cut(day).source.history.until <= date(2026, 3, 2)


def test_a_source_can_be_read_as_long_as_anything_made_from_it_lives(night_home: NightHome) -> None:
    opened = rescue.open(night_home.data)
    folder, past = opened.source.scratch.folder, opened.cut("2026-03-02")
    del opened
    gc.collect()
    assert folder.is_dir()
    assert len(past.frame("2026-03-02", features=["tickets_open"]))
    del past
    gc.collect()
    assert not folder.is_dir()


def test_labels_are_true_false_or_unknown(data: rescue.Workspace) -> None:
    labels = data.labels("churn", "2026-01-05", "2026-06-29")
    assert labels["event"].dtype == "boolean"
    newest = labels[labels["as_of"] == "2026-06-29"]
    assert newest["event"].isna().all()
    assert newest["unknown"].notna().all()


def test_reasons_are_those_of_the_champion_strongest_account_first(data: rescue.Workspace) -> None:
    reasons = data.reasons("churn")
    first = reasons.groupby("account_id", sort=False)["probability"].first()
    assert first.is_monotonic_decreasing
    account = reasons["account_id"].iloc[-1]
    assert set(data.reasons("churn", accounts=[account])["account_id"]) == {account}


def test_the_queue_and_its_night_are_data_frames(data: rescue.Workspace) -> None:
    night = data.nightly("2026-07-01")
    assert list(night.cases.index) == [case.account_id for case in night.report.queue]
    assert set(night.cases.index) <= set(data.queue()["account_id"])
    check_html(night._repr_html_())


def test_an_effect_that_cannot_be_measured_yet_says_what_is_missing(data: rescue.Workspace) -> None:
    effect = data.effect("churn")
    assert effect.difference is None
    assert effect.text.startswith("Not measurable")
    assert set(effect.groups.index) == {"worked", "held out"}
    check_html(effect._repr_html_())


def test_an_uplift_that_cannot_be_learned_yet_says_what_is_missing(data: rescue.Workspace) -> None:
    uplift = data.uplift("churn")
    assert uplift.text.startswith("An uplift model needs 50 settled accounts")
    assert uplift.figures.empty and uplift.columns.empty
    check_html(uplift._repr_html_())


def test_an_uplift_model_is_figures_and_sentences() -> None:
    figure = DifferenceReport(value=1.5, low=0.4, high=2.6)
    report = UpliftReport(
        risk="churn", code="better", worked=900, held_out=300, by_uplift=figure, by_risk=figure, lead=figure,
        columns={"arr": -0.02},
    )  # fmt: skip
    uplift = UpliftView(CHURN, report)
    assert list(uplift.figures.loc["lead"]) == [1.5, 0.4, 2.6]
    assert uplift.columns.to_dict() == {"arr": -0.02}
    assert "Ranking by uplift is better than by risk" in repr(uplift)
    check_html(uplift._repr_html_())


def test_text_of_a_source_is_escaped() -> None:
    rows = pd.DataFrame({"name": ["<script>alert(1)</script>"]})
    assert "<script>" not in html_parts.table(rows) + html_parts.paragraph("<script>") + html_parts.picture(b"", "<b>")


class RecordedBar:
    """A bar that remembers what it was shown."""

    def __init__(self, text: str) -> None:
        self.shown: list[Any] = [text]

    def update(self, text: str, done: int | None, total: int | None) -> None:
        self.shown.append((text, done, total))

    def close(self, text: str) -> None:
        self.shown.append(text)


@pytest.fixture
def bars(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[RecordedBar]]:
    made: list[RecordedBar] = []

    def new_bar(text: str) -> RecordedBar:
        made.append(RecordedBar(text))
        return made[-1]

    monkeypatch.setattr(progress_steps, "_new_bar", new_bar)
    yield made


def test_a_bar_has_a_length_where_a_step_counts(bars: list[RecordedBar]) -> None:
    steps = ProgressSteps()
    with steps.step("train", "Training"):
        steps.log("churn: test period 3 of 6")
        with steps.step("inner", "Reading"):
            pass
    (bar,) = bars
    assert bar.shown[:3] == [
        "Training",
        ("Training: churn: test period 3 of 6", 2, 6),
        ("Training: Reading", None, None),
    ]
    assert bar.shown[3].startswith("Training: done after ")
    assert set(steps.seconds) == {"train", "inner"}


def test_a_bar_is_closed_where_a_step_fails_and_quiet_steps_have_none(bars: list[RecordedBar]) -> None:
    with pytest.raises(ValueError, match="no"), ProgressSteps().step("train", "Training"):
        raise ValueError("no")
    assert bars[0].shown[-1].startswith("Training: stopped after ")
    with ProgressSteps(quiet=True).step("train", "Training"):
        pass
    assert len(bars) == 1


def test_outside_a_notebook_and_a_terminal_nothing_is_shown(capsys: pytest.CaptureFixture[str]) -> None:
    with ProgressSteps().step("train", "Training"):
        pass
    assert capsys.readouterr() == ("", "")
