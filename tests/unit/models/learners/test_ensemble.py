"""Trees and line are blended by what each was worth on rows that neither had seen."""

import numpy as np
import pytest

from models.data.arrays import Floats
from models.learners.calibration import sigmoid
from models.learners.ensemble import USUAL_SHARE, best_share, blended

ROWS = 6000


def drawn(margin: Floats, seed: int = 1) -> np.ndarray:
    return np.random.default_rng(seed).random(len(margin)) < sigmoid(margin)


def share(trees: Floats, line: Floats, happened: np.ndarray) -> float:
    return best_share(trees, line, happened, np.ones(len(trees)), int(happened.sum()))


@pytest.fixture(scope="module")
def halves() -> tuple[Floats, Floats]:
    rng = np.random.default_rng(5)
    return rng.normal(size=ROWS), rng.normal(size=ROWS)


@pytest.mark.parametrize("part", [0.0, 0.25, 0.75, 1.0])
def test_the_share_is_the_one_that_the_outcomes_were_drawn_by(halves: tuple[Floats, Floats], part: float) -> None:
    trees, line = halves
    happened = drawn(2 * blended(trees, line, part) - 1)
    assert share(trees, line, happened) == pytest.approx(part, abs=0.06)


def test_a_scorer_that_is_wrong_never_counts_against_itself(halves: tuple[Floats, Floats]) -> None:
    trees, line = halves
    assert share(-trees, line, drawn(2 * trees - 1)) == pytest.approx(0, abs=0.1)


def test_few_events_leave_the_usual_share(halves: tuple[Floats, Floats]) -> None:
    trees, line = (half[:80] for half in halves)
    happened = np.zeros(80, dtype=bool)
    happened[np.argsort(-line)[:3]] = True
    assert 0.8 * USUAL_SHARE < share(trees, line, happened) < USUAL_SHARE


def test_a_share_says_nothing_of_how_sure_both_are(halves: tuple[Floats, Floats]) -> None:
    """Twice as bold log-odds of both are the calibrator's business: the share stays."""
    trees, line = halves
    happened = drawn(trees + line - 1)
    assert share(2 * trees, 2 * line, happened) == pytest.approx(share(trees, line, happened), abs=0.02)
