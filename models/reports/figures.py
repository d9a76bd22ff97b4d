"""Figures as people read them: their titles, their format, and the tables of a metrics report."""

from typing import Any

import numpy as np

from models.evaluation.bootstrap import Estimate
from models.evaluation.metrics import FIGURES, POOLED
from models.evaluation.metrics_report import LOGISTIC, MIN_SEGMENT_ACCOUNTS, MODEL, RULE, MetricsReport
from models.learners.baselines import BASELINES, RANDOM

SHARES = frozenset(name for name in FIGURES if name.endswith("at_capacity")) - {"lift_at_capacity"}
"""Figures that are written in percent."""
BASELINE_TITLES = {rule.name: rule.title for rule in BASELINES} | {RANDOM: "random"}
SCORER_TITLES = {MODEL: "this model", LOGISTIC: "logistic regression"} | {
    f"{RULE}{name}": title for name, title in BASELINE_TITLES.items()
}
FIGURE_TITLES = {name: f"pooled {name.replace('_', ' ')}" for name in POOLED} | {
    "auc": "AUC",
    "brier_skill": "Brier skill",
    "log_loss_skill": "log-loss skill",
    "observed_to_expected": "pooled observed / expected",
}
"""Titles that are not simply the figure's name; a figure over all nights together is called pooled."""
SHOWN = ("auc", "average_precision", "calibration_slope", "precision_at_capacity", "recall_at_capacity")
"""The figures of each fold and segment."""
TOO_FEW = "too few to say"
"""What a table says of calibration where fewer accounts had the event than a calibrator needs: any line would fit."""


def figure_title(name: str) -> str:
    """A figure's name as people write it."""
    return FIGURE_TITLES.get(name, name.replace("_", " "))


def format_figure(name: str, estimate: Estimate | None) -> str:
    """A figure with its interval: ``0.81 [0.77, 0.85]``, shares in percent, a dash where it is not defined."""
    if estimate is None or not np.isfinite(estimate.value):
        return "–"
    shape = "{:.0%}" if name in SHARES else "{:z.2f}"
    value, low, high = (shape.format(number) for number in (estimate.value, estimate.low, estimate.high))
    return f"{value} [{low}, {high}]" if np.isfinite(estimate.low) else value


def figure_table(report: MetricsReport, kind: str) -> dict[str, Any]:
    """Figures down, scorers across: the model, then the logistic regression (unless it is that) and the baselines."""
    skipped = {MODEL, LOGISTIC} if kind == LOGISTIC else {MODEL}
    scorers = [MODEL, *(name for name in report.scorers if name not in skipped)]
    rows = [
        {
            "name": figure_title(name),
            "meaning": meaning,
            "cells": [_cell(report, scorer, name) for scorer in scorers],
        }
        for name, meaning in FIGURES.items()
        if _figure(report, MODEL, name) is not None
    ]
    return {"scorers": [SCORER_TITLES.get(name, name.replace("_", " ")) for name in scorers], "rows": rows}


def report_line(report: MetricsReport) -> dict[str, Any]:
    """One line of a table of reports: the model's figures ``SHOWN``."""
    return {
        "name": report.name,
        "first": report.first,
        "last": report.last,
        "rows": report.rows,
        "accounts": report.accounts_with_event,
        "events": report.events,
        "cells": [_cell(report, MODEL, name) for name in SHOWN],
    }


def _cell(report: MetricsReport, scorer: str, name: str) -> str:
    estimate = _figure(report, scorer, name)
    few = name in POOLED and report.accounts_with_event < MIN_SEGMENT_ACCOUNTS
    return TOO_FEW if few and estimate is not None else format_figure(name, estimate)


def _figure(report: MetricsReport, scorer: str, name: str) -> Estimate | None:
    return report.scorers.get(scorer, {}).get(name)
