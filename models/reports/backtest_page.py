"""A backtest on one page: each risk's figures beside the rules, the pictures, and every test period in full."""

from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any

from models.evaluation.evaluate import Tested
from models.evaluation.metrics_report import Panel
from models.reports import report_pages
from models.reports.plots import draw
from models.risks import Risk

PAGE = "backtest.html"


def write(
    found: Mapping[Risk, Tested],
    folder: Path,
    *,
    source: Mapping[str, object],
    cutoffs: Sequence[date],
    not_learnable: Mapping[str, str],
) -> list[str]:
    """Write ``backtest.html``, which needs nothing from elsewhere, and ``<risk>/*.png``; returns the files' names.

    Args:
        found: what each risk's learner showed.
        folder: made where it is not there.
        source: ``name``, ``fingerprint``, ``first``, ``until``.
        cutoffs: the frame's, ascending.
        not_learnable: by title of a risk, why it cannot be learned.
    """
    folder.mkdir(parents=True, exist_ok=True)
    told = {risk: draw(tested, folder / risk.name) for risk, tested in found.items()}
    facts = {
        "source": source,
        "cutoffs": {"count": len(cutoffs), "first": cutoffs[0], "last": cutoffs[-1]},
        "not_learnable": not_learnable,
        "risks": [_facts(risk, tested, folder / risk.name, told[risk]) for risk, tested in found.items()],
    }
    report_pages.write(folder / PAGE, facts)
    return [PAGE, *(f"{risk.name}/{name}" for risk, pictures in told.items() for name in pictures)]


def _facts(risk: Risk, tested: Tested, folder: Path, pictures: Mapping[str, str]) -> dict[str, Any]:
    judged = tested.evaluation
    return {
        "title": risk.title,
        "event": report_pages.event(risk),
        "evaluation": judged,
        "because": tested.because,
        "pooled": report_pages.comparison(judged.pooled, judged.kind),
        "pictures": [report_pages.inlined(folder / name, text) for name, text in pictures.items()],
        "lines": [report_pages.line(panel) for panel in _panels(tested)],
        "origins": [
            {**vars(panel), "comparison": report_pages.comparison(panel, judged.kind)} for panel in judged.origins
        ],
        "segments": [report_pages.line(panel) for panel in judged.segments],
    }


def _panels(tested: Tested) -> list[Panel]:
    unseen = tested.evaluation.unseen_accounts
    return [*tested.evaluation.origins, *([unseen] if unseen else [])]
