"""Fewer rows to learn from that say the same: rare events stay, the other rows count for those left out."""

from dataclasses import replace

import numpy as np
import pytest
from support.worlds.learning_world import world

from models.data.examples import Labelled, labelled_rows, sampled


@pytest.fixture(scope="module")
def labelled() -> Labelled:
    made = world(accounts=300, weeks=80, base=-5.8)
    return labelled_rows(made.frame, made.labels)


def test_few_rows_stay_as_they_are(labelled: Labelled) -> None:
    places, counts = sampled(labelled, len(labelled))
    assert np.array_equal(places, np.arange(len(labelled))) and (counts == 1).all()


def test_events_stay_and_the_others_count_for_those_left_out(labelled: Labelled) -> None:
    limit = len(labelled) // 3
    assert labelled.happened.sum() < 0.4 * limit
    places, counts = sampled(labelled, limit)
    taken = labelled.take(places)
    assert abs(len(places) - limit) < 0.02 * limit
    assert taken.happened.sum() == labelled.happened.sum() and (counts[taken.happened] == 1).all()
    assert np.isclose(counts.sum(), len(labelled))
    assert np.isclose(np.average(taken.happened, weights=counts), labelled.happened.mean())


def test_many_events_are_sampled_too(labelled: Labelled) -> None:
    limit = int(labelled.happened.sum())
    places, counts = sampled(labelled, limit)
    taken = labelled.take(places)
    assert abs(taken.happened.sum() - 0.4 * limit) < 0.05 * limit
    assert np.isclose(counts[taken.happened].sum(), labelled.happened.sum())
    assert np.isclose(counts.sum(), len(labelled))


def test_every_account_and_every_time_has_its_share(labelled: Labelled) -> None:
    limit = len(labelled) // 3
    taken = labelled.take(sampled(labelled, limit)[0])
    rest, of_taken = labelled.take(~labelled.happened), taken.take(~taken.happened)
    share = len(of_taken) / len(rest)
    whole, part = (np.bincount(rows.account, minlength=300) for rows in (rest, of_taken))
    assert np.abs(part - share * whole).max() <= 1
    days = np.unique(rest.day)
    by_day = [(of_taken.day == day).sum() / (rest.day == day).sum() for day in days]
    assert np.abs(np.array(by_day) - share).max() < 0.2


def test_a_sample_of_a_sample_is_as_even(labelled: Labelled) -> None:
    """Rows at every second cutoff would all stay where only every second cutoff is there."""
    once = labelled.take(sampled(labelled, len(labelled) // 2)[0])
    places, counts = sampled(once, len(once) // 2)
    rest = ~once.take(places).happened
    assert np.isclose(counts[rest].sum(), (~once.happened).sum())
    assert rest.sum() < 0.6 * (~once.happened).sum()


def test_a_sample_of_a_sample_of_many_accounts_keeps_the_share_of_events(labelled: Labelled) -> None:
    """Where an account has one row, the second sample once had only rows with the event."""
    each_alone = replace(labelled, account=np.arange(len(labelled)), happened=np.arange(len(labelled)) % 5 < 2)
    once = each_alone.take(sampled(each_alone, len(labelled) // 4)[0])
    places, counts = sampled(once, len(once) // 5)
    happened = once.happened[places]
    assert abs(len(places) - len(once) // 5) < 0.01 * len(once)
    assert 0.35 < happened.mean() < 0.45
    assert np.isclose(counts[happened].sum(), once.happened.sum())
