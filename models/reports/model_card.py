"""The model card: what a model is, what it was worth, and where it should not be trusted, on one page.

Written for the analyst who has to answer for it and for the lead who has to believe it: the verdict first, every figure
with its interval beside the baselines, the plots, then data, limits and inputs. The same facts are rendered as Markdown
(for the repository and the registry) and as one HTML file that needs no other file.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from features.catalogue import GROUPS, find_feature, group_of_column
from models.data.recipe import digest_of_recipe
from models.reports.plots import draw_plots
from models.reports.report_pages import Picture, evaluation_facts, inline_picture, write_page
from models.reports.tuning_text import render_tuning
from models.training import TrainingResult


def write_model_card(trained: TrainingResult, folder: Path, *, source: Mapping[str, object]) -> None:
    """Write ``card.md``, ``card.html`` and the plots (``plots/*.png``) into ``folder``."""
    plots = draw_plots(trained.backtest, folder / "plots")
    facts = _facts(trained, source)
    linked = [Picture(f"plots/{name}", text) for name, text in plots.items()]
    inlined = [inline_picture(folder / picture.address, picture.alt) for picture in linked]
    write_page(folder / "card.md", {**facts, "pictures": linked})
    write_page(folder / "card.html", {**facts, "pictures": inlined})


def _facts(trained: TrainingResult, source: Mapping[str, object]) -> dict[str, Any]:
    model = trained.model
    return {
        "facts": evaluation_facts(model.risk, trained.evaluation),
        "trained": trained,
        "source": source,
        "lead": model.risk.label.lead,
        "columns": _columns(trained),
        "extensions": [{"file": file, "parts": parts} for file, parts in model.extensions.items()],
        "recipe": digest_of_recipe(model.facts.get("recipe")),
        "tuning": render_tuning(trained.tuning) if trained.tuning else "",
        "catalogue": model.facts.get("catalogue", "unknown"),
        "calibration": _calibration(trained),
        "weighted": _weighted(trained),
    }


def _calibration(trained: TrainingResult) -> str:
    """How log-odds become probabilities."""
    calibrator = trained.model.calibrator
    if not trained.evaluation.signal:
        return "none: without a signal every account gets the base rate"
    events = f"{calibrator.events:,.0f} accounts of equal weight with an event"
    known = f"{calibrator.kind}, on accounts that the fit did not know; as much evidence as {events}"
    if calibrator.slope_error is None:
        return known
    return f"{known}, which tell the slope of the log-odds to ± {1.96 * calibrator.slope_error:.0%}"


def _weighted(trained: TrainingResult) -> str:
    """What the weights of hold-out rows cost; empty where all rows count the same."""
    if trained.effective_accounts > 0.99 * trained.accounts:
        return ""
    return (
        f"; by their weights worth {trained.effective_accounts:,.0f} equal accounts, and the accounts with an event "
        f"worth {trained.effective_events:,.0f}"
    )


def _columns(trained: TrainingResult) -> dict[str, list[dict[str, str]]]:
    """The model's inputs by the title of their group of reasons, each with its meaning."""
    groups: dict[str, list[dict[str, str]]] = {}
    for column in trained.model.signature.columns:
        name, feature = column.name, find_feature(column.name, column.declaration)
        meaning = feature.meaning if feature else ""
        groups.setdefault(GROUPS[group_of_column(name)], []).append({"name": name, "meaning": meaning})
    return groups
