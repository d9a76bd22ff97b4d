"""Rescue's models compared with other tools and learners on the same tables, cutoffs and labels.

    python benchmarks/models_race.py DATA [--mapping DIR] [--churnkit PYTHON] [--featuretools PYTHON]
        [--boosters PYTHON] [--every 28] [--through DATE] [--keep FOLDER]

`churnkit` and featuretools with LightGBM make their own features. The boosters (tuned XGBoost, CatBoost and
scikit-learn's histogram gradient boosting) get Rescue's own matrix, so they compare the learner alone. All of them run
in their own environments, named by their interpreters (see `benchmarks/README.md`). Every learner is fitted at every
fold on rows whose outcome was known by then, and scores the cutoffs after it. Prints a Markdown table per risk: the
figures, all computed within each night, and the lead of Rescue, with 95% intervals from drawing accounts again.
"""

import argparse
import json
import os
import shutil
import subprocess
import tempfile
from datetime import date
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from features.contract import TABLES
from features.frame import build
from features.history.history import History
from features.labels.labels import label
from models.data.arrays import Floats
from models.evaluation.bootstrap import interval
from models.evaluation.evaluate import backtest
from models.evaluation.evaluation_rows import EvaluationRows, scored_rows
from models.evaluation.statistics.ranking_metrics import ranking_draws
from models.learners.training_set import prepare_training_set
from models.risks.configuration import for_history
from models.risks.risk import Risk
from pipelines.settings import Settings
from pipelines.sources.validated_source import validate_source
from pipelines.training.training_data import training_cutoffs

RIVALS, BOOSTED = (Path(__file__).with_name(f"models_race_{part}.py") for part in ("rivals", "boosters"))
KEYS = ["account_id", "as_of"]
FIGURES = {
    "AUC": "auc",
    "average precision": "average_precision",
    "precision at capacity": "precision_at_capacity",
    "recall at capacity": "recall_at_capacity",
}
BOOSTERS = ("xgboost", "catboost", "histogram")
"""Fitted to Rescue's own matrix by one environment."""


def main() -> None:
    """Run the race and print its tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data")
    parser.add_argument("--mapping", type=Path)
    parser.add_argument("--churnkit", type=Path)
    parser.add_argument("--featuretools", type=Path)
    parser.add_argument("--boosters", type=Path)
    parser.add_argument("--every", type=int, default=28)
    parser.add_argument("--through", type=date.fromisoformat, help="the last day that is learned from or tested")
    parser.add_argument("--keep", type=Path, help="folder in which the other tools' scores are kept for the next race")
    given = parser.parse_args()
    rivals = {"churnkit": given.churnkit, "featuretools": given.featuretools}
    rivals |= dict.fromkeys(BOOSTERS, given.boosters)
    with tempfile.TemporaryDirectory() as scratch:
        opened = validate_source(Settings(data=given.data, mapping=given.mapping), Path(scratch))
        history = opened.history
        cutoffs = training_cutoffs(history, min(given.through or history.until, history.until), given.every)
        frame = build(history, cutoffs)
        share = Path(scratch) / "race"
        export(history, share)
        for risk in for_history(history, opened.risk_settings).values():
            print(f"\n### {risk.title}, {len(cutoffs)} cutoffs every {given.every} days\n", flush=True)
            labels = label(history, cutoffs, risk.label)
            ours = backtest(frame, labels, risk).scored
            hand_over(labels, ours, risk, share)
            hand_over_matrix(frame, labels, risk, share)
            kept = None if given.keep is None else given.keep / risk.name
            scores = {name: run(name, python, share, kept) for name, python in rivals.items() if python}
            compare(ours, scores, risk.capacity)


def export(history: History, share: Path) -> None:
    """The admitted tables as Parquet, each with the column ``known`` by which a row counts."""
    share.mkdir()
    for name in sorted(history.present):
        table = history.query(f"SELECT * FROM {name}")
        event = TABLES[name].event_time
        known = "known_at" if "known_at" in table.column_names and name in history.versioned else event
        pq.write_table(
            table.append_column("known", pc.cast(table[known], pa.timestamp("us"))), share / f"{name}.parquet"
        )


def hand_over(labels: pa.Table, ours: pa.Table, risk: Risk, share: Path) -> None:
    """The input of the other tools: matured labels, and test rows with the first day of their fold."""
    known = labels.filter(labels["event"].is_valid()).select([*KEYS, "event"])
    starts = ours.group_by("fold").aggregate([("as_of", "min")]).rename_columns(["fold", "start"])
    tests = ours.select([*KEYS, "fold"]).join(starts, "fold")
    pq.write_table(known, share / "labels.parquet")
    pq.write_table(tests, share / "tests.parquet")
    (share / "embargo").write_text(str(risk.embargo), encoding="utf-8")


def hand_over_matrix(frame: pa.Table, labels: pa.Table, risk: Risk, share: Path) -> None:
    """The input of the boosters: Rescue's own matrix of the same rows, its outcomes and its folds."""
    data = prepare_training_set(frame, labels, risk)
    rows = data.examples.labelled
    keys = frame.select(KEYS).take(pa.array(rows.rows)).append_column("event", pa.array(rows.happened))
    pq.write_table(keys.append_column("day", pa.array(rows.day)), share / "matrix.rows.parquet")
    np.save(share / "matrix.npy", data.examples.matrix)
    folds = [{"tests": fold.tests, "embargo": fold.embargo} for fold in data.plan.folds]
    categories = [int(place) for place in data.learner.signature.categories]
    (share / "matrix.json").write_text(json.dumps({"folds": folds, "categories": categories}), encoding="utf-8")


