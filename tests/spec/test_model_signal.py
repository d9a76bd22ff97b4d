"""What any honest learner of risk must show: no signal where there is none, the planted one where it is, and that a
random split flatters."""

import numpy as np
import pyarrow as pa
import pytest
from support.worlds.learning_world import World, drift, world

from models import training
from models.evaluation.metrics_report import MODEL
from models.learners.calibration import sigmoid
from models.learners.training_set import prepare_training_set
from models.risks.defaults import CHURN, ESCALATION


def shuffled_among_accounts(made: World, seed: int) -> pa.Table:
    """Each account gets another account's whole history of labels: nothing about it is true, but all else is alike."""
    labels = made.labels.to_pandas()
    names = labels["account_id"].unique()
    other = dict(zip(names, np.random.default_rng(seed).permutation(names), strict=True))
    moved = labels.assign(account_id=labels["account_id"].map(other))
    rows = made.frame.select(["account_id", "as_of"]).to_pandas().merge(moved, on=["account_id", "as_of"])
    return pa.Table.from_pandas(rows, schema=made.labels.schema, preserve_index=False)


@pytest.mark.parametrize("seed", [1, 2])
def test_permuted_labels_give_no_signal(seed: int) -> None:
    made = world(accounts=150, weeks=80, base=-4.2, seed=seed)
    found = training.fit(made.frame, shuffled_among_accounts(made, seed), CHURN, threads=1)
    auc = found.evaluation.overall.scorers[MODEL]["auc"]
    assert auc.low < 0.5 + 0.05
    assert not found.evaluation.signal
    assert found.evaluation.verdict.code == "no_signal"


@pytest.mark.parametrize("seed", [1, 2])
def test_a_planted_signal_is_found_and_nearly_all_of_it(seed: int) -> None:
    made = world(accounts=300, weeks=90, base=-4.8, signal=1.4, seed=seed)
    found = training.fit(made.frame, made.labels, CHURN, threads=1)
    truth = dict(
        zip(zip(*(made.frame[n].to_pylist() for n in ("account_id", "as_of")), strict=True), made.truth, strict=True)
    )
    keys = zip(*(found.scored[n].to_pylist() for n in ("account_id", "as_of")), strict=True)
    best = np.array([truth[key] for key in keys])
    assert found.evaluation.signal
    assert np.corrcoef(_ranks(best), _ranks(found.scored["rank_score"].to_numpy()))[0, 1] > 0.75


def _ranks(values: np.ndarray) -> np.ndarray:
    return np.argsort(np.argsort(values))


def test_a_random_split_praises_what_time_does_not() -> None:
    """Marks that only identify an account, labels that last: random folds praise it, a walk-forward does not."""
    from lightgbm import LGBMClassifier
    from sklearn.metrics import roc_auc_score
    from sklearn.model_selection import KFold, cross_val_predict

    made = memory_only()
    signature = prepare_training_set(made.frame, made.labels, ESCALATION)
    x, y = signature.examples.matrix, signature.examples.labelled.happened
    learner = LGBMClassifier(n_estimators=150, verbosity=-1, n_jobs=1, random_state=1)
    flattered = cross_val_predict(learner, x, y, cv=KFold(5, shuffle=True, random_state=1), method="predict_proba")[
        :, 1
    ]
    honest = training.fit(made.frame, made.labels, ESCALATION, threads=1).evaluation.overall.scorers[MODEL]["auc"]
    assert roc_auc_score(y, flattered) > 0.8
    assert roc_auc_score(y, flattered) - honest.value > 0.12


def memory_only() -> World:
    """Escalations by a trouble that no feature shows; the features are each account's own slowly moving marks."""
    rng = np.random.default_rng(3)
    accounts, weeks = 120, 90
    trouble = drift(rng, accounts, weeks, memory=0.97)
    marks = [drift(rng, accounts, weeks, memory=0.999).ravel() for _ in range(4)]
    happened = rng.random((weeks, accounts)) < sigmoid(-4 + 2.5 * trouble)
    soon = np.stack([happened[week + 1 : week + 3].any(axis=0) for week in range(weeks - 3)])
    rows = soon.size
    day = np.repeat(np.datetime64("2024-01-01") + 7 * np.arange(weeks - 3), accounts)
    keys = {
        "account_id": [f"a{number:03}" for number in range(accounts)] * (weeks - 3),
        "as_of": pa.array(day.astype("datetime64[D]"), pa.date32()),
    }
    frame = pa.table({**keys, **{f"mark_{n}": mark[:rows] for n, mark in enumerate(marks)}})
    event = soon.ravel()
    at = np.where(event, day + 7, np.datetime64("NaT")).astype("datetime64[us]")
    flags = np.zeros(rows, bool)
    labels = pa.table({**keys, "event": event, "event_at": pa.array(at), "treated": flags, "holdout": flags})
    return World(frame, labels, event.astype(float))
