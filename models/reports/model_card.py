"""The model card: what a model is, what it was worth, and where it should not be trusted, on one page.

Written for the analyst who has to answer for it and for the lead who has to believe it: the verdict first, every figure
with its interval beside the rules of thumb, the pictures, then data, limits and inputs. The same facts are rendered as
Markdown (for the repository and the registry) and as one HTML file that needs nothing from elsewhere.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from features.catalogue import GROUPS, find_feature, group_of_column
from models.reports import report_pages
from models.reports.plots import draw
from models.training import TrainingResult


def write(trained: TrainingResult, folder: Path, *, source: Mapping[str, object]) -> None:
    """Write ``card.md``, ``card.html`` and the pictures (``plots/*.png``) into ``folder``."""
    told = draw(trained.tested, folder / "plots")
    facts = _facts(trained, source)
    linked = [report_pages.Picture(f"plots/{name}", text) for name, text in told.items()]
    inlined = [report_pages.inlined(folder / picture.address, picture.alt) for picture in linked]
    report_pages.write(folder / "card.md", {**facts, "pictures": linked})
    report_pages.write(folder / "card.html", {**facts, "pictures": inlined})


def _facts(trained: TrainingResult, source: Mapping[str, object]) -> dict[str, Any]:
    model, evaluation = trained.model, trained.evaluation
    return {
        "trained": trained,
        "risk": model.risk,
        "evaluation": evaluation,
        "source": source,
        "event": report_pages.event(model.risk),
        "comparison": report_pages.comparison(evaluation.pooled, trained.kind),
        "origins": [report_pages.line(panel) for panel in evaluation.origins],
        "segments": [report_pages.line(panel) for panel in evaluation.segments],
        "unseen": report_pages.line(evaluation.unseen_accounts) if evaluation.unseen_accounts else None,
        "columns": _columns(trained),
        "catalogue": model.facts.get("catalogue", "unknown"),
        "calibrator": model.calibrator,
    }


def _columns(trained: TrainingResult) -> dict[str, list[dict[str, str]]]:
    """The model's inputs by the title of their group of reasons, each with its meaning."""
    groups: dict[str, list[dict[str, str]]] = {}
    for column in trained.model.signature.columns:
        name, feature = column.name, find_feature(column.name, column.declaration)
        meaning = feature.meaning if feature else ""
        groups.setdefault(GROUPS[group_of_column(name)], []).append({"name": name, "meaning": meaning})
    return groups
