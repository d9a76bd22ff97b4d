"""The model card: what a model is, what it was worth, and where it should not be trusted, on one page.

Written for the analyst who has to answer for it and for the lead who has to believe it: the verdict first, every figure
with its interval beside the rules of thumb, the pictures, then data, limits and inputs. The same facts are rendered as
Markdown (for the repository and the registry) and as one HTML file that needs nothing from elsewhere.
"""

import base64
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from features.catalogue import GROUPS
from models.bootstrap import Estimate
from models.evaluation import LOGISTIC, MODEL, Panel
from models.measures import FIGURES
from models.plots import draw
from models.reasons import KNOWN, group_of
from models.rules import RULES
from models.training import Trained

TEMPLATES = Path(__file__).with_name("templates")
SHARES = frozenset(name for name in FIGURES if name.endswith("at_capacity")) - {"lift_at_capacity"}
"""Figures that are told in percent."""
TITLES = {MODEL: "this model", LOGISTIC: "logistic regression", "rule_random": "random"} | {
    f"rule_{rule.name}": rule.title for rule in RULES
}


def write(trained: Trained, folder: Path, *, source: Mapping[str, object]) -> None:
    """Write ``card.md``, ``card.html`` and the pictures (``plots/*.png``) into ``folder``."""
    told = draw(trained, folder / "plots")
    facts = _facts(trained, source)
    pictures = [{"file": f"plots/{name}", "alt": text} for name, text in told.items()]
    inlined = [{**picture, "file": _inline(folder / str(picture["file"]))} for picture in pictures]
    (folder / "card.md").write_text(_render("card.md.jinja", facts, pictures), encoding="utf-8")
    (folder / "card.html").write_text(_render("card.html.jinja", facts, inlined), encoding="utf-8")


def figure(name: str, estimate: Estimate | None) -> str:
    """A figure with its interval as the card tells it: ``0.81 [0.77, 0.85]``, shares in percent, a dash where none."""
    if estimate is None or not np.isfinite(estimate.value):
        return "–"
    shape = "{:.0%}" if name in SHARES else "{:.2f}"
    value, low, high = (shape.format(number) for number in (estimate.value, estimate.low, estimate.high))
    return f"{value} [{low}, {high}]" if np.isfinite(estimate.low) else value


def _facts(trained: Trained, source: Mapping[str, object]) -> dict[str, Any]:
    model, evaluation = trained.model, trained.evaluation
    return {
        "trained": trained,
        "risk": model.risk,
        "evaluation": evaluation,
        "source": source,
        "event": _event(trained),
        "comparison": _comparison(evaluation.pooled, trained.kind),
        "origins": [_line(panel) for panel in evaluation.origins],
        "segments": [_line(panel) for panel in evaluation.segments],
        "unseen": _line(evaluation.unseen_accounts) if evaluation.unseen_accounts else None,
        "columns": _columns(trained),
        "catalogue": model.facts.get("catalogue", "unknown"),
        "calibrator": model.calibrator,
    }


def _event(trained: Trained) -> str:
    """What is predicted, in the words of the data contract."""
    rule = trained.model.risk.label
    window = f"within {rule.horizon} days" + (f", from {rule.lead} days after the night on" if rule.lead else "")
    return {
        "escalation": f"A ticket of the account is escalated {window}.",
        "contract": f"The decision to end the account's last running subscription falls {window}.",
        "silence": f"An account that was active in the last {rule.active} days shows no activity {window}.",
    }[rule.kind]


def _comparison(panel: Panel, kind: str) -> dict[str, Any]:
    """Figures down, scorers across: the model first, then the logistic regression (unless it is that) and the rules."""
    skipped = {MODEL, LOGISTIC} if kind == LOGISTIC else {MODEL}
    scorers = [MODEL, *(name for name in panel.scorers if name not in skipped)]
    rows = [
        {
            "name": _titled(name),
            "meaning": meaning,
            "cells": [figure(name, _of(panel, s, name)) for s in scorers],
        }
        for name, meaning in FIGURES.items()
        if _of(panel, MODEL, name) is not None
    ]
    return {"scorers": [TITLES.get(name, name.replace("_", " ")) for name in scorers], "rows": rows}


def _titled(name: str) -> str:
    return "AUC" if name == "auc" else name.replace("_", " ")


def _of(panel: Panel, scorer: str, name: str) -> Estimate | None:
    return panel.scorers.get(scorer, {}).get(name)


SHOWN = ("auc", "average_precision", "calibration_slope", "precision_at_capacity", "recall_at_capacity")
"""The figures of each origin and segment."""


def _line(panel: Panel) -> dict[str, Any]:
    cells = [figure(name, _of(panel, MODEL, name)) for name in SHOWN]
    return {
        "name": panel.name,
        "first": panel.first,
        "last": panel.last,
        "rows": panel.rows,
        "events": panel.events,
    } | {"cells": cells}


def _columns(trained: Trained) -> dict[str, list[dict[str, str]]]:
    """The model's inputs by the title of their group of reasons, each with its meaning."""
    groups: dict[str, list[dict[str, str]]] = {}
    for name in trained.model.features:
        meaning = KNOWN[name].meaning if name in KNOWN else ""
        groups.setdefault(GROUPS[group_of(name)], []).append({"name": name, "meaning": meaning})
    return groups


def _render(template: str, facts: Mapping[str, Any], pictures: list[dict[str, str]]) -> str:
    from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape

    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=select_autoescape(["html.jinja"]),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    shown = [_titled(name) for name in SHOWN]
    return environment.get_template(template).render(facts, pictures=pictures, shown=shown) + "\n"


def _inline(picture: Path) -> str:
    """The picture itself as an address, so that the page stands alone."""
    return "data:image/png;base64," + base64.b64encode(picture.read_bytes()).decode()
