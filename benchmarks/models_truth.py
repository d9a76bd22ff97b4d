"""Rescue's models compared with the best possible: the true risks behind a simulated source.

    rescue simulate --accounts 4000 --months 36 --seed 1 --world plain --out WORLD
    python benchmarks/models_truth.py WORLD [WORLD …] [--risk NAME] [--accounts N] [--latent | --true-odds]
        [--quick] [--keep FOLDER]

The true risk (``truth.parquet``) comes from the simulator's hidden state, which no data shows. Model, truth, logistic
regression and baselines are evaluated on the same later cutoffs, all of them Mondays, for which the truth is known.
Prints a table per world and risk: average precision and recall at capacity, both also as a share of the truth's, and
the lead of the model, with 95% intervals from drawing accounts again. ``plain_logistic`` is scikit-learn's ridge
regression on standardised columns, at the penalty that is best on the test rows themselves; ``logistic`` is the
logistic regression inside Rescue's model. ``--accounts`` takes so many of the world's accounts (a learning curve).
``--latent`` gives the hidden state to the learner: the gain is information that the data do not contain.
``--true-odds`` fits trees to the true log-odds, without events, and evaluates them on accounts that they have not
seen: a lower bound of what the columns contain. ``--quick`` leaves the plain logistic regression out. ``--keep`` keeps
the frames.
"""

import argparse
import tempfile
import time
from datetime import timedelta
from pathlib import Path

import lightgbm
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from sklearn.compose import make_column_transformer
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import average_precision_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from features.frame import build
from features.labels.labels import label
from models.data.arrays import Floats, Ints
from models.data.examples import Examples, thinned
from models.data.splits import unseen_folds
from models.evaluation.bootstrap import interval
from models.evaluation.evaluate import backtest
from models.evaluation.evaluation_rows import EvaluationRows, scored_rows
from models.evaluation.metrics_report import MODEL
from models.evaluation.statistics.ranking_metrics import ranking_draws
from models.learners.calibration import log_odds
from models.learners.training_set import prepare_training_set
from models.reports.sentences import render_finding
from models.risks.defaults import CHURN, ESCALATION
from models.risks.risk import Risk
from pipelines.settings import Settings
from pipelines.sources.validated_source import validate_source
from pipelines.training.training_data import training_cutoffs

KEYS = ["account_id", "as_of"]
LATENT = ["satisfaction", "mood", "fit"]
TRUTH = "the true risk"
PENALTIES = (1e-2, 1e-3, 1e-4)
ROWS = 60_000
"""The rows on which the plain logistic regression is fitted, at each of the penalties."""
FOLDS = 3
ODDS_PARAMETERS = {
    "objective": "regression",
    "learning_rate": 0.1,
    "num_leaves": 31,
    "min_data_in_leaf": 200,
    "feature_fraction": 0.5,
    "verbosity": -1,
    "seed": 1,
}
"""Parameters of the trees that learn the true log-odds: no event is rare there, so they can be large."""


