"""``rescue monitor``: age of the feeds, number of rows, score drift, performance, and the effect of the team."""

import json
from typing import TYPE_CHECKING

import typer

from pipelines import settings as configuration
from pipelines.cli.options import Data, Home, Json, Mapping, NightOf, parse_day
from pipelines.console import Steps, out
from serving.night_report.report_text import day_text, effect_line, plural

if TYPE_CHECKING:
    from models.evaluation.metrics_report import MetricsReport
    from pipelines.monitoring.monitor import MonitorReport


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command(short_help="Check feeds, row counts, score drift and the team's effect.")(monitor)


def monitor(
    data: Data = None, as_of: NightOf = None, home: Home = None, mapping: Mapping = None, as_json: Json = False
) -> None:
    """Check the age of the feeds, the number of rows, score drift, and the effect of the team. Nothing is changed."""
    from pipelines.monitoring import monitor

    cutoff = parse_day(as_of, "--as-of")
    settings = configuration.load(data=data, home=home, mapping=mapping)
    report = monitor.monitor(settings, cutoff, Steps(quiet=as_json))
    if as_json:
        typer.echo(json.dumps(report.to_json()))
    else:
        _show(report)


def performance_line(report: "MetricsReport") -> str:
    """The figures of a champion at matured cutoffs in one line."""
    from models.reports.figures import format_figure

    figures = {name: format_figure(name, report.scorers["model"][name]) for name in ("auc", "observed_to_expected")}
    counts = f"{plural(report.rows, 'row')}, {plural(report.accounts_with_event, 'account')} with an event"
    return f"AUC {figures['auc']}, observed / expected {figures['observed_to_expected']} ({counts})"


def _show(report: "MonitorReport") -> None:
    night = day_text(report.night) if report.night else "none"
    out.print(f"Cutoff {day_text(report.as_of)}; newest recorded night: {night}.", markup=False)
    ages = ", ".join(f"{name} {'no rows' if age is None else plural(age, 'day')}" for name, age in report.feeds.items())
    out.print(f"Age of the newest row: {ages}.", markup=False)
    for risk, drift in report.drift.items():
        text = drift if isinstance(drift, str) else f"{drift.verdict}, index {drift.index:.3f} ({drift.now:,} scores)"
        out.print(f"Score drift of {risk}: {text}.", markup=False)
    for risk, performance in report.performance.items():
        text = performance if isinstance(performance, str) else performance_line(performance)
        out.print(f"Performance of {risk}: {text}.", markup=False)
    for risk, effect in report.effect.items():
        out.print(f"Effect of the team on {risk}: {effect_line(effect.report())}", markup=False)
    for alarm in report.alarms:
        out.print(f"Warning: {alarm}.", markup=False)
