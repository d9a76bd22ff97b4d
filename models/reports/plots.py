"""The plots of a model card and of a backtest: ranking, calibration over time and by segment, and what it rests on.

Every plot is drawn from the test rows of the evaluation, which the model had not seen, and marks the team's capacity
wherever that decides how to read it. Drawn without a display and without matplotlib's global state.
"""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from features.catalogue import GROUPS
from models.data.arrays import Floats
from models.evaluation.bootstrap import Estimate
from models.evaluation.evaluate import BacktestResult
from models.evaluation.metrics_report import LOGISTIC, MODEL, RULE
from models.explain.importance import importance
from models.learners.baselines import RANDOM
from models.reports import curves
from models.reports.figures import SCORER_TITLES

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


MODEL_COLOUR, OBSERVED_COLOUR, BASELINE_COLOUR, QUIET = "#1f5a99", "#b8472a", "#5f6670", "#8a8f98"
LINES = ("-", "--", ":", "-.", (0, (5, 1, 1, 1, 1, 1)))
MOST_BASELINES = 3
SHARES_FLAGGED = np.linspace(0.005, 1, 100)


def draw_plots(result: BacktestResult, folder: Path) -> dict[str, str]:
    """Write every plot that the test rows allow into ``folder``; returns the files' names and what they show."""
    folder.mkdir(parents=True, exist_ok=True)
    descriptions = {}
    for name, (plot, text) in PLOTS.items():
        figure = _figure()
        if plot(figure, result):
            figure.savefig(folder / f"{name}.png", dpi=130)
            descriptions[f"{name}.png"] = text
    return descriptions


def reliability(figure: "Figure", result: BacktestResult) -> bool:
    """Expected against observed share of events in ten groups of equal size, with the interval of each."""
    axes = figure.subplots()
    groups = curves.calibration_curve(result)
    expected, observed = [group.expected for group in groups], [group.observed for group in groups]
    top = 1.08 * max(*expected, *(estimate.high for estimate in observed))
    axes.plot([0, top], [0, top], color=QUIET, linewidth=1, linestyle="--", label="perfect calibration")
    axes.errorbar(
        expected,
        [estimate.value for estimate in observed],
        _error_bars(observed),
        fmt="o",
        color=MODEL_COLOUR,
        capsize=3,
        label="a tenth of the rows",
    )
    _name(axes, "Calibration", "predicted probability", "share with the event")
    _percent(axes, "xy")
    axes.set(xlim=(0, top), ylim=(0, top))
    axes.legend(loc="upper left", frameon=False)
    return True


def precision_recall(figure: "Figure", result: BacktestResult) -> bool:
    """Precision by recall of the model, the logistic regression and the best baselines; the capacity is marked."""
    axes = figure.subplots()
    top = 0.1
    for number, (label, scorer) in enumerate(_scorers(result).items()):
        curve = curves.flagged_curve(result, scorer, SHARES_FLAGGED)
        axes.plot(curve["recall"], curve["precision"], label=label, **_line(number))
        top = max(top, float(curve["precision"][curve["recall"] > 0.03].max(initial=0.0)))
    at_capacity = result.evaluation.overall.scorers[MODEL]
    axes.plot(
        [at_capacity["recall_at_capacity"].value],
        [at_capacity["precision_at_capacity"].value],
        "o",
        color=OBSERVED_COLOUR,
        markersize=8,
        label=f"{result.evaluation.capacity} accounts a night",
    )
    axes.axhline(result.evaluation.overall.base_rate, color=QUIET, linewidth=1, linestyle="--", label="random")
    _name(axes, "Precision and recall", "recall: share of the events found", "precision")
    _percent(axes, "xy")
    axes.set(xlim=(0, 1), ylim=(0, min(1.02, 1.25 * top)))
    axes.legend(frameon=False, loc="upper right")
    return True