def main() -> None:
    """Evaluate each world and print its tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("worlds", nargs="+", type=Path)
    parser.add_argument("--risk", choices=("churn", "escalation"))
    parser.add_argument("--accounts", type=int)
    parser.add_argument("--latent", action="store_true")
    parser.add_argument("--true-odds", action="store_true")
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--keep", type=Path)
    arguments = parser.parse_args()
    for world in arguments.worlds:
        truth = pq.read_table(world / "truth.parquet")
        for risk in (CHURN, ESCALATION):
            if arguments.risk in (None, risk.name):
                frame, labels = read_training_data(world, risk, arguments.keep or Path(tempfile.mkdtemp()))
                # accounts are numbered at random
                chosen = pc.unique(frame["account_id"]).sort().slice(0, arguments.accounts)
                frame, labels = of_accounts(frame, chosen), of_accounts(labels, chosen)
                if arguments.true_odds:
                    fit_true_odds(world.name, frame, labels, risk, truth)
                else:
                    shown = with_state(frame, truth) if arguments.latent else frame
                    backtest_world(world.name, shown, labels, risk, truth, quick=arguments.quick)


def read_training_data(world: Path, risk: Risk, cache: Path) -> tuple[pa.Table, pa.Table]:
    """The frame and the labels of a risk at weekly Mondays; read from the cache where they exist."""
    frame, labels = cache / f"{world.name}.frame.parquet", cache / f"{world.name}.{risk.name}.parquet"
    if not labels.exists():
        cache.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory() as scratch:
            history = validate_source(Settings(data=str(world)), Path(scratch)).history
            cutoffs = training_cutoffs(history, history.until - timedelta(days=history.until.weekday()))
            pq.write_table(label(history, cutoffs, risk.label), labels)
            if not frame.exists():
                pq.write_table(build(history, cutoffs), frame)
    return pq.read_table(frame), pq.read_table(labels)


def of_accounts(table: pa.Table, accounts: pa.Array) -> pa.Table:
    """The rows of some accounts."""
    return table.filter(pc.is_in(table["account_id"], value_set=accounts))


def with_state(frame: pa.Table, truth: pa.Table) -> pa.Table:
    """The frame with the hidden state as columns."""
    joined = frame.append_column("place", pa.array(np.arange(frame.num_rows))).join(
        truth.select([*KEYS, *LATENT]), KEYS, join_type="left outer"
    )
    joined = joined.sort_by("place").drop_columns("place")
    for name in LATENT:
        joined = joined.set_column(joined.column_names.index(name), name, joined[name].cast(pa.float64()))
    return joined


def backtest_world(
    world: str, frame: pa.Table, labels: pa.Table, risk: Risk, truth: pa.Table, *, quick: bool = False
) -> None:
    """Backtest one risk and print its table."""
    begun = time.process_time()
    tested = backtest(frame, labels, risk)
    spent = time.process_time() - begun
    overall = tested.evaluation.overall
    accounts = pc.count_distinct(frame["account_id"]).as_py()
    print(f"\n### {world}, {accounts:,} accounts: {risk.title}\n")
    scored = tested.scored if quick else tested.scored.join(plain(frame, labels, risk), KEYS)
    print_comparison(scored, truth, risk)
    slope = overall.scorers[MODEL].get("calibration_slope")
    print(f"\n{overall.rows:,} rows with {overall.events:,} events. {render_finding(tested.evaluation.reason)}")
    print(
        f"Calibration slope {slope.value:.2f} [{slope.low:.2f}, {slope.high:.2f}]. {spent:.0f} s of processor.",
        flush=True,
    )


def fit_true_odds(world: str, frame: pa.Table, labels: pa.Table, risk: Risk, truth: pa.Table) -> None:
    """Learn the true log-odds from the columns, by folds of accounts, and print the result on the test rows."""
    training_set = prepare_training_set(frame, labels, risk)
    rows = training_set.examples
    keys = frame.select(KEYS).take(pa.array(rows.labelled.rows)).append_column("place", pa.array(np.arange(len(rows))))
    known = keys.join(truth.select([*KEYS, risk.name]), KEYS).sort_by("place")[risk.name].to_numpy()
    odds, fold = log_odds(known), unseen_folds(rows.labelled.account, FOLDS, 1)
    tested = np.any([fold_of_time.tested(rows.labelled.day) for fold_of_time in training_set.plan.folds], axis=0)
    predicted = np.full(len(rows), np.nan)
    for number in range(FOLDS):
        fitted = np.flatnonzero((fold != number) & np.isfinite(odds))[::2]
        data = lightgbm.Dataset(rows.matrix[fitted], odds[fitted], params=dict(ODDS_PARAMETERS))
        held_back = np.flatnonzero((fold == number) & tested)
        predicted[held_back] = lightgbm.train(dict(ODDS_PARAMETERS), data, 300).predict(rows.matrix[held_back])
    held_back = np.flatnonzero(tested & np.isfinite(odds))
    evaluated = tested_rows(rows, held_back)
    best, found = (figures(evaluated, values[held_back], risk.capacity) for values in (odds, predicted))
    print(
        f"{world}, {risk.title}: trees fitted to the true log-odds reach "
        f"{found[0][0] / best[0][0]:.1%} of the truth's average precision and {found[1][0] / best[1][0]:.1%} of its "
        "recall at capacity.",
        flush=True,
    )


def plain(frame: pa.Table, labels: pa.Table, risk: Risk) -> pa.Table:
    """The scores of a plain logistic regression: ``account_id``, ``as_of``, ``plain_logistic``."""
    training_set = prepare_training_set(frame, labels, risk)
    rows, names = training_set.examples, training_set.learner.signature
    numbers = [place for place, column in enumerate(names.columns) if not column.levels]
    others = [place for place, column in enumerate(names.columns) if column.levels]
    places = np.concatenate(
        [np.flatnonzero(fold_of_time.tested(rows.labelled.day)) for fold_of_time in training_set.plan.folds]
    )
    best, found = -1.0, np.empty(0)
    for penalty in PENALTIES:
        scores = []
        for fold_of_time in training_set.plan.folds:
            filled = SimpleImputer(add_indicator=True, keep_empty_features=True)
            columns = make_column_transformer(
                (make_pipeline(filled, StandardScaler()), numbers), (OneHotEncoder(handle_unknown="ignore"), others)
            )
            learner = make_pipeline(columns, LogisticRegression(C=penalty, max_iter=1000))
            known = rows.take(np.flatnonzero(fold_of_time.known(rows.labelled.day)))
            known = known.take(thinned(known.labelled, ROWS))
            learner.fit(known.matrix, known.labelled.happened)
            scores.append(learner.decision_function(rows.matrix[fold_of_time.tested(rows.labelled.day)]))
        reached = average_precision_score(rows.labelled.happened[places], np.concatenate(scores))
        if reached > best:
            best, found = reached, np.concatenate(scores)
    keys = frame.select(KEYS).take(pa.array(rows.labelled.rows[places]))
    return keys.append_column("plain_logistic", pa.array(found))


def print_comparison(tested: pa.Table, truth: pa.Table, risk: Risk) -> None:
    """Print each scorer's figures, their share of the truth's, and the model's lead, on the same drawn accounts."""
    scored = with_truth(tested, truth, risk)
    rows = scored_rows(scored)
    names = [name for name in scored.column_names if name.startswith(("rule_", "logistic", "plain_"))]
    found = {name: figures(rows, scored[name].to_numpy(), risk.capacity) for name in ("truth", "rank_score", *names)}
    titles = {"truth": TRUTH, "rank_score": "**Rescue**"}
    print("| scorer | average precision | of the truth's | Rescue ahead by | recall at capacity | of the truth's |")
    print("|---|---|---|---|---|---|")
    for name, (precision, recall) in found.items():
        shares = [interval_text(own / best, "%") for own, best in zip((precision, recall), found["truth"], strict=True)]
        ahead = "" if name == "rank_score" else interval_text(found["rank_score"][0] - precision, "+")
        cells = (interval_text(precision), shares[0], ahead, interval_text(recall), shares[1])
        print(f"| {titles.get(name, name)} | {' | '.join(cells)} |", flush=True)


