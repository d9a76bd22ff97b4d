"""Which rows are learned from where a team acts on accounts, and what each counts for."""

import numpy as np
import pytest
from numpy.typing import NDArray

from models.data.examples import Labelled
from models.data.treatment import effective_size, untreated


def rows(account: list[int], **marks: list[float]) -> Labelled:
    """Rows of accounts with some marks; all others as in labels without recorded draws."""
    size = len(account)
    columns = {
        "rows": np.arange(size), "day": np.zeros(size, np.int64), "account": np.array(account),
        "unit": np.array(marks.get("account", account)),
        "happened": np.zeros(size, bool), "event": np.full(size, -1), "treated": np.zeros(size, bool),
        "holdout": np.zeros(size, bool), "selected": np.zeros(size, bool),
        "held_probability": np.full(size, np.nan), "held_draws": np.full(size, -1),
        "decided_after": np.full(size, np.nan), "represents": np.ones(size),
    }  # fmt: skip
    return Labelled(**{name: np.array(marks.get(name, value), value.dtype) for name, value in columns.items()})


def weights(labelled: Labelled) -> list[float]:
    """The weight of every row, 0 for those left out."""
    usable = untreated(labelled)
    found = np.zeros(len(labelled))
    found[usable.keep] = usable.weight
    return [round(weight, 9) for weight in found.tolist()]


def test_a_held_out_row_counts_for_all_that_were_acted_on_however_few_are_held_out() -> None:
    labelled = rows(list(range(42)), treated=[1] * 40 + [0, 0], holdout=[0] * 40 + [1, 0])
    assert weights(labelled) == [0.0] * 40 + [41.0, 1.0]


def test_recorded_probabilities_weight_each_stratum_by_its_own() -> None:
    labelled = rows(
        [0, 1, 2, 3, 4, 5, 6, 7],
        treated=[0, 0, 1, 1, 1, 1, 0, 0],
        holdout=[1, 1, 0, 0, 0, 0, 0, 0],
        selected=[0, 0, 1, 1, 1, 1, 0, 0],
        held_probability=[0.5, 0.25, 0.5, 0.25, 0.25, 0.25, np.nan, np.nan],
    )
    assert weights(labelled) == [2.0, 4.0, 0.0, 0.0, 0.0, 0.0, 1.0, 1.0]


def test_a_selected_account_on_which_nobody_acted_is_represented_by_the_held_out() -> None:
    labelled = rows(
        [0, 1, 2],
        treated=[0, 1, 0],
        holdout=[1, 0, 0],
        selected=[0, 1, 1],
        held_probability=[1 / 3, 1 / 3, 1 / 3],
    )
    assert weights(labelled) == [3.0, 0.0, 0.0]
    assert untreated(labelled).note.parameters["not_acted_on"] == 1  # type: ignore[union-attr]


def test_without_a_hold_out_only_the_treated_are_left_out() -> None:
    labelled = rows([0, 1, 2], treated=[1, 0, 0], selected=[1, 1, 0], held_probability=[0.2, 0.2, np.nan])
    assert weights(labelled) == [0.0, 1.0, 1.0]


def test_exempt_accounts_are_represented_by_nobody_and_are_counted() -> None:
    labelled = rows(
        [0, 1, 2, 3],
        treated=[0, 1, 1, 0],
        holdout=[1, 0, 0, 0],
        selected=[0, 1, 1, 1],
        held_probability=[0.5, 0.5, 0.0, 0.0],
    )
    assert weights(labelled) == [2.0, 0.0, 0.0, 1.0]
    assert untreated(labelled).note.parameters["never_drawn"] == 1  # type: ignore[union-attr]


def test_a_held_out_account_that_would_not_have_been_worked_counts_once() -> None:
    labelled = rows([0, 1, 2], treated=[0, 0, 1], holdout=[1, 1, 0], held_probability=[1.0, 0.5, 0.5])
    assert weights(labelled) == [1.0, 2.0, 0.0]


def test_an_account_drawn_anew_each_time_counts_for_more_than_one_drawn_once() -> None:
    # half are held out at the first draw, and half of these at the second
    labelled = rows(
        list(range(8)),
        treated=[1, 1, 1, 1, 1, 1, 0, 0],
        holdout=[0, 0, 0, 0, 1, 1, 1, 1],
        held_draws=[0, 0, 0, 0, 1, 1, 2, 2],
    )
    assert weights(labelled)[6:] == [4.0, 4.0]


def test_an_account_that_is_always_held_out_again_is_drawn_once() -> None:
    labelled = rows(
        [0, 1, 2, 3, 4, 5],
        treated=[1, 1, 1, 1, 0, 0],
        holdout=[0, 0, 0, 0, 1, 1],
        held_draws=[0, 0, 0, 0, 1, 3],
    )
    assert weights(labelled)[4:] == [3.0, 3.0]


def test_early_and_late_draws_are_replaced_apart() -> None:
    # 20 early draws, half of them held out, and 50 late ones with ten held out
    early, late = [1] * 10 + [0] * 10, [1] * 10 + [0] * 40
    held = [*early, *late]
    labelled = rows(
        list(range(70)), treated=[1 - mark for mark in held], holdout=held, decided_after=[0.0] * 20 + [60.0] * 50
    )
    found = weights(labelled)
    assert found[:10] == [2.0] * 10
    assert found[20:30] == [5.0] * 10


def test_too_few_late_draws_are_replaced_with_the_early_ones() -> None:
    held = [1] * 10 + [0] * 10 + [1] + [0] * 21
    labelled = rows(
        list(range(42)), treated=[1 - mark for mark in held], holdout=held, decided_after=[0.0] * 20 + [60.0] * 22
    )
    assert set(weights(labelled)) == {0.0, round(42 / 11, 9)}


@pytest.mark.parametrize(
    ("account", "weight", "size"),
    [([0, 1, 2], [1, 1, 1], 3.0), ([0, 0, 1], [1, 1, 1], 2.0), ([0, 1], [1, 3], 1.6), ([], [], 0.0)],
)
def test_the_effective_size_counts_accounts_and_weights(account: list[int], weight: list[float], size: float) -> None:
    assert effective_size(np.array(account, np.int64), np.array(weight, float)) == pytest.approx(size)


def selected_by_a_hidden_cause(seed: int, held_share: float) -> tuple[NDArray[np.bool_], Labelled]:
    """20,000 accounts, some in danger for a reason that only the team sees; it acts on 85% of these."""
    rng = np.random.default_rng(seed)
    size = 20_000
    danger = rng.random(size) < 0.15
    leaves = rng.random(size) < np.where(danger, 0.4, 0.03)
    works = danger & (rng.random(size) < 0.85)
    held = works & (rng.random(size) < held_share)
    treated = works & ~held
    labelled = rows(list(range(size)), treated=treated.tolist(), holdout=held.tolist(), happened=leaves.tolist())
    return leaves, labelled


def test_the_weighted_rows_have_the_base_rate_of_all_accounts_although_the_cause_is_hidden() -> None:
    leaves, labelled = selected_by_a_hidden_cause(seed=1, held_share=0.15)
    usable = untreated(labelled)
    rate = np.average(labelled.happened[usable.keep], weights=usable.weight)
    assert rate == pytest.approx(leaves.mean(), rel=0.07)
    assert labelled.happened[usable.keep & ~labelled.holdout].mean() < 0.6 * leaves.mean()
