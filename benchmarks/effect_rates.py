"""How often is the team's effect reported rightly? Nights of the real policy on simulated accounts, with full squads.

``python benchmarks/effect_rates.py [--salts 200]``

Each salt is a world of its own: accounts with a risk that changes from night to night, squads that are full every
night, groups that are drawn together, and a score that falls after an account was worked. The policy decides each night
(`serving.policy.decision.decide`), and the outcomes of the accounts it enrols are drawn: without an effect, and with
one of 10 points. The estimate of before (every held-out account against every worked one, Newcombe's interval) is shown
beside the present one.
"""

import argparse
from dataclasses import dataclass, replace
from datetime import date, timedelta
from math import sqrt
from typing import NamedTuple

import numpy as np
import pyarrow as pa
from scipy.stats import binomtest

from models.evaluation.treatment_effect import AssignedUnits, Precision, contributions, half_width
from serving.policy.decision.decide import Policy, decide
from serving.policy.state.queue_state import Cooldown, OpenCase, QueueState

POLICY = """
[risks.churn]
enter = 0.3
leave = 0.2
cooldown_days = 20
save_rate = 0.3
skill = "retention"

[[severities]]
name = "normal"
respond_hours = 24
resolve_hours = 168
responsible = "primary"
accountable = "lead"

[squads.care]
skills = ["retention"]
members = ["ana"]
capacity = {capacity}

[routing]
fallback = "care"

[holdout]
share = 0.2
salt = "{salt}"
by_segment = {{ large = 0.3 }}

[holdout.exempt]
largest = "arr >= 80000"
"""
FIRST, NIGHTLY = date(2026, 1, 5), timedelta(days=7)
OPEN_NIGHTS = 2
EFFECT = 0.10
MIN_GROUP = 30


@dataclass(frozen=True)
class World:
    """How large the world is: accounts, nights (a week apart), and cases a night."""

    accounts: int = 1_200
    nights: int = 30
    capacity: int = 30


class Play(NamedTuple):
    """What the nights enrolled, in order, and the risks of worked and held-out accounts as they were compared before.

    ``night`` is the number of each unit's night, ``risk`` its true risk without work.
    """

    night: np.ndarray
    held_out: np.ndarray
    share: np.ndarray
    risk: np.ndarray
    predicted: np.ndarray
    all_worked: np.ndarray
    all_held_out: np.ndarray