def with_truth(scored: pa.Table, truth: pa.Table, risk: Risk) -> pa.Table:
    """The test rows whose true risk is known."""
    known = truth.select([*KEYS, risk.name]).rename_columns([*KEYS, "truth"])
    return scored.join(known, KEYS, join_type="inner").sort_by([("as_of", "ascending"), ("account_id", "ascending")])


def tested_rows(rows: Examples, places: Ints) -> EvaluationRows:
    """The rows at these places, as the metrics take them."""
    tested = rows.labelled.take(places)
    return EvaluationRows(
        event=tested.happened,
        weight=rows.weight[places],
        day=tested.day,
        unit=tested.account,
        event_number=tested.event,
        revenue=np.full(len(tested), np.nan),
    )


def figures(rows: EvaluationRows, score: Floats, capacity: int) -> tuple[Floats, Floats]:
    """Average precision and recall at capacity of a score on every draw."""
    draws = ranking_draws(rows, np.asarray(score, dtype=np.float64), capacity)
    return draws["average_precision"], draws["recall_at_capacity"]


def interval_text(values: Floats, style: str = "") -> str:
    """A figure with its interval; ``%`` formats percent, ``+`` adds the sign."""
    found = interval(values)
    shape = "{:.1%}" if style == "%" else "{:" + style + ".3f}"
    value, low, high = (shape.format(number) for number in (found.value, found.low, found.high))
    return f"{value} [{low}, {high}]"


if __name__ == "__main__":
    main()
