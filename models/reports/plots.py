"""The pictures of a model card and of a backtest: how good it is, where, and whether probabilities mean what they say.

Every picture is drawn from the test rows of the evaluation, which the model had not seen, and marks what the team can
work in a night wherever that decides how to read it. Drawn without a display and without matplotlib's global state.
"""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from features.catalogue import GROUPS
from models.data.arrays import Floats
from models.evaluation.evaluate import Tested
from models.explain.importance import importance
from models.learners.baselines import RULES
from models.reports import curves

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


MODEL_COLOUR, SEEN_COLOUR, RULES_COLOUR, QUIET = "#1f5a99", "#b8472a", "#5f6670", "#8a8f98"
LINES = ("-", "--", ":", "-.", (0, (5, 1, 1, 1, 1, 1)))
MOST_RULES = 3


def draw(tested: Tested, folder: Path) -> dict[str, str]:
    """Write every picture that the test rows allow into ``folder``; returns the files' names and what they show."""
    folder.mkdir(parents=True, exist_ok=True)
    told = {}
    for name, (paint, text) in PICTURES.items():
        figure = _figure()
        if paint(figure, tested):
            figure.savefig(folder / f"{name}.png", dpi=130)
            told[f"{name}.png"] = text
    return told


def reliability(figure: "Figure", tested: Tested) -> bool:
    """Expected against observed share of events in ten groups of equal size, with the interval of each."""
    axes = figure.subplots()
    expected, seen, low, high = curves.by_group(tested)
    top = float(max(high.max(), expected.max()) * 1.08)
    axes.plot([0, top], [0, top], color=QUIET, linewidth=1, linestyle="--", label="means what it says")
    axes.errorbar(
        expected, seen, [seen - low, high - seen], fmt="o", color=MODEL_COLOUR, capsize=3, label="a tenth of the rows"
    )
    _name(axes, "Does a probability mean what it says?", "probability given", "share that had the event")
    _percent(axes, "xy")
    axes.set(xlim=(0, top), ylim=(0, top))
    axes.legend(loc="upper left", frameon=False)
    return True


def precision_recall(figure: "Figure", tested: Tested) -> bool:
    """Precision by recall of the model, the logistic regression and the best rules; the team's capacity is marked."""
    from sklearn.metrics import precision_recall_curve

    axes = figure.subplots()
    event, weight = curves.column(tested, "event"), curves.column(tested, "weight")
    top = 0.1
    for number, (label, score) in enumerate(_scorers(tested).items()):
        precision, recall, _ = precision_recall_curve(event, score, sample_weight=weight)
        axes.plot(recall, precision, label=label, **_line(number))
        top = max(top, float(precision[(recall > 0.03) & (recall < 1)].max(initial=0.0)))
    precision, recall = curves.at_capacity(tested)
    axes.plot(
        [recall],
        [precision],
        "o",
        color=SEEN_COLOUR,
        markersize=8,
        label=f"{tested.evaluation.capacity} accounts a night",
    )
    base = float(np.average(event, weights=weight))
    axes.axhline(base, color=QUIET, linewidth=1, linestyle="--", label="by chance")
    _name(axes, "What is found, and how much of it is right", "recall: share of the events found", "precision")
    _percent(axes, "xy")
    axes.set(xlim=(0, 1), ylim=(0, min(1.02, 1.25 * top)))
    axes.legend(frameon=False, loc="upper right")
    return True


def gain_and_lift(figure: "Figure", tested: Tested) -> bool:
    """Share of the events found, and lift, by the share of accounts flagged on each night; the capacity is marked."""
    gain, lift = figure.subplots(1, 2)
    shares = np.linspace(0.005, 1, 100)
    mark = curves.capacity_share(tested)
    for number, (label, score) in enumerate(_scorers(tested).items()):
        found = curves.found(tested, score, shares)
        gain.plot(shares, found, label=label, **_line(number))
        lift.plot(shares, found / shares, **_line(number))
    gain.plot([0, 1], [0, 1], color=QUIET, linewidth=1, linestyle="--", label="by chance")
    lift.axhline(1, color=QUIET, linewidth=1, linestyle="--")
    for axes in (gain, lift):
        axes.axvline(mark, color=SEEN_COLOUR, linewidth=1.2)
        axes.set_xlim(0, 1)
    lift.set_ylim(bottom=0)
    lift.text(
        mark,
        0.97,
        f"  {tested.evaluation.capacity} a night",
        color=SEEN_COLOUR,
        va="top",
        transform=lift.get_xaxis_transform(),
    )
    _name(gain, "Events found", "share of accounts flagged", "share of events found")
    _name(lift, "Lift over chance", "share of accounts flagged", "times as many as by chance")
    _percent(gain, "xy")
    _percent(lift, "x")
    gain.legend(frameon=False, fontsize=8, loc="lower right")
    return True


