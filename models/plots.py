"""The pictures of a model card: how good it is, where, and whether its probabilities mean what they say.

Every picture is drawn from the test rows of the evaluation, which the model had not seen, and marks what the team can
work in a night wherever that decides how to read it. Drawn without a display and without matplotlib's global state.
"""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from features.catalogue import GROUPS
from models.estimator import Scorer
from models.logistic import LinearScorer
from models.reasons import group_of
from models.rules import RULES, RuleScorer
from models.training import Trained
from models.trees import TreeScorer

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Floats = NDArray[np.float64]

MODEL_COLOUR, SEEN_COLOUR, RULES_COLOUR, QUIET = "#1f5a99", "#b8472a", "#5f6670", "#8a8f98"
LINES = ("-", "--", ":", "-.", (0, (5, 1, 1, 1, 1, 1)))
BINS = 10
MOST_RULES = 3


def draw(trained: Trained, folder: Path) -> dict[str, str]:
    """Write every picture that the test rows allow into ``folder``; returns the files' names and what they show."""
    folder.mkdir(parents=True, exist_ok=True)
    told = {}
    for name, (paint, text) in PICTURES.items():
        figure = _figure()
        if paint(figure, trained):
            figure.savefig(folder / f"{name}.png", dpi=130)
            told[f"{name}.png"] = text
    return told


def reliability(figure: "Figure", trained: Trained) -> bool:
    """Expected against observed share of events in ten groups of equal size, with the interval of each."""
    axes = figure.subplots()
    expected, seen, low, high = _by_group(trained)
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


def precision_recall(figure: "Figure", trained: Trained) -> bool:
    """Precision by recall of the model, the logistic regression and the best rules; the team's capacity is marked."""
    from sklearn.metrics import precision_recall_curve

    axes = figure.subplots()
    event, weight = _column(trained, "event"), _column(trained, "weight")
    top = 0.1
    for number, (label, score) in enumerate(_scorers(trained).items()):
        precision, recall, _ = precision_recall_curve(event, score, sample_weight=weight)
        axes.plot(recall, precision, label=label, **_line(number))
        top = max(top, float(precision[(recall > 0.03) & (recall < 1)].max(initial=0.0)))
    precision, recall = _at_capacity(trained)
    axes.plot(
        [recall], [precision], "o", color=SEEN_COLOUR, markersize=8, label=f"{_capacity(trained)} accounts a night"
    )
    base = float(np.average(event, weights=weight))
    axes.axhline(base, color=QUIET, linewidth=1, linestyle="--", label="by chance")
    _name(axes, "What is found, and how much of it is right", "recall: share of the events found", "precision")
    _percent(axes, "xy")
    axes.set(xlim=(0, 1), ylim=(0, min(1.02, 1.25 * top)))
    axes.legend(frameon=False, loc="upper right")
    return True


def gain_and_lift(figure: "Figure", trained: Trained) -> bool:
    """Share of the events found, and lift, by the share of accounts flagged on each night; the capacity is marked."""
    gain, lift = figure.subplots(1, 2)
    shares = np.linspace(0.005, 1, 100)
    mark = _capacity_share(trained)
    for number, (label, score) in enumerate(_scorers(trained).items()):
        found = _found(trained, score, shares)
        gain.plot(shares, found, label=label, **_line(number))
        lift.plot(shares, found / shares, **_line(number))
    gain.plot([0, 1], [0, 1], color=QUIET, linewidth=1, linestyle="--", label="by chance")
    lift.axhline(1, color=QUIET, linewidth=1, linestyle="--")
    for axes in (gain, lift):
        axes.axvline(mark, color=SEEN_COLOUR, linewidth=1.2)
        axes.set_xlim(0, 1)
    lift.set_ylim(bottom=0)
    lift.text(
        mark, 0.97, f"  {_capacity(trained)} a night", color=SEEN_COLOUR, va="top", transform=lift.get_xaxis_transform()
    )
    _name(gain, "Events found", "share of accounts flagged", "share of events found")
    _name(lift, "Lift over chance", "share of accounts flagged", "times as many as by chance")
    _percent(gain, "xy")
    _percent(lift, "x")
    gain.legend(frameon=False, fontsize=8, loc="lower right")
    return True


def scores_by_cutoff(figure: "Figure", trained: Trained) -> bool:
    """The probabilities of each cutoff (middle 80 % and mean), and the share that had the event."""
    axes = figure.subplots()
    days = trained.scored["as_of"].to_numpy()
    probability, event, weight = (_column(trained, name) for name in ("probability", "event", "weight"))
    found = np.unique(days)
    rows = [days == day for day in found]
    bounds = np.array([np.quantile(probability[row], [0.1, 0.9]) for row in rows])
    axes.fill_between(found, bounds[:, 0], bounds[:, 1], color=MODEL_COLOUR, alpha=0.15, label="middle 80 % of scores")
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


def top_reasons(figure: "Figure", trained: Trained) -> bool:
    """Which groups of features the model's decisions rest on."""
    shares = importance(trained)
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


def calibration_by_segment(figure: "Figure", trained: Trained) -> bool:
    """Expected and observed share of events of each segment, with the interval of the observed."""
    segments = [s for s in np.unique(trained.scored["segment"].to_pylist()) if s is not None]
    axes = figure.subplots()
    names = np.asarray(trained.scored["segment"].to_pylist())
    for place, segment in enumerate(segments):
        expected, seen, low, high = _share(trained, names == segment)
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


