"""Values that no feature uses are counted by ``rescue check`` and change nothing else."""

from pathlib import Path

import pyarrow.parquet as pq
import pytest
from support.worlds.factories import Story

from features.contract import Metric
from pipelines.cli.output.check_output import show_check
from pipelines.console import out
from pipelines.sources.source_check import CheckReport, check_source

NPS = Metric("nps", "NPS", "points", "good", "NPS")
GONE = Metric("gone", "gone", "", "bad", "gone")


def checked(story: Story, folder: Path, *metrics: Metric) -> CheckReport:
    for name, rows in story.tables().items():
        pq.write_table(rows, folder / f"{name}.parquet")
    return check_source(str(folder), metrics=metrics)


def unused(
    table: str, column: str, value: str, rows: int = 1, *, nearest: str | None = None, section: str
) -> dict[str, object]:
    return {
        "table": table,
        "column": column,
        "value": value,
        "rows": rows,
        "nearest": nearest,
        "section": section,
    }


@pytest.fixture
def story() -> Story:
    told = Story().account("acme").metric("acme", "2026-02-01", "NPS", 50)
    for place, metric in enumerate(["adoption", "adoption", "seats used"]):
        told.metric("acme", f"2026-02-0{place + 2}", metric, 1.0)
    told.ticket("acme", "2026-02-01").event("escalated", "2026-02-02").event("Escalated!", "2026-02-03")
    told.event("Eskaliret", "2026-02-04").event("status", "2026-02-05", "parked").event("csat", "2026-02-06", "4")
    return told.invoice("acme", "2026-02-01", status="paid").invoice("acme", "2026-02-01", status="lost")


def test_undeclared_metrics_and_values_that_are_not_understood_are_counted(story: Story, tmp_path: Path) -> None:
    report = checked(story, tmp_path, NPS, GONE)
    rows = report.as_json()["unused_values"]
    assert "solved" in next(row["words"] for row in rows if row["value"] == "parked")
    assert [{key: value for key, value in row.items() if key != "words"} for row in rows] == [
        unused("metrics", "metric", "adoption", 2, section="metrics"),
        unused("metrics", "metric", "seats used", section="metrics"),
        unused("ticket_events", "kind", "eskaliret", nearest="escalated", section="words.kind"),
        unused("ticket_events", "value", "parked", section="words.status"),
        unused("invoices", "status", "lost", section="words.status"),
    ]
    assert report.as_json()["metrics_without_rows"] == ["gone"]
    assert report.validation.tables["metrics"].accepted == 4
    assert not report.problems


def test_they_are_shown(story: Story, tmp_path: Path) -> None:
    with out.capture() as shown:
        show_check(checked(story, tmp_path, NPS, GONE))
    text = " ".join(shown.get().split())
    assert "metrics.metric: values that are not declared in the settings and not used: 'adoption' (2 rows), " in text
    assert (
        "ticket_events.kind: values that are not understood and not used: 'eskaliret' (1 row, near 'escalated')" in text
    )
    assert 'section [words.kind]: "eskaliret" = "escalated"' in text
    assert '"parked" =' not in text  # its meaning is not known, so none is proposed
    assert "A value that means one of the words open, paid, void, uncollectible, draft can be given this" in text
    assert "Warning: the settings declare the metric gone, and no row of the source has it." in text


def test_a_declared_metric_without_the_table_is_reported(tmp_path: Path) -> None:
    report = checked(Story().account("acme"), tmp_path, NPS)
    assert report.unmeasured == ("nps",)
    assert "the company's own numbers" in report.costs["metrics"]
    assert "metrics" not in report.validation.missing