def run(name: str, python: Path, share: Path, kept: Path | None) -> pa.Table:
    """The rival's scores of the test rows: account_id, as_of, score. Scores that were kept are not made again."""
    file = (kept or share) / f"{name}.scores.parquet"
    if kept is None or not file.exists():
        script = BOOSTED if name in BOOSTERS else RIVALS
        threads = {"OMP_NUM_THREADS": "1", "OMP_WAIT_POLICY": "PASSIVE"}  # spinning threads stall on a shared machine
        command = [str(python), "-W", "ignore", str(script), name, str(share)]
        subprocess.run(command, check=True, env=os.environ | threads)
    if kept is not None and not file.exists():
        kept.mkdir(parents=True, exist_ok=True)
        shutil.copy(share / file.name, file)
    found = pq.read_table(file)
    return found.cast(pa.schema([("account_id", pa.string()), ("as_of", pa.date32()), ("score", pa.float64())]))


def compare(ours: pa.Table, scores: dict[str, pa.Table], capacity: int) -> None:
    """Print each learner's figures, and Rescue's lead over it on the same drawn accounts."""
    rank = np.asarray(ours["rank_score"].to_numpy(), dtype=np.float64)
    rows = scored_rows(ours)
    learners = {"Rescue": rank, **{name: aligned(ours, found) for name, found in scores.items()}}
    learners |= {name: ours[name].to_numpy() for name in ours.column_names if name.startswith(("rule_", "logistic"))}
    own = figures(rows, rank, capacity)
    print(f"| learner | {' | '.join(FIGURES)} | {' | '.join(f'Rescue ahead by {name}' for name in FIGURES)} |")
    print("|---|" + "---|" * (2 * len(FIGURES)))
    for name, score in learners.items():
        found = figures(rows, score, capacity)
        ahead = ["" if name == "Rescue" else interval_text(a - b, "+") for a, b in zip(own, found, strict=True)]
        print(f"| {name} | {' | '.join(interval_text(values) for values in found)} | {' | '.join(ahead)} |", flush=True)


def aligned(ours: pa.Table, scores: pa.Table) -> Floats:
    """The rival's scores in the order of our rows."""
    placed = ours.select(KEYS).append_column("place", pa.array(np.arange(ours.num_rows)))
    return np.asarray(placed.join(scores, KEYS).sort_by("place")["score"].to_numpy(), dtype=np.float64)


def figures(rows: EvaluationRows, score: Floats, capacity: int) -> tuple[Floats, ...]:
    """`FIGURES` of a score on every draw."""
    draws = ranking_draws(rows, np.asarray(score, dtype=np.float64), capacity)
    return tuple(draws[figure] for figure in FIGURES.values())


def interval_text(values: Floats, sign: str = "") -> str:
    """A figure with its interval."""
    found = interval(values)
    return f"{found.value:{sign}.3f} [{found.low:{sign}.3f}, {found.high:{sign}.3f}]"


if __name__ == "__main__":
    main()
