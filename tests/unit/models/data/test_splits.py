import numpy as np
import pytest

from models.data.splits import rolling_origins, unseen_folds

WEEKS = list(range(0, 700, 7))


@pytest.mark.parametrize("embargo", [14, 127])
def test_no_training_label_is_settled_after_its_origin(embargo: int) -> None:
    days = np.array(WEEKS)
    for origin in rolling_origins(WEEKS, embargo).origins:
        assert origin.known(days).any()
        assert (days[origin.known(days)] + embargo).max() < origin.start


@pytest.mark.parametrize("embargo", [14, 127])
def test_six_origins_test_every_later_cutoff_once(embargo: int) -> None:
    plan = rolling_origins(WEEKS, embargo)
    tested = [day for origin in plan.origins for day in origin.tests]
    assert len(plan.origins) == 6
    assert plan.note == ""
    assert tested == [day for day in WEEKS if day >= plan.origins[0].start]


def test_blocks_differ_by_one_cutoff_at_most() -> None:
    lengths = {len(origin.tests) for origin in rolling_origins(WEEKS, 127).origins}
    assert max(lengths) - min(lengths) <= 1


def test_a_short_history_gives_fewer_origins_and_says_so() -> None:
    plan = rolling_origins(range(0, 7 * 23, 7), 127)
    assert 0 < len(plan.origins) < 6
    assert "23 matured cutoffs with an embargo of 127 days allow only" in plan.note


def test_no_origin_where_nothing_is_known_behind_the_embargo() -> None:
    plan = rolling_origins(range(0, 120, 7), 127)
    assert plan.origins == ()
    assert "0 of 6" in plan.note


def test_no_cutoffs_no_origins() -> None:
    assert rolling_origins([], 14).origins == ()


def test_an_account_has_one_fold() -> None:
    accounts = np.array([0, 1, 2, 0, 1, 2, 3])
    fold = unseen_folds(accounts, 3, seed=1)
    assert set(fold) == {0, 1, 2}
    for account in range(4):
        assert len(set(fold[accounts == account])) == 1
