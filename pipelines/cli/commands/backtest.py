"""``rescue backtest``: how good the models would have been on this data, before anybody relies on them."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from pipelines import settings as configuration
from pipelines.cli import options
from pipelines.cli.options import Data, Json, day
from pipelines.cli.output.terminal_tables import fit_table
from pipelines.console import Steps, out

if TYPE_CHECKING:
    from rich.table import Table

    from models.evaluation.evaluate import Tested
    from models.risks.risk import Risk


LEFT_TO_THE_PAGE = ("Brier skill", "calibration intercept", "lift at capacity", "caught at capacity")
"""Figures that the page and the JSON have, but a table of 132 columns has no room for."""
COUNTED = ("from", "to", "rows", "events")
INTERVAL = len("[0.70, 0.82]")
ROOMY = 120
"""Columns of a terminal from which an interval stands on one line."""


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command(short_help="Judge both risks on later cutoffs, beside simple rules.")(backtest)


def backtest(
    data: Data = None,
    mapping: options.Mapping = None,
    risk: Annotated[str, typer.Option(help="churn, escalation or all")] = "all",
    through: Annotated[str | None, typer.Option(metavar="DATE", help="Use nothing known on this day or later.")] = None,
    to: Annotated[Path | None, typer.Option("--out", help="Folder for the report page and the pictures.")] = None,
    as_json: Json = False,
) -> None:
    """Judge both risks on later cutoffs, each figure with its interval beside simple rules. Nothing is registered."""
    from pipelines.training.backtesting import backtest_from

    cutoff = day(through, "--through")
    settings = configuration.load(data=data, mapping=mapping)
    found = backtest_from(settings, risk, cutoff, to, Steps(quiet=as_json))
    if as_json:
        typer.echo(json.dumps(found.to_json()))
        return
    for judged, tested in found.tested.items():
        _show(judged, tested)
    for why in found.not_learnable.values():
        out.print(f"Not judged. {why}", markup=False)
    if to is not None:
        out.print(f"The report: {to / found.files[0]}", markup=False)


def _show(risk: Risk, tested: Tested) -> None:
    """The verdict, the pooled figures beside every rule, and the model's own by test period."""
    from models.reports import report_pages

    judged = tested.evaluation
    out.print(f"[bold]{risk.title}[/bold]: {judged.pooled.rows:,} later rows with {judged.pooled.events:,} events")
    out.print(f"{judged.verdict} Learner: {judged.kind}: {tested.because}", markup=False)
    for warning in judged.warnings:
        out.print(f"Mind: {warning}", markup=False)
    found = report_pages.comparison(judged.pooled, judged.kind)
    rows = [row for row in found["rows"] if row["name"] not in LEFT_TO_THE_PAGE]
    out.print(
        _table(
            ["scorer", *(row["name"] for row in rows)],
            [[scorer, *(row["cells"][place] for row in rows)] for place, scorer in enumerate(found["scorers"])],
        )
    )
    titles = ["period", *COUNTED, *map(report_pages.titled, report_pages.SHOWN)]
    out.print(_table(titles, [_period(line) for line in map(report_pages.line, judged.origins)]))


def _period(line: Mapping[str, Any]) -> list[str]:
    counts = (str(line["first"]), str(line["last"]), f"{line['rows']:,}", f"{line['events']:,}")
    return [line["name"], *counts, *line["cells"]]


def _table(titles: Sequence[str], rows: Sequence[Sequence[str]]) -> Table:
    first, *others = titles
    columns: dict[str, Mapping[str, Any]] = {first: {}}
    for name in others:
        figure = name not in COUNTED and out.width >= ROOMY
        columns[name] = {
            "justify": "right",
            "no_wrap": name in COUNTED,
            "min_width": INTERVAL if figure else None,
        }
    broken = [[cell.replace(" [", "\n[") for cell in row] for row in rows]
    return fit_table(out, columns, broken, ("to", "rows", "log-loss skill", "calibration slope"))
