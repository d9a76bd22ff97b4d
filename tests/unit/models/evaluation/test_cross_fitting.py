"""The calibrator of the published model comes from accounts that a fit did not see."""

from dataclasses import dataclass, replace
from functools import cache

import numpy as np
import pyarrow as pa
import pytest
from support.worlds.learning_world import world

from models.data.arrays import Floats, Matrix
from models.data.examples import Examples
from models.evaluation.cross_fitting import PARTS, calibrate, cross_fit, effective_events
from models.learners.estimator import Scorer
from models.learners.estimators import find_estimator
from models.learners.learner import Learner
from models.learners.training_set import TrainingSet, prepare_training_set
from models.risks.defaults import CHURN


@cache
def material() -> TrainingSet:
    made = world(accounts=300, weeks=80, base=-3.5)
    return prepare_training_set(made.frame, made.labels, CHURN)


@dataclass(frozen=True)
class Overconfident:
    """A scorer that claims ``factor`` times the log-odds that the logistic regression gives."""

    inner: Scorer
    factor: float
    kind: str = "logistic"

    def margin(self, matrix: Matrix) -> Floats:
        return self.factor * self.inner.margin(matrix)


@dataclass
class Watched:
    """The logistic regression, and what it was fitted on."""

    factor: float = 1.0
    name: str = "own"

    def __post_init__(self) -> None:
        self.seen: list[set[int]] = []

    def fit(self, training: Examples, learner: Learner) -> Overconfident:
        self.seen.append(set(training.labelled.account.tolist()))
        return Overconfident(find_estimator("logistic").fit(training, learner), self.factor)


def test_every_account_is_scored_by_a_fit_that_did_not_see_it() -> None:
    watched = Watched()
    crossed = cross_fit(material(), watched)  # type: ignore[arg-type]
    accounts = set(material().examples.labelled.account.tolist())
    assert len(watched.seen) == PARTS
    assert set(crossed.labelled.account.tolist()) == accounts
    assert set.intersection(*watched.seen) == set()
    with_event = set(material().examples.labelled.account[material().examples.labelled.happened].tolist())
    shares = [len(with_event - seen) for seen in watched.seen]
    assert max(shares) - min(shares) <= 1


@pytest.mark.parametrize("factor", [1.0, 4.0])
def test_an_overconfident_learner_is_published_as_it_deserves(factor: float) -> None:
    rows = material().examples
    estimator = Watched(factor)
    published = calibrate(material(), estimator).apply(  # type: ignore[arg-type]
        estimator.fit(rows, material().learner).margin(rows.matrix)
    )
    assert rows.labelled.happened.mean() == pytest.approx(published.mean(), rel=0.1)
    plain = calibrate(material(), Watched()).apply(Watched().fit(rows, material().learner).margin(rows.matrix))  # type: ignore[arg-type]
    assert np.log(published).std() == pytest.approx(np.log(plain).std(), rel=0.35)


def test_events_are_counted_by_account_and_weight() -> None:
    labelled = material().examples.labelled
    happened = labelled.happened
    accounts = len(np.unique(labelled.account[happened]))
    assert effective_events(labelled, np.ones(len(labelled))) == pytest.approx(accounts)
    heavy = np.where(labelled.account == labelled.account[happened][0], 9.0, 1.0)
    assert effective_events(labelled, heavy) == pytest.approx((accounts + 8) ** 2 / (accounts + 80))


def test_a_base_rate_that_has_moved_is_followed() -> None:
    data = material()
    rows = data.examples
    late = rows.labelled.day > np.quantile(rows.labelled.day, 0.6)
    rng = np.random.default_rng(1)
    more = np.isin(rows.labelled.account, rng.choice(300, 90, replace=False)) & late
    labelled = type(rows.labelled)(**{**vars(rows.labelled), "happened": rows.labelled.happened | more})
    moved = replace(data, examples=Examples(rows.matrix, labelled, rows.weight))
    margin = find_estimator("logistic").fit(moved.examples, moved.learner).margin(rows.matrix)
    published = calibrate(moved, find_estimator("logistic")).apply(margin)
    gap = published[late].mean() / labelled.happened[late].mean()
    assert 0.75 < gap < 1.15
    assert published[~late].mean() > 1.15 * labelled.happened[~late].mean()


@cache
def grouped() -> TrainingSet:
    """The same accounts, every two of them in one group."""
    made = world(accounts=300, weeks=80, base=-3.5)
    accounts = sorted(set(made.labels["account_id"].to_pylist()))
    group = {account: f"group-{number // 2}" for number, account in enumerate(accounts)}
    units = pa.array([group[account] for account in made.labels["account_id"].to_pylist()])
    return prepare_training_set(made.frame, made.labels.append_column("unit", units), CHURN)


def test_accounts_of_one_group_are_left_out_together_and_count_as_one() -> None:
    watched = Watched()
    crossed = cross_fit(grouped(), watched)  # type: ignore[arg-type]
    labelled = grouped().examples.labelled
    unit_of = dict(zip(labelled.account.tolist(), labelled.unit.tolist(), strict=True))
    assert len(set(unit_of.values())) < 0.6 * len(unit_of)
    left_out = [set(unit_of) - seen for seen in watched.seen]
    units = [{unit_of[account] for account in part} for part in left_out]
    assert sum(map(len, units)) == len(set.union(*units))
    plain = cross_fit(material(), Watched())  # type: ignore[arg-type]
    assert crossed.events < plain.events
