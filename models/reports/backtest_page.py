"""A backtest on one page: each risk's figures beside the baselines, the plots, and every test period in full."""

from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any

from models.evaluation.evaluate import BacktestResult
from models.reports.plots import draw_plots
from models.reports.report_pages import evaluation_facts, inline_picture, write_page
from models.risks.risk import Risk

PAGE = "backtest.html"


def write_backtest(
    results: Mapping[Risk, BacktestResult],
    folder: Path,
    *,
    source: Mapping[str, object],
    cutoffs: Sequence[date],
    not_learnable: Mapping[str, str],
) -> list[str]:
    """Write ``backtest.html``, which needs no other file, and ``<risk>/*.png``; returns the files' names.

    Args:
        results: the backtest of each risk.
        folder: made where it is not there.
        source: ``name``, ``fingerprint``, ``first``, ``until``.
        cutoffs: the frame's, ascending.
        not_learnable: by name of a risk, why it cannot be learned.
    """
    folder.mkdir(parents=True, exist_ok=True)
    plots = {risk: draw_plots(result, folder / risk.name) for risk, result in results.items()}
    facts = {
        "source": source,
        "cutoffs": {"count": len(cutoffs), "first": cutoffs[0], "last": cutoffs[-1]},
        "not_learnable": not_learnable,
        "risks": [_facts(risk, result, folder / risk.name, plots[risk]) for risk, result in results.items()],
    }
    write_page(folder / PAGE, facts)
    return [PAGE, *(f"{risk.name}/{name}" for risk, names in plots.items() for name in names)]


def _facts(risk: Risk, result: BacktestResult, folder: Path, plots: Mapping[str, str]) -> dict[str, Any]:
    pictures = [inline_picture(folder / name, text) for name, text in plots.items()]
    return {**evaluation_facts(risk, result.evaluation), "pictures": pictures}
