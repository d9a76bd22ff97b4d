"""A sample of the rows of a large source: what is kept for certain, what rows count for, what samples share."""

import numpy as np
import pyarrow as pa

from models.data.row_sampling import draw_rows, row_chances

ACCOUNTS = pa.array([f"account {number}" for number in range(2_000)])
DAYS = np.arange(20_000, 20_000 + 7 * 50, 7)


def test_a_rows_number_depends_on_nothing_but_its_account_and_cutoff() -> None:
    whole = row_chances(ACCOUNTS, DAYS)
    assert np.array_equal(row_chances(ACCOUNTS.slice(700, 30), DAYS[11:13]), whole[11:13, 700:730])


def test_the_numbers_are_even_and_do_not_go_together() -> None:
    chance = row_chances(ACCOUNTS, DAYS)
    assert chance.min() >= 0 and chance.max() < 1
    assert np.abs(np.quantile(chance, np.arange(1, 10) / 10) - np.arange(1, 10) / 10).max() < 0.005
    kept = chance < 0.1
    assert np.abs(kept.mean(axis=1) - 0.1).max() < 0.03, "every cutoff has its share"
    assert np.abs(np.corrcoef(chance[:-1].ravel(), chance[1:].ravel())[0, 1]) < 0.02, "weeks are drawn independently"
    assert len(np.unique(chance)) == chance.size


def test_certain_rows_are_kept_and_the_others_count_for_all() -> None:
    chance = row_chances(ACCOUNTS, DAYS)
    certain = np.random.default_rng(1).random(chance.shape) < 0.02
    sample = draw_rows(certain, chance, 20_000)
    kept = sample.kept
    assert kept[certain].all() and (sample.represents[certain] == 1).all()
    assert abs(kept.sum() - 20_000) < 600
    assert abs(sample.represents[kept].sum() / chance.size - 1) < 0.03


def test_where_too_many_rows_are_certain_they_are_sampled_too() -> None:
    chance = row_chances(ACCOUNTS, DAYS)
    certain = np.random.default_rng(1).random(chance.shape) < 0.4
    sample = draw_rows(certain, chance, 10_000)
    kept = sample.kept
    assert abs(kept.sum() - 10_000) < 500
    assert abs(sample.represents[kept & certain].sum() / certain.sum() - 1) < 0.05
    assert abs(sample.represents[kept].sum() / chance.size - 1) < 0.05


def test_a_smaller_sample_lies_within_a_larger_one() -> None:
    chance = row_chances(ACCOUNTS, DAYS)
    certain = np.random.default_rng(1).random(chance.shape) < 0.02
    large, small = (draw_rows(certain, chance, rows) for rows in (30_000, 9_000))
    assert not (small.kept & ~large.kept).any()
    both = small.kept & large.kept
    counts = np.maximum(small.represents, large.represents)[both]
    assert abs(counts.sum() / chance.size - 1) < 0.03
