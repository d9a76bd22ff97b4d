"""The page that ``rescue backtest`` prints: the figures of each risk beside the baselines, and by test period."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from models.evaluation.metrics import FIGURES
from models.reports.figures import SHOWN, figure_table, figure_title, report_line
from models.reports.sentences import render_finding, warnings_of
from pipelines.cli.output.terminal_tables import fit_table
from pipelines.console import out
from serving.night_report.report_text import plural

if TYPE_CHECKING:
    from rich.table import Table

    from models.evaluation.evaluate import BacktestResult
    from models.risks.risk import Risk

ONLY_IN_REPORT = ("Brier skill", "pooled calibration intercept", "lift at capacity", "recall at capacity")
"""Figures that the report page and the JSON have, and for which a table of 132 columns has no room."""
CAUGHT = figure_title("caught_at_capacity")
"""By this figure chance seems to do well, so the page says why."""
COUNTS = ("from", "to", "rows", "events")
INTERVAL = len("[0.70, 0.82]")
WIDE = 120
"""Columns of a terminal from which an interval fits on one line."""


def show_backtest(risk: Risk, result: BacktestResult) -> None:
    """Print the verdict, the figures beside those of every baseline, and the model's figures by test period."""
    evaluation = result.evaluation
    overall = evaluation.overall
    counts = f"tested on {plural(overall.rows, 'later row')} with {plural(overall.events, 'event')}"
    out.print(f"[bold]{risk.title}[/bold]: {counts}")
    reason = render_finding(evaluation.reason)
    out.print(f"{render_finding(evaluation.verdict)} Learner: {evaluation.kind}. {reason}", markup=False)
    for warning in warnings_of(evaluation):
        out.print(f"Warning: {warning}", markup=False)
    figures = figure_table(overall, evaluation.kind)
    rows = [row for row in figures["rows"] if row["name"] not in ONLY_IN_REPORT]
    cells = [[scorer, *(row["cells"][place] for row in rows)] for place, scorer in enumerate(figures["scorers"])]
    out.print(_table(["scorer", *(row["name"] for row in rows)], cells))
    if any(row["name"] == CAUGHT for row in rows):
        out.print(f"{CAUGHT}: {FIGURES['caught_at_capacity']}.", markup=False)
    titles = ["period", *COUNTS, *map(figure_title, SHOWN)]
    out.print(_table(titles, [_period(line) for line in map(report_line, evaluation.folds)]))


def _period(line: Mapping[str, Any]) -> list[str]:
    counts = (str(line["first"]), str(line["last"]), f"{line['rows']:,}", f"{line['events']:,}")
    return [line["name"], *counts, *line["cells"]]


def _table(titles: Sequence[str], rows: Sequence[Sequence[str]]) -> Table:
    first, *others = titles
    columns: dict[str, Mapping[str, Any]] = {first: {}}
    for name in others:
        figure = name not in COUNTS and out.width >= WIDE
        columns[name] = {
            "justify": "right",
            "no_wrap": name in COUNTS,
            "min_width": INTERVAL if figure else None,
        }
    cells = [[cell.replace(" [", "\n[") for cell in row] for row in rows]
    return fit_table(out, columns, cells, ("to", "rows", "log-loss skill", figure_title("calibration_slope")))
