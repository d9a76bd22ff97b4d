"""A small world whose true risk is known: accounts whose trouble drifts week by week, and who leave by it.

``world()`` gives a frame and labels as `features` would (weekly cutoffs, contract churn: lead 7, horizon 90, grace 30),
without History, so that a test of learning takes a second. ``observed`` is what the trouble shows in: the frame's
columns ``health_score`` and ``tickets_opened_90d``; ``noise_…`` say nothing.
"""

from dataclasses import dataclass
from datetime import date

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from models.learners.calibration import sigmoid

FIRST = np.datetime64(date(2024, 1, 1))
LEAD, HORIZON, GRACE = 1, 14, 4  # weeks


@dataclass(frozen=True)
class World:
    """The frame, the labels, and each row's true risk (of leaving in the window)."""

    frame: pa.Table
    labels: pa.Table
    truth: NDArray[np.float64]


def world(
    accounts: int = 200,
    weeks: int = 80,
    *,
    seed: int = 1,
    signal: float = 1.2,
    base: float = -4.6,
    noise: int = 4,
) -> World:
    """A world of so many accounts; ``signal`` 0 makes the leaving pure chance, ``base`` is a week's log-odds of it."""
    rng = np.random.default_rng(seed)
    trouble = drift(rng, accounts, weeks)
    hazard = sigmoid(base + signal * trouble)
    leaves = rng.random((weeks, accounts)) < hazard
    left = np.where(leaves.any(axis=0), leaves.argmax(axis=0), weeks + 1000)
    week, account = np.nonzero(np.arange(weeks)[:, None] <= left[None, :])
    frame = _frame(rng, week, account, trouble, noise)
    labels = _labels(frame, week, left[account], weeks)
    return World(frame, labels, hazard[week, account])


def drift(rng: np.random.Generator, accounts: int, weeks: int, memory: float = 0.97) -> NDArray[np.float64]:
    """A trouble a week and account: standard normal, and much like last week's."""
    values = np.empty((weeks, accounts))
    values[0] = rng.normal(size=accounts)
    for week in range(1, weeks):
        values[week] = memory * values[week - 1] + np.sqrt(1 - memory**2) * rng.normal(size=accounts)
    return values


def _frame(
    rng: np.random.Generator,
    week: NDArray[np.int64],
    account: NDArray[np.int64],
    trouble: NDArray[np.float64],
    noise: int,
) -> pa.Table:
    shown = trouble[week, account]
    tickets = rng.poisson(np.exp(0.5 * shown)).astype(float)
    tickets[rng.random(len(tickets)) < 0.05] = np.nan
    columns = {
        "health_score": np.clip(60 - 12 * shown + rng.normal(0, 6, len(shown)), 0, 100),
        "tickets_opened_90d": tickets,
        **{f"noise_{number}": rng.normal(size=len(shown)) for number in range(noise)},
    }
    return pa.table(
        {
            "account_id": [f"a{number:05}" for number in account],
            "as_of": pa.array((FIRST + 7 * week).astype("datetime64[D]"), pa.date32()),
            **{name: pa.array(values, pa.float64(), from_pandas=True) for name, values in columns.items()},
            "contract_arr": pa.array(1000.0 * (1 + account % 7)),
            "segment": np.where(account % 3 == 0, "mid", "smb").tolist(),
        }
    )


def _labels(frame: pa.Table, week: NDArray[np.int64], left: NDArray[np.int64], weeks: int) -> pa.Table:
    happened = (left > week + LEAD) & (left <= week + LEAD + HORIZON)
    settled = week + LEAD + HORIZON + GRACE < weeks
    at = np.where(happened, FIRST + 7 * left, np.datetime64("NaT")).astype("datetime64[us]")
    return pa.table(
        {
            "account_id": frame["account_id"],
            "as_of": frame["as_of"],
            "event": pa.array(happened, mask=~settled),
            "unknown": pa.array(["not settled"] * len(week), mask=settled),
            "event_at": pa.array(at, pa.timestamp("us")),
            "treated": np.zeros(len(week), bool),
            "holdout": np.zeros(len(week), bool),
        }
    )
