"""Scored rows whose risks are known."""

import numpy as np

from models.data.arrays import Floats
from models.evaluation.evaluation_rows import EvaluationRows
from models.learners.calibration import sigmoid


def draw_scored_rows(accounts: int = 300, weeks: int = 10, *, seed: int = 1) -> tuple[EvaluationRows, Floats]:
    """Accounts with one risk each; the event is drawn once an account and holds for all of its weeks."""
    rng = np.random.default_rng(seed)
    margin = rng.normal(-1.5, 1.2, accounts)
    happened = rng.random(accounts) < sigmoid(margin)
    account = np.tile(np.arange(accounts), weeks)
    event = happened[account]
    rows = EvaluationRows(
        event=event,
        weight=np.ones(len(account)),
        day=np.repeat(np.arange(weeks) * 7, accounts),
        unit=account,
        event_number=np.where(event, account, -1),
        revenue=np.ones(len(account)),
    )
    return rows, margin[account]
