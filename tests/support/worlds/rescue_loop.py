"""A team that knows more than the data: models are trained on what it leaves, over and over.

Accounts have a trouble that the data show and a cause of leaving that only the team sees. Whenever an account is in
danger and the cause is strong, the team acts, unless the account is held out by a draw that was made once for all; that
is 85% of the accounts in danger. An action divides the hazard by three for a quarter. So nearly every account in danger
is treated, and no column tells which. The world gives the frame and the labels of its newest year, as `features` would,
with or without the record of the draws, and the share of accounts that would leave if nobody acted any more.
"""

from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa

from features.labels.labels import LabelRule
from models.data.arrays import Bools, Floats, Ints
from models.learners.calibration import sigmoid
from models.risks.risk import Risk

QUARTER, LEARNED, EVERY = 13, 78, 2
"""Weeks of a window, weeks of cutoffs that are learned from, and weeks from one cutoff to the next."""
RISK = Risk("churn", LabelRule("churn", "silence", horizon=7 * QUARTER))
WORKED = 0.85
IN_DANGER = 0.15
RELIEF = 1 / 3
START = np.datetime64("2024-01-01")
SEEN = ("name", "health", "tickets", "since", "left", "treated", "holdout")


@dataclass
class RescueLoop:
    """The accounts as they live on; one that leaves is followed by a new account in its place."""

    rng: np.random.Generator
    accounts: int
    held_share: float
    trouble: Floats = field(init=False)
    cause: Floats = field(init=False)
    names: Ints = field(init=False)
    treated_in: Floats = field(init=False)
    weeks: list[dict[str, Floats | Bools | Ints]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.trouble, self.cause = self.rng.normal(size=(2, self.accounts))
        self.names = np.arange(self.accounts)
        self.treated_in = np.full(self.accounts, -np.inf)

    @property
    def held(self) -> Bools:
        """Which accounts are drawn for the hold-out, by a hash of their names."""
        return np.asarray(self.names * 2654435761 % 10_000 < 10_000 * self.held_share)

    def hazard(self) -> Floats:
        """This week's chance of leaving where nobody acts."""
        return sigmoid(-6.0 + self.trouble + 1.2 * self.cause)

    def live(self, weeks: int, *, team: bool = True) -> None:
        """So many weeks: the team acts, some leave, the others drift."""
        for _ in range(weeks):
            self._week(team)

    def _week(self, team: bool) -> None:
        week, hazard = len(self.weeks), self.hazard()
        since = np.where(np.isinf(self.treated_in), np.nan, week - self.treated_in)
        danger = hazard >= np.quantile(hazard, 1 - IN_DANGER)
        known = danger & (self.cause >= np.quantile(self.cause[danger], 1 - WORKED)) & team
        idle = ~(since < QUARTER)
        treated, holdout = known & ~self.held & idle, known & self.held
        self.treated_in[treated] = week
        leaving = self.rng.random(self.accounts) < hazard * np.where(week - self.treated_in < QUARTER, RELIEF, 1.0)
        health = 60 - 12 * self.trouble + 8 * self.rng.normal(size=self.accounts)
        tickets = self.rng.poisson(np.exp(0.4 * self.trouble)).astype(np.float64)
        columns = (self.names.copy(), health, tickets, since, leaving, treated, holdout)
        self.weeks.append(dict(zip(SEEN, columns, strict=True)))
        for state, memory in ((self.trouble, 0.97), (self.cause, 0.98)):
            state *= memory
            state += np.sqrt(1 - memory**2) * self.rng.normal(size=self.accounts)
            state[leaving] = self.rng.normal(size=leaving.sum())
        self.names[leaving] += self.accounts
        self.treated_in[leaving] = -np.inf

    def tables(self, *, recorded: bool = False, naive: bool = False) -> tuple[pa.Table, pa.Table]:
        """Frame of the newest cutoffs and labels of those that are mature.

        ``recorded``: outcomes have the probability of every draw. ``naive``: rescued accounts count as safe.
        """
        recent = self.weeks[-(LEARNED + QUARTER) :]
        seen = {key: np.stack([week[key] for week in recent]) for key in SEEN}
        settled = len(recent) - QUARTER
        within = {key: np.zeros((settled, self.accounts), bool) for key in ("left", "treated", "holdout")}
        left_after, decided_after = np.zeros((2, settled, self.accounts), np.int64)
        for ahead in reversed(range(QUARTER)):
            rows = slice(ahead, settled + ahead)
            still = seen["name"][rows] == seen["name"][:settled]
            now = {key: seen[key][rows].astype(bool) & still for key in within}
            for key, any_of in within.items():
                any_of |= now[key]
            left_after[now["left"]] = ahead
            decided_after[now["treated"] | now["holdout"]] = ahead
        first = START + 7 * (len(self.weeks) - len(recent))
        day = first + 7 * np.arange(len(recent))[:, None] + np.zeros((1, self.accounts), np.int64)
        shown, judged = slice((len(recent) - 1) % EVERY, None, EVERY), slice((len(recent) - 1) % EVERY, settled, EVERY)
        frame = _keys(seen["name"][shown], day[shown]) | {
            "health_score": pa.array(seen["health"][shown].ravel()),
            "tickets_opened_90d": pa.array(seen["tickets"][shown].ravel()),
            "rescue_recency_days": pa.array(7.0 * seen["since"][shown].ravel(), from_pandas=True),
        }
        left, treated, holdout = (within[key][judged].ravel() for key in ("left", "treated", "holdout"))
        labels = _keys(seen["name"][judged], day[judged]) | {
            "event": left & ~(treated & naive),
            "event_at": _at(day[judged] + 7 * left_after[judged], left),
            "decided_at": _at(day[judged] + 7 * decided_after[judged], treated | holdout),
            "treated": treated & (not naive),
            "holdout": holdout & (not naive),
        }
        if recorded:
            labels["selected"] = treated
            labels["held_probability"] = np.where(treated | holdout, self.held_share, np.nan)
            labels["held_draws"] = holdout.astype(np.int64)
        return pa.table(frame), pa.table(labels)

    def share_leaving(self, lives: int = 12) -> float:
        """The share of today's accounts that leave within a quarter if nobody acts from now on, over some lives."""
        gone = 0.0
        for life in range(lives):
            other = RescueLoop(np.random.default_rng(life), self.accounts, self.held_share)
            other.trouble, other.cause = self.trouble.copy(), self.cause.copy()
            other.names, other.treated_in = self.names.copy(), self.treated_in.copy()
            other.weeks = [{}] * len(self.weeks)
            other.live(QUARTER, team=False)
            gone += float((other.names != self.names).mean()) / lives
        return gone


def _at(day: np.ndarray, known: Bools) -> pa.Array:  # type: ignore[type-arg]
    return pa.array(np.where(known, day.ravel(), np.datetime64("NaT")).astype("datetime64[us]"))


def _keys(names: Ints, day: np.ndarray) -> dict[str, pa.Array]:  # type: ignore[type-arg]
    return {
        "account_id": pa.array([f"a{name}" for name in names.ravel()]),
        "as_of": pa.array(day.ravel().astype("datetime64[D]"), pa.date32()),
    }
