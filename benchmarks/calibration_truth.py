"""Are published probabilities right? The final model's, on later nights, against the simulator's true risks.

    rescue simulate --accounts 1000 --months 24 --seed 3 --world plain --out WORLD
    python benchmarks/calibration_truth.py WORLD [WORLD …] [--risk NAME] [--keep FOLDER] [--save FILE] [--before FILE]

Each world is trained on the months before its last `LATER` days and scores the nights after that, for which the true
risk of every account is known (``truth.parquet``). Four figures a world and risk, with 95% intervals by accounts:

- *slope*: of the true risk on the published log-odds. 1: right; above 1: too timid; below: too sharp. Its interval has
  no noise of outcomes, so it shows every deviation that the events of the training could not prevent.
- *slope with training*: the same slope, with an interval that also has the chance of the events that the model
  learned from (``Calibrator.slope_error``), which no calibrator can see.
- *slope of outcomes*: the same of outcomes drawn from the truth, one for each account and window, which is what a
  user can observe.
- *true/published*: the mean true risk over the mean published one.

``--save`` keeps the figures, ``--before`` prints those of an earlier run beside them (run it in a checkout of the
parent commit). The last lines say in how many worlds each interval holds 1, and the spread of the estimates.
"""

import argparse
import json
import tempfile
import time
from datetime import timedelta
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from models_truth import KEYS, read_training_data

from features.errors import RescueError
from models.data.arrays import Bools, Floats, Ints
from models.evaluation.bootstrap import interval
from models.evaluation.evaluation_rows import EvaluationRows
from models.evaluation.statistics.probability_metrics import calibration_line
from models.risks.defaults import CHURN, ESCALATION
from models.risks.risk import Risk
from models.training import TrainingResult, fit

LATER = 200
"""Days at the end of a world whose nights are only scored."""
DRAW_SEED = 5
FIGURES = ("slope", "training", "outcomes", "ratio")


def main() -> None:
    """Train and score each world and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("worlds", nargs="+", type=Path)
    parser.add_argument("--risk", choices=("churn", "escalation"))
    parser.add_argument("--keep", type=Path)
    parser.add_argument("--save", type=Path)
    parser.add_argument("--before", type=Path)
    arguments = parser.parse_args()
    found: dict[str, dict[str, object]] = {}
    for world in arguments.worlds:
        for risk in (CHURN, ESCALATION):
            if arguments.risk in (None, risk.name):
                figures = measure(world, risk, arguments.keep or Path(tempfile.mkdtemp()))
                if figures:
                    found[f"{world.name} {risk.name}"] = figures
                    if arguments.save:
                        arguments.save.write_text(json.dumps(found, indent=1))
    before = json.loads(arguments.before.read_text()) if arguments.before else {}
    print_table(found, before)


def measure(world: Path, risk: Risk, cache: Path) -> dict[str, object]:
    """The figures of one world and risk; empty where the model publishes the base rate or cannot be trained."""
    frame, labels = read_training_data(world, risk, cache)
    through = pc.max(frame["as_of"]).as_py() - timedelta(days=LATER)
    began = time.process_time()
    try:
        trained = fit(frame, labels, risk, through=through, threads=1)
    except RescueError as error:
        print(f"{world.name} {risk.name}: {error}", flush=True)
        return {}
    seconds = time.process_time() - began
    truth = pq.read_table(world / "truth.parquet").select([*KEYS, risk.name]).rename_columns([*KEYS, "truth"])
    keys = frame.select(KEYS).append_column("place", pa.array(np.arange(frame.num_rows)))
    later = keys.filter(pc.greater(keys["as_of"], pa.scalar(through))).join(truth, KEYS, join_type="inner")
    later = later.join(labels.select(KEYS), KEYS, join_type="inner").drop_null().sort_by("place")
    published = trained.model.predict(frame.take(later["place"])).probability
    account = np.unique(later["account_id"].to_numpy(), return_inverse=True)[1].astype(np.int64)
    day = later["as_of"].to_numpy().astype("datetime64[D]").astype(np.int64)
    return {
        "events": trained.events,
        "kind": trained.kind,
        "signal": trained.evaluation.signal,
        "seconds": seconds,
        **with_training(compare(later["truth"].to_numpy().astype(np.float64), published, account, day, risk), trained),
    }


def with_training(figures: dict[str, list[float]], trained: TrainingResult) -> dict[str, object]:
    """The figures with the slope's interval widened by what the events of the training leave unknown."""
    value, low, high = figures["slope"]
    half = np.hypot((high - low) / 2, 1.96 * (trained.model.calibrator.slope_error or 0.0))
    return {**figures, "training": [value, value - half, value + half]}


def compare(truth: Floats, published: Floats, account: Ints, day: Ints, risk: Risk) -> dict[str, list[float]]:
    """Slope, slope of outcomes and ratio, each value, low and high."""
    certain = rows_of(truth, account, day)
    slope = calibration_line(certain, published)[0]
    mean, total = certain.drawn_sums(np.column_stack([truth, published])).T
    ratio = interval(np.asarray(mean / total))
    windows = np.isin(day, np.arange(int(day.max()), int(day.min()) - 1, -7 * -(-risk.label.horizon // 7)))
    drawn = np.random.default_rng(DRAW_SEED).random(len(truth)) < truth
    observed = calibration_line(rows_of(drawn[windows], account[windows], day[windows]), published[windows])[0]
    figures = {"slope": slope, "outcomes": observed, "ratio": ratio}
    return {name: [found.value, found.low, found.high] for name, found in figures.items()}


def rows_of(event: Floats | Bools, account: Ints, day: Ints) -> EvaluationRows:
    """Rows whose event may be a probability."""
    size = len(event)
    return EvaluationRows(event, np.ones(size), day, account, np.full(size, -1), np.full(size, np.nan))  # type: ignore[arg-type]


def print_table(found: dict[str, dict[str, object]], before: dict[str, dict[str, object]]) -> None:
    """One line a world and risk, and a summary."""
    print("| world | events | learner | slope | slope with training | slope of outcomes | true/published |")
    print("|---|---|---|---|---|---|---|")
    for name, own in found.items():
        cells = [cell(before.get(name, {}), own, figure) for figure in FIGURES]
        print(f"| {name} | {own['events']} | {own['kind']} | {' | '.join(cells)} |")
    for title, figures in (("before", before), ("now", found)):
        shared = [of for name, of in figures.items() if name in found and of["signal"]]
        if shared:
            print(f"\n{title}: " + "; ".join(summary(shared, figure) for figure in FIGURES))


def cell(before: dict[str, object], own: dict[str, object], figure: str) -> str:
    """A figure before and now."""
    known = [of[figure] for of in (before, own) if figure in of]
    texts = ["{:.2f} [{:.2f}, {:.2f}]".format(*values) for values in known]  # type: ignore[misc]
    return " → ".join(texts)


def summary(figures: list[dict[str, object]], name: str) -> str:
    """In how many worlds the interval holds 1, and the deviations from 1."""
    values = np.array([of[name] for of in figures if name in of])
    if not len(values):
        return f"{name} not measured"
    inside = int(((values[:, 1] <= 1) & (values[:, 2] >= 1)).sum())
    off = values[:, 0] - 1
    return f"{name} holds 1 in {inside} of {len(values)}, off by {off.mean():+.3f} ± {off.std():.3f}"


if __name__ == "__main__":
    main()