def gain_and_lift(figure: "Figure", result: BacktestResult) -> bool:
    """Share of the events found, and lift, by the share of accounts flagged on each night; the capacity is marked."""
    gain, lift = figure.subplots(1, 2)
    for number, (label, scorer) in enumerate(_scorers(result).items()):
        curve = curves.flagged_curve(result, scorer, SHARES_FLAGGED)
        gain.plot(SHARES_FLAGGED, curve["recall"], label=label, **_line(number))
        lift.plot(SHARES_FLAGGED, curve["lift"], **_line(number))
    gain.plot([0, 1], [0, 1], color=QUIET, linewidth=1, linestyle="--", label="random")
    lift.axhline(1, color=QUIET, linewidth=1, linestyle="--")
    mark = curves.capacity_share(result)
    for axes in (gain, lift):
        axes.axvline(mark, color=OBSERVED_COLOUR, linewidth=1.2)
        axes.set_xlim(0, 1)
    lift.set_ylim(bottom=0)
    text = f"  {result.evaluation.capacity} a night"
    lift.text(mark, 0.97, text, color=OBSERVED_COLOUR, va="top", transform=lift.get_xaxis_transform())
    _name(gain, "Events found", "share of accounts flagged", "share of events found")
    _name(lift, "Lift", "share of accounts flagged", "precision / base rate")
    _percent(gain, "xy")
    _percent(lift, "x")
    gain.legend(frameon=False, fontsize=8, loc="lower right")
    return True


def scores_by_cutoff(figure: "Figure", result: BacktestResult) -> bool:
    """The probabilities of each cutoff (middle 80% and mean), and the share that had the event."""
    axes = figure.subplots()
    cutoffs, groups = curves.calibration_of_cutoffs(result)
    days, probability = result.scored["as_of"].to_numpy(), curves.column(result, "probability")
    bounds = np.array([np.quantile(probability[days == cutoff], [0.1, 0.9]) for cutoff in cutoffs])
    axes.fill_between(cutoffs, bounds[:, 0], bounds[:, 1], color=MODEL_COLOUR, alpha=0.15, label="middle 80% of scores")
    axes.plot(cutoffs, [group.expected for group in groups], color=MODEL_COLOUR, label="mean probability")
    observed = [group.observed.value for group in groups]
    axes.plot(cutoffs, observed, color=OBSERVED_COLOUR, linestyle="--", marker=".", label="share with the event")
    _name(axes, "Calibration over time", "", "probability")
    _percent(axes, "y")
    axes.set_ylim(bottom=0)
    _dates(axes)
    axes.legend(frameon=False)
    return True


def top_reasons(figure: "Figure", result: BacktestResult) -> bool:
    """Which groups of features the model's decisions rest on."""
    shares = importance(result.model) if result.model else {}
    if not shares:
        return False
    axes = figure.subplots()
    groups = sorted(shares, key=lambda group: shares[group])
    axes.barh([GROUPS[group] for group in groups], [shares[group] for group in groups], color=MODEL_COLOUR)
    for place, group in enumerate(groups):
        axes.text(shares[group], place, f" {shares[group]:.0%}", va="center", fontsize=9)
    _name(axes, "What the model rests on", "share of what it learned from", "")
    _percent(axes, "x")
    axes.set_xlim(0, max(shares.values()) * 1.12)
    return True


