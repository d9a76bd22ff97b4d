"""What the model card and the backtest's page share: figures as words, tables of them, pictures inside the page."""

import base64
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from models.evaluation.bootstrap import Estimate
from models.evaluation.metrics import FIGURES
from models.evaluation.metrics_report import LOGISTIC, MODEL, Panel
from models.learners.baselines import RULES
from models.risks import Risk

TEMPLATES = Path(__file__).with_name("templates")
SHARES = frozenset(name for name in FIGURES if name.endswith("at_capacity")) - {"lift_at_capacity"}
"""Figures that are told in percent."""
TITLES = {MODEL: "this model", LOGISTIC: "logistic regression", "rule_random": "random"} | {
    f"rule_{rule.name}": rule.title for rule in RULES
}
_PROPER = {"auc": "AUC", "brier_skill": "Brier skill", "log_loss_skill": "log-loss skill"}
SHOWN = ("auc", "average_precision", "calibration_slope", "precision_at_capacity", "recall_at_capacity")
"""The figures of each origin and segment."""


def figure(name: str, estimate: Estimate | None) -> str:
    """A figure with its interval as the card tells it: ``0.81 [0.77, 0.85]``, shares in percent, a dash where none."""
    if estimate is None or not np.isfinite(estimate.value):
        return "–"
    shape = "{:.0%}" if name in SHARES else "{:z.2f}"
    value, low, high = (shape.format(number) for number in (estimate.value, estimate.low, estimate.high))
    return f"{value} [{low}, {high}]" if np.isfinite(estimate.low) else value


def comparison(panel: Panel, kind: str) -> dict[str, Any]:
    """Figures down, scorers across: the model first, then the logistic regression (unless it is that) and the rules."""
    skipped = {MODEL, LOGISTIC} if kind == LOGISTIC else {MODEL}
    scorers = [MODEL, *(name for name in panel.scorers if name not in skipped)]
    rows = [
        {
            "name": titled(name),
            "meaning": meaning,
            "cells": [figure(name, _of(panel, s, name)) for s in scorers],
        }
        for name, meaning in FIGURES.items()
        if _of(panel, MODEL, name) is not None
    ]
    return {"scorers": [TITLES.get(name, name.replace("_", " ")) for name in scorers], "rows": rows}


def titled(name: str) -> str:
    """A figure's name as a person writes it."""
    return _PROPER.get(name, name.replace("_", " "))


def _of(panel: Panel, scorer: str, name: str) -> Estimate | None:
    return panel.scorers.get(scorer, {}).get(name)


def line(panel: Panel) -> dict[str, Any]:
    """One line of a table of panels: the figures ``SHOWN`` of the model."""
    cells = [figure(name, _of(panel, MODEL, name)) for name in SHOWN]
    return {
        "name": panel.name,
        "first": panel.first,
        "last": panel.last,
        "rows": panel.rows,
        "events": panel.events,
    } | {"cells": cells}


def event(risk: Risk) -> str:
    """What is predicted, in the words of the data contract."""
    rule = risk.label
    window = f"within {rule.horizon} days" + (f", from {rule.lead} days after the night on" if rule.lead else "")
    return {
        "escalation": f"A ticket of the account is escalated {window}.",
        "contract": f"The decision to end the account's last running subscription falls {window}.",
        "silence": f"An account that was active in the last {rule.active} days shows no activity {window}.",
    }[rule.kind]


@dataclass(frozen=True)
class Picture:
    """A picture on a page: where it is, and what it shows in words."""

    address: str
    alt: str


def inlined(file: Path, alt: str) -> Picture:
    """The picture itself as an address, so that the page stands alone."""
    return Picture("data:image/png;base64," + base64.b64encode(file.read_bytes()).decode(), alt)


def write(file: Path, facts: Mapping[str, Any]) -> None:
    """Render the template of the file's own name with these facts; what a source is called stays text."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape

    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=select_autoescape(["html.jinja"]),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    shown = [titled(name) for name in SHOWN]
    text = environment.get_template(f"{file.name}.jinja").render(facts, shown=shown)
    file.write_text(text + "\n", encoding="utf-8")