def play_nights(salt: int, world: World) -> Play:
    """Let the policy decide every night of one world."""
    draw = np.random.default_rng(salt)
    policy = Policy.parse(POLICY.format(capacity=world.capacity, salt=f"salt-{salt}"))
    ids = [f"a{number:05d}" for number in range(world.accounts)]
    parents = [f"g{number // 2:05d}" if number < world.accounts // 5 else None for number in range(world.accounts)]
    arr = np.exp(draw.normal(9.5, 1.0, world.accounts))
    fixed = {
        "account_id": ids,
        "parent_id": parents,
        "segment": np.where(arr > 20_000, "large", "small").tolist(),
        "arr": arr,
    }
    level, wobble = draw.normal(-1.2, 1.0, world.accounts), draw.normal(0, 0.6, world.accounts)
    helped = np.zeros(world.accounts)
    place = {account: number for number, account in enumerate(ids)}
    queue, rows = QueueState(), []
    first_worked: dict[str, float] = {}
    first_held_out: dict[str, float] = {}
    for night in range(world.nights):
        wobble = 0.8 * wobble + draw.normal(0, 0.36, world.accounts)
        risk = 1 / (1 + np.exp(-(level + wobble)))
        score = 1 / (1 + np.exp(-(1.2 * (level + wobble) - helped)))  # the model is a little too sure of itself
        as_of = FIRST + night * NIGHTLY
        decision = decide(pa.table({**fixed, "probability_churn": score}), queue, policy, as_of)
        for unit in decision.enrolments:
            true = risk[place[unit.account_id]]
            rows.append((night, unit.held_out, unit.share, true, unit.probability))
        for flag in decision.flags:
            first_worked.setdefault(flag.account_id, risk[place[flag.account_id]])
            helped[place[flag.account_id]] += 0.7
        for held in decision.held_out:
            first_held_out.setdefault(held.account_id, risk[place[held.account_id]])
        queue = _next_queue(queue, decision, as_of)
    columns = (np.array(column) for column in zip(*rows, strict=True))
    return Play(*columns, np.array([*first_worked.values()]), np.array([*first_held_out.values()]))


def _next_queue(queue: QueueState, decision, as_of: date) -> QueueState:
    """The queue a night later: cases are closed after some nights and cool down."""
    cases = [
        OpenCase(f"{flag.account_id}/{as_of}", flag.account_id, flag.risk, "normal", 0.5, as_of, alarms=flag.alarms)
        for flag in decision.flags
    ]
    due = as_of - (OPEN_NIGHTS - 1) * NIGHTLY
    closed = [case for case in queue.open_cases if case.opened <= due]
    still = [case for case in queue.open_cases if case.opened > due]
    rests = [Cooldown(case.account_id, case.risk, as_of, "saved", case.alarms) for case in closed]
    recent = [rest for rest in queue.cooldowns if as_of - rest.closed_on < timedelta(days=40)]
    enrolled = queue.enrolled | {(unit.salt, unit.unit) for unit in decision.enrolments}
    units = {**queue.holdout_units, **decision.holdout_units}
    return replace(
        queue,
        open_cases=(*still, *cases),
        streaks=decision.streaks,
        cooldowns=(*recent, *rests),
        holdout_units=units,
        enrolled=enrolled,
    )


class Looks(NamedTuple):
    """The interval after each night, from the first one that is shown: the value, and half its width."""

    value: np.ndarray
    half: np.ndarray
    units: int
    precision: Precision


def look_every_night(play: Play, effect: float, seed: int) -> Looks:
    """Draw the outcomes and compute what each night would have shown."""
    draw = np.random.default_rng(seed)
    treated = np.maximum(play.risk - effect, 0)
    event = draw.random(len(play.risk)) < np.where(play.held_out, play.risk, treated)
    one = contributions(AssignedUnits(play.held_out, play.share, event.astype(float), play.predicted))
    ends = np.flatnonzero(np.diff(play.night, append=play.night[-1] + 1)) + 1
    ends = ends[(np.cumsum(play.held_out)[ends - 1] >= MIN_GROUP) & (np.cumsum(~play.held_out)[ends - 1] >= MIN_GROUP)]
    value = np.cumsum(one)[ends - 1] / ends
    deviation = np.sqrt(np.cumsum(one**2)[ends - 1] / ends - value**2)
    precision = Precision(float(one.std()), int(ends[0]))
    return Looks(value, half_width(ends.astype(float)) * deviation, int(ends[-1]), precision)


def interval_of_before(play: Play, seed: int) -> tuple[float, float]:
    """All held-out against all worked accounts, without an effect: Newcombe's interval."""
    draw = np.random.default_rng(seed)
    events = [draw.random(len(risks)) < risks for risks in (play.all_held_out, play.all_worked)]
    shares = [float(event.mean()) for event in events]
    bounds = [binomtest(int(event.sum()), len(event)).proportion_ci(method="wilson") for event in events]
    value = shares[0] - shares[1]
    low = value - sqrt((shares[0] - bounds[0].low) ** 2 + (bounds[1].high - shares[1]) ** 2)
    return low, value + sqrt((bounds[0].high - shares[0]) ** 2 + (shares[1] - bounds[1].low) ** 2)


class Rates(NamedTuple):
    """Shares of the salts."""

    before: float
    last_night: float
    every_night: float
    found: float
    power: float
    units: float
    detectable: float
    bias: float


def rates(salts: int, world: World) -> Rates:
    """Play every salt, with and without an effect."""
    results = [rates_of_salt(salt, world) for salt in range(salts)]
    return Rates(*np.array(results, dtype=float).mean(axis=0).tolist())


def rates_of_salt(salt: int, world: World) -> Rates:
    """What one salt would have shown: 1 where it holds, 0 where not."""
    play = play_nights(salt, world)
    low, high = interval_of_before(play, 10_000 + salt)
    null, real = (look_every_night(play, effect, 20_000 + salt) for effect in (0.0, EFFECT))
    inside = np.abs(null.value) <= null.half
    true = float((play.risk - np.maximum(play.risk - EFFECT, 0)).mean())
    return Rates(
        before=low <= 0 <= high,
        last_night=inside[-1],
        every_night=inside.all(),
        found=(real.value - real.half > 0).any(),
        power=real.precision.power(true, real.units),
        units=real.units,
        detectable=real.precision.detectable(real.units),
        bias=real.value[-1] - true,
    )


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--salts", type=int, default=200)
    found = rates(parser.parse_args().salts, World())
    print(f"{found.units:,.0f} units enrolled a salt; detectable with 80%: {100 * found.detectable:.1f} points")
    print("| of the salts | |\n|---|---|")
    print(f"| no effect: 0 within the interval of before (all held-out accounts) | {found.before:.1%} |")
    print(f"| no effect: 0 within the interval of the last night | {found.last_night:.1%} |")
    print(f"| no effect: 0 within the intervals of all nights | {found.every_night:.1%} |")
    print(f"| 10 points: found | {found.found:.1%} |")
    print(f"| 10 points: stated power | {found.power:.1%} |")
    print(f"| 10 points: mean error of the estimate, in points | {100 * found.bias:+.2f} |")


if __name__ == "__main__":
    main()