def calibration_by_segment(figure: "Figure", result: BacktestResult) -> bool:
    """Expected and observed share of events of each segment, with the interval of the observed.

    Segments in which too few accounts had the event are named, and not drawn.
    """
    segments = [segment.name for segment in result.evaluation.segments]
    if not segments:
        return False
    few = sorted({*result.scored["segment"].to_pylist()} - {*segments})
    axes = figure.subplots()
    groups = curves.calibration_of_segments(result, segments)
    places, observed = np.arange(len(segments)), [group.observed for group in groups]
    axes.errorbar(
        places + 0.1,
        [estimate.value for estimate in observed],
        _error_bars(observed),
        capsize=4,
        color=OBSERVED_COLOUR,
        fmt="s",
        label="observed",
    )
    axes.plot(places - 0.1, [group.expected for group in groups], "o", color=MODEL_COLOUR, label="expected")
    axes.set_xticks(places, segments, rotation=20 if len(segments) > 5 else 0)
    axes.set_xlim(-0.6, len(segments) - 0.4)
    too_few = f"Too few accounts with the event to say: {', '.join(few)}" if few else ""
    _name(axes, "Calibration by segment", too_few, "share with the event")
    _percent(axes, "y")
    axes.set_ylim(bottom=0)
    axes.legend(frameon=False)
    return True


PLOTS: dict[str, tuple[Callable[["Figure", BacktestResult], bool], str]] = {
    "reliability": (reliability, "Predicted probability against the share with the event, in ten groups of test rows."),
    "precision_recall": (
        precision_recall,
        "Precision by recall beside the baselines; the dot is what the team finds at its capacity.",
    ),
    "gain_and_lift": (
        gain_and_lift,
        "Events found and lift by share of accounts flagged; the line is the team's capacity.",
    ),
    "scores_by_cutoff": (scores_by_cutoff, "Mean probability and share with the event at each test cutoff."),
    "top_reasons": (top_reasons, "Groups of features by how much the model learned from them."),
    "calibration_by_segment": (calibration_by_segment, "Expected and observed share of events of each segment."),
}


def _error_bars(estimates: Sequence[Estimate]) -> Floats:
    """How far each interval reaches below and above its value: 2 × estimates."""
    return np.array([[one.value - one.low for one in estimates], [one.high - one.value for one in estimates]])


def _figure() -> "Figure":
    from matplotlib.figure import Figure

    return Figure(figsize=(7.0, 4.2), layout="constrained")


def _scorers(result: BacktestResult) -> dict[str, str]:
    """The columns with the scores of the model, the logistic regression and the best baselines, by title."""
    overall = result.evaluation.overall.scorers

    def precision(name: str) -> float:
        estimate = overall.get(name, {}).get("average_precision")
        return -np.inf if estimate is None or not np.isfinite(estimate.value) else estimate.value

    baselines = [name for name in result.scored.column_names if name.startswith(RULE) and name != f"{RULE}{RANDOM}"]
    best = sorted(baselines, key=precision, reverse=True)[:MOST_BASELINES]
    own = {"this model": "rank_score"}
    if result.evaluation.kind != LOGISTIC:
        own[SCORER_TITLES[LOGISTIC]] = LOGISTIC
    return own | {SCORER_TITLES.get(name, name): name for name in best}


def _line(number: int) -> dict[str, Any]:
    """The model is thick and blue; the others differ by dashes, so that no meaning lies in colour alone."""
    if number == 0:
        return {"color": MODEL_COLOUR, "linewidth": 2.2}
    return {
        "color": "#25282d" if number == 1 else BASELINE_COLOUR,
        "linewidth": 1.4,
        "linestyle": LINES[number % len(LINES)],
    }


def _name(axes: "Axes", title: str, across: str, up: str) -> None:
    axes.set_title(title, loc="left", fontsize=12, fontweight="bold")
    axes.set(xlabel=across, ylabel=up)
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(color="#e6e8eb", linewidth=0.7)
    axes.set_axisbelow(True)


def _percent(axes: "Axes", which: str) -> None:
    from matplotlib.ticker import PercentFormatter

    for letter in which:
        getattr(axes, f"{letter}axis").set_major_formatter(PercentFormatter(1.0, decimals=None))


def _dates(axes: "Axes") -> None:
    from matplotlib.dates import AutoDateLocator, ConciseDateFormatter

    locator = AutoDateLocator(minticks=3, maxticks=8)
    axes.xaxis.set_major_locator(locator)
    axes.xaxis.set_major_formatter(ConciseDateFormatter(locator))