PICTURES: dict[str, tuple[Callable[["Figure", Trained], bool], str]] = {
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


def importance(trained: Trained) -> dict[str, float]:
    """The share of each group of features in what the model learned, adding up to 1; empty where it learned nothing."""
    sizes: dict[str, float] = {}
    for name, size in zip(
        trained.model.signature.names, _sizes(trained.model.scorer, len(trained.model.features)), strict=True
    ):
        sizes[group_of(name)] = sizes.get(group_of(name), 0.0) + float(size)
    total = sum(sizes.values())
    return {group: size / total for group, size in sizes.items() if size > 0} if total else {}


def _sizes(scorer: Scorer, columns: int) -> Floats:
    """How much each column counts: the trees' gain, the weights on the common scale, or the rule's only column."""
    sizes = np.zeros(columns)
    if isinstance(scorer, TreeScorer):
        return np.asarray(scorer.booster.feature_importance("gain"), dtype=np.float64)
    if isinstance(scorer, LinearScorer):
        np.add.at(sizes, [term.place for term in scorer.terms], [abs(term.weight) for term in scorer.terms])
    if isinstance(scorer, RuleScorer):
        sizes[scorer.place] = 1.0
    return sizes


def _figure() -> "Figure":
    from matplotlib.figure import Figure

    return Figure(figsize=(7.0, 4.2), layout="constrained")


def _column(trained: Trained, name: str) -> Floats:
    return np.asarray(trained.scored[name].to_numpy(zero_copy_only=False), dtype=np.float64)


def _scorers(trained: Trained) -> dict[str, Floats]:
    """The model, the logistic regression, and the rules that come closest, by what the legend calls them."""
    titles = {f"rule_{rule.name}": rule.title for rule in RULES}
    panel = trained.evaluation.pooled.scorers

    def precision(name: str) -> float:
        found = panel.get(name, {}).get("average_precision")
        return -np.inf if found is None or not np.isfinite(found.value) else found.value

    rules = [name for name in trained.scored.column_names if name.startswith("rule_") and name != "rule_random"]
    best = sorted(rules, key=precision, reverse=True)[:MOST_RULES]
    own = {"the model": _column(trained, "rank_score")}
    if trained.kind != "logistic":
        own["logistic regression"] = _column(trained, "logistic")
    return own | {titles.get(name, name.removeprefix("rule_")): _column(trained, name) for name in best}


def _line(number: int) -> dict[str, Any]:
    """The model is thick and blue; the others differ by dashes, so that no meaning lies in colour alone."""
    if number == 0:
        return {"color": MODEL_COLOUR, "linewidth": 2.2}
    return {
        "color": "#25282d" if number == 1 else RULES_COLOUR,
        "linewidth": 1.4,
        "linestyle": LINES[number % len(LINES)],
    }


def _capacity(trained: Trained) -> int:
    return trained.model.risk.capacity


def _capacity_share(trained: Trained) -> float:
    """The team's capacity as a share of the accounts of a cutoff, at most all of them."""
    cutoffs = len(trained.scored["as_of"].unique())
    return float(min(1.0, _capacity(trained) * cutoffs / max(1, trained.scored.num_rows)))


def _flagged(trained: Trained, score: Floats) -> tuple[Floats, Floats]:
    """Place of each row among those of its cutoff (0 = highest score), and how many rows its cutoff has."""
    days = trained.scored["as_of"].to_numpy().astype("datetime64[D]").astype(np.int64)
    order = np.lexsort((-score, days))
    begins = np.flatnonzero(np.r_[True, np.diff(days[order]) != 0])
    sizes = np.diff(np.r_[begins, len(days)])
    place, size = np.empty(len(days)), np.empty(len(days))
    place[order] = np.arange(len(days)) - np.repeat(begins, sizes)
    size[order] = np.repeat(sizes, sizes)
    return place, size


def _found(trained: Trained, score: Floats, shares: Floats) -> Floats:
    """Share of the events found when each share of every cutoff's accounts is flagged."""
    place, size = _flagged(trained, score)
    event = _column(trained, "event") * _column(trained, "weight")
    rank = (place + 0.5) / size
    return np.asarray([event[rank <= share].sum() / event.sum() for share in shares])


def _at_capacity(trained: Trained) -> tuple[float, float]:
    """Precision and recall of the model when the team's capacity is flagged on every night."""
    flagged = _flagged(trained, _column(trained, "rank_score"))[0] < _capacity(trained)
    event, weight = _column(trained, "event"), _column(trained, "weight")
    hits = (event * weight)[flagged].sum()
    return float(hits / weight[flagged].sum()), float(hits / (event * weight).sum())


def _by_group(trained: Trained) -> tuple[Floats, Floats, Floats, Floats]:
    """Ten groups by probability: mean probability, observed share, and the interval of the share."""
    order = np.argsort(_column(trained, "probability"), kind="stable")
    parts = [part for part in np.array_split(order, BINS) if part.size]
    found = [_share(trained, part) for part in parts]
    expected, seen, low, high = np.asarray(found).T
    return expected, seen, low, high


def _share(trained: Trained, rows: NDArray[Any]) -> tuple[float, float, float, float]:
    """Mean probability, observed share and its 95 % interval, accounts (not rows) taken as the evidence."""
    weight = _column(trained, "weight")[rows]
    expected = float(np.average(_column(trained, "probability")[rows], weights=weight))
    seen = float(np.average(_column(trained, "event")[rows], weights=weight))
    evidence = len(np.unique(trained.scored["account_id"].to_numpy(zero_copy_only=False)[rows]))
    centre, z = (seen + 1.92 / evidence) / (1 + 3.84 / evidence), 1.96
    half = z * np.sqrt(seen * (1 - seen) / evidence + 0.9604 / evidence**2) / (1 + 3.84 / evidence)
    low, high = min(seen, centre - half), max(seen, centre + half)
    return expected, seen, float(low), float(high)


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