def scores_by_cutoff(figure: "Figure", tested: Tested) -> bool:
    """The probabilities of each cutoff (middle 80% and mean), and the share that had the event."""
    axes = figure.subplots()
    days = tested.scored["as_of"].to_numpy()
    probability, event, weight = (curves.column(tested, name) for name in ("probability", "event", "weight"))
    found = np.unique(days)
    rows = [days == day for day in found]
    bounds = np.array([np.quantile(probability[row], [0.1, 0.9]) for row in rows])
    axes.fill_between(found, bounds[:, 0], bounds[:, 1], color=MODEL_COLOUR, alpha=0.15, label="middle 80% of scores")
    mean = [np.average(probability[row], weights=weight[row]) for row in rows]
    seen = [np.average(event[row], weights=weight[row]) for row in rows]
    axes.plot(found, mean, color=MODEL_COLOUR, label="mean probability")
    axes.plot(found, seen, color=SEEN_COLOUR, linestyle="--", marker=".", label="share that had the event")
    _name(axes, "Does it stay right over time?", "", "probability")
    _percent(axes, "y")
    axes.set_ylim(bottom=0)
    _dates(axes)
    axes.legend(frameon=False)
    return True


def top_reasons(figure: "Figure", tested: Tested) -> bool:
    """Which groups of features the model's decisions rest on."""
    shares = importance(tested.model) if tested.model else {}
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


def calibration_by_segment(figure: "Figure", tested: Tested) -> bool:
    """Expected and observed share of events of each segment, with the interval of the observed."""
    segments = [s for s in np.unique(tested.scored["segment"].to_pylist()) if s is not None]
    axes = figure.subplots()
    names = np.asarray(tested.scored["segment"].to_pylist())
    for place, segment in enumerate(segments):
        expected, seen, low, high = curves.share(tested, names == segment)
        axes.errorbar(
            [place + 0.1],
            [seen],
            [[seen - low], [high - seen]],
            capsize=4,
            color=SEEN_COLOUR,
            fmt="s",
            label=None if place else "observed",
        )
        axes.plot([place - 0.1], [expected], "o", color=MODEL_COLOUR, label=None if place else "expected")
    axes.set_xticks(range(len(segments)), segments, rotation=20 if len(segments) > 5 else 0)
    axes.set_xlim(-0.6, len(segments) - 0.4)
    _name(axes, "Is it right in every segment?", "", "share that had the event")
    _percent(axes, "y")
    axes.set_ylim(bottom=0)
    axes.legend(frameon=False)
    return True


PICTURES: dict[str, tuple[Callable[["Figure", Tested], bool], str]] = {
    "reliability": (reliability, "Probability given against share that had the event, in ten groups of test rows."),
    "precision_recall": (
        precision_recall,
        "Precision by recall beside the rules; the dot is what a night's team finds.",
    ),
    "gain_and_lift": (
        gain_and_lift,
        "Events found and lift by share of accounts flagged; the line is the team's capacity.",
    ),
    "scores_by_cutoff": (scores_by_cutoff, "Mean probability and share that had the event at each test cutoff."),
    "top_reasons": (top_reasons, "Groups of features by how much the model learned from them."),
    "calibration_by_segment": (calibration_by_segment, "Expected and observed share of events of each segment."),
}


def _figure() -> "Figure":
    from matplotlib.figure import Figure

    return Figure(figsize=(7.0, 4.2), layout="constrained")


def _scorers(tested: Tested) -> dict[str, Floats]:
    """The model, the logistic regression, and the rules that come closest, by what the legend calls them."""
    titles = {f"rule_{rule.name}": rule.title for rule in RULES}
    panel = tested.evaluation.pooled.scorers

    def precision(name: str) -> float:
        found = panel.get(name, {}).get("average_precision")
        return -np.inf if found is None or not np.isfinite(found.value) else found.value

    rules = [name for name in tested.scored.column_names if name.startswith("rule_") and name != "rule_random"]
    best = sorted(rules, key=precision, reverse=True)[:MOST_RULES]
    own = {"the model": curves.column(tested, "rank_score")}
    if tested.evaluation.kind != "logistic":
        own["logistic regression"] = curves.column(tested, "logistic")
    return own | {titles.get(name, name.removeprefix("rule_")): curves.column(tested, name) for name in best}


def _line(number: int) -> dict[str, Any]:
    """The model is thick and blue; the others differ by dashes, so that no meaning lies in colour alone."""
    if number == 0:
        return {"color": MODEL_COLOUR, "linewidth": 2.2}
    return {
        "color": "#25282d" if number == 1 else RULES_COLOUR,
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
