import numpy as np
import pytest

from models.data.splits import rolling_folds, unseen_folds

WEEKS = list(range(0, 700, 7))


@pytest.mark.parametrize("embargo", [14, 127])
def test_no_training_label_is_settled_after_its_origin(embargo: int) -> None:
    days = np.array(WEEKS)
    for fold in rolling_folds(WEEKS, embargo).folds:
        assert fold.known(days).any()
        assert (days[fold.known(days)] + embargo).max() < fold.start


@pytest.mark.parametrize("embargo", [14, 127])
def test_six_folds_test_every_later_cutoff_once(embargo: int) -> None:
    plan = rolling_folds(WEEKS, embargo)
    tested = [day for fold in plan.folds for day in fold.tests]
    assert len(plan.folds) == 6
    assert plan.note is None
    assert tested == [day for day in WEEKS if day >= plan.folds[0].start]


def test_blocks_differ_by_one_cutoff_at_most() -> None:
    lengths = {len(fold.tests) for fold in rolling_folds(WEEKS, 127).folds}
    assert max(lengths) - min(lengths) <= 1


def test_a_short_history_gives_fewer_folds_and_a_note() -> None:
    plan = rolling_folds(range(0, 7 * 23, 7), 127)
    assert 0 < len(plan.folds) < 6
    assert plan.note is not None
    assert plan.note.parameters == {"folds": len(plan.folds), "wanted": 6, "cutoffs": 23, "embargo": 127}


def test_no_fold_where_nothing_is_known_behind_the_embargo() -> None:
    plan = rolling_folds(range(0, 120, 7), 127)
    assert plan.folds == ()
    assert plan.note is not None
    assert (plan.note.parameters["folds"], plan.note.parameters["wanted"]) == (0, 6)


def test_no_cutoffs_no_folds() -> None:
    assert rolling_folds([], 14).folds == ()


def test_an_account_has_one_fold() -> None:
    accounts = np.array([0, 1, 2, 0, 1, 2, 3])
    fold = unseen_folds(accounts, 3, seed=1)
    assert set(fold) == {0, 1, 2}
    for account in range(4):
        assert len(set(fold[accounts == account])) == 1
