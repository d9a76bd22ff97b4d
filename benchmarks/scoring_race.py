"""A model on very many rows: LightGBM's trees compared with the same trees compiled, and the other steps.

    python benchmarks/scoring_race.py [DATA] [--risk escalation] [--rows 1000000] [--rounds 5]

Trains the risk on the source (default: the samples), repeats rows of its frame at random until there are ``--rows``,
and scores them round by round, each way after the other. Prints a Markdown table of medians in seconds of the wall and
of the processor (all threads), and the largest difference between the two. Needs the extra ``compiled``.
"""

import argparse
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from features.frame import build
from features.labels.labels import label
from models import training
from models.learners.ensemble import BlendScorer
from models.learners.risk_model import RiskModel
from models.risks.configuration import for_history
from pipelines.settings import Settings
from pipelines.sources.validated_source import validate_source
from pipelines.training.training_data import training_cutoffs

GOALS = {"all, LightGBM": "15", "all, compiled": "4"}


def main() -> None:
    """Train, repeat, score, print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data", nargs="?", default="data_samples")
    parser.add_argument("--risk", default="escalation")
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=5)
    given = parser.parse_args()
    model, frame = trained(given.data, given.risk)
    if not isinstance(model.scorer, BlendScorer):
        raise SystemExit(f"The events of {given.data} carry no trees for {given.risk}; give a larger source.")
    inputs = frame.select(list(model.signature.names))
    fit = inputs.filter(pc.is_null(model.unfit(inputs)))
    some = np.random.default_rng(1).integers(0, fit.num_rows, given.rows)
    many = fit.take(pa.array(some)).combine_chunks()
    race(model, model.scorer, many, given.rounds)


def trained(data: str, name: str) -> tuple[RiskModel, pa.Table]:
    """The model of a risk, and the frame that it was trained on."""
    with tempfile.TemporaryDirectory() as scratch:
        opened = validate_source(Settings(data=data), Path(scratch))
        risk = for_history(opened.history, opened.risk_settings)[name]
        cutoffs = training_cutoffs(opened.history, opened.history.until)
        frame = build(opened.history, cutoffs)
        return training.fit(frame, label(opened.history, cutoffs, risk.label), risk).model, frame


def race(model: RiskModel, scorer: BlendScorer, frame: pa.Table, rounds: int) -> None:
    """Time each step and both ways of walking the trees; print the table."""
    matrix = model.signature.matrix(frame)
    compiling, program = timed(lambda: scorer.trees.program)
    margin = scorer.margin(matrix)
    steps: dict[str, Callable[[], object]] = {
        "column checks": lambda: model.signature.matrix(frame),
        "logistic regression": lambda: scorer.line.margin(matrix),
        "trees, LightGBM": lambda: scorer.trees.loaded.margin(matrix),
        "trees, compiled": lambda: program(matrix),
        "calibration": lambda: model.calibrator.apply(margin),
    }
    taken = {name: np.median([timed(step)[0] for _ in range(rounds)], axis=0) for name, step in steps.items()}
    shared = taken["column checks"] + taken["logistic regression"] + taken["calibration"]
    taken |= {"compiling, once": np.array(compiling)}
    taken |= {"all, LightGBM": shared + taken["trees, LightGBM"]}
    taken |= {"all, compiled": shared + taken["trees, compiled"] + taken["compiling, once"]}
    apart = np.abs(program(matrix) - scorer.trees.loaded.margin(matrix)).max()
    trees, terms = scorer.trees.text.count("\nTree="), len(scorer.line.terms)
    print(f"{len(matrix):,} rows, {matrix.shape[1]} columns, {trees} trees and {terms} terms; medians of {rounds}\n")
    print("| step | wall s | processor s | goal, s |\n|---|---:|---:|---:|")
    for name, (wall, processor) in taken.items():
        print(f"| {name} | {wall:.2f} | {processor:.2f} | {GOALS.get(name, '')} |")
    print(f"\nLightGBM and compiled trees differ by at most {apart:.0e} log-odds.")


def timed(step: Callable[[], Any]) -> tuple[tuple[float, float], Any]:
    """Seconds of the wall and of the processor that a step takes, and what it gives."""
    wall, processor = time.perf_counter(), time.process_time()
    found = step()
    return (time.perf_counter() - wall, time.process_time() - processor), found


if __name__ == "__main__":
    main()
