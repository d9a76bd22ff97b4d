"""How often is an uplift model adopted rightly? Simulated units whose effects are known.

``python benchmarks/uplift_rates.py [--salts 200] [--units 600 1500 4000] [--worlds NAME …]``

A world is a set of units with a published probability, 20 columns and an effect of a rescue on each; 20% are held out.
A salt draws columns, arms and outcomes, learns a model, and asks for its verdict. Columns of the table:

- *above zero*: in how many salts the interval of the lead is above zero;
- *adopted*: in how many of all salts the model may be used, because the effect depends on a column besides;
- *stated power*: the mean probability with which the true lead of that salt's order is found;
- *lead*, *true lead*: events prevented by 100 units beyond plain risk, as measured and by the true effects;
- *best lead*: the true lead of the order by the true effects;
- *covered*: how often the interval of the lead holds the true lead.

The effects: *none*; *constant*, 5 points for everybody; *share of risk*, 30% of the probability, as a save rate
assumes, so that plain risk is the best order; *column*, 20 points where one column is positive, else none; *opposite*,
most where the risk is lowest and none where it is highest.
"""

import argparse
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from typing import NamedTuple

import numpy as np
import pyarrow as pa
from scipy.stats import norm

from models.data.arrays import Floats
from models.evaluation.bootstrap import draw_counts
from models.evaluation.treatment_effect import AssignedUnits
from models.learners.single_thread import one_thread
from models.uplift.qini import PER, qini_draws
from models.uplift.uplift_learners import learn_uplift
from models.uplift.uplift_model import TWO_SIDED, UpliftVerdict, compare_forward, decide_use, with_risk

COLUMNS, SHARE = 20, 0.2
EFFECTS: dict[str, Callable[[Floats, Floats], Floats]] = {
    "none": lambda risk, column: np.zeros(len(risk)),
    "constant": lambda risk, column: np.full(len(risk), 0.05),
    "share of risk": lambda risk, column: 0.3 * risk,
    "column": lambda risk, column: np.where(column > 0, 0.2, 0.0),
    "opposite": lambda risk, column: np.clip(0.3 * (0.6 - risk) / 0.45, 0, 0.3),
}
"""By world: the effect of a rescue by the true risk and the first column."""


class Salt(NamedTuple):
    """What one salt showed: 1 where it holds, 0 where not."""

    above_zero: float
    adopted: float
    power: float
    lead: float
    true_lead: float
    best_lead: float
    covered: float
    two_models: float


class Drawn(NamedTuple):
    """A world drawn: its columns, its units, and the true effect on each unit."""

    frame: pa.Table
    units: AssignedUnits
    effect: Floats


def draw_world(world: str, units: int, salt: int) -> Drawn:
    """Draw columns, arms and outcomes. Units are near the top of a queue: their risks are between 15% and 60%."""
    draw = np.random.default_rng([salt, units, list(EFFECTS).index(world)])
    columns = draw.normal(size=(units, COLUMNS))
    risk = 0.15 + 0.45 * draw.beta(1.2, 2.5, units)
    effect = np.minimum(EFFECTS[world](risk, columns[:, 0]), risk)
    control = draw.random(units) < SHARE
    event = draw.random(units) < np.where(control, risk, risk - effect)
    published = 1 / (1 + np.exp(-(np.log(risk / (1 - risk)) + draw.normal(0, 0.2, units))))
    frame = pa.table({f"column_{number}": columns[:, number] for number in range(COLUMNS)})
    return Drawn(frame, AssignedUnits(control, np.full(units, SHARE), event.astype(float), published), effect)


@one_thread
def run_salt(world: str, units: int, salt: int) -> Salt:
    """Learn and evaluate one salt."""
    drawn = draw_world(world, units, salt)
    frame, own = with_risk(drawn.frame, drawn.units.predicted), drawn.units
    compared, order, learner_of = compare_forward(frame, own)
    learner = learn_uplift(frame, own, np.arange(units))
    later = learner_of >= 0
    once = draw_counts(int(later.sum()), 1)[:1]

    def true_lead(score: Floats) -> float:
        scores = (score[later], own.predicted[later])
        ours, plain = (qini_draws(drawn.effect[later], values, learner_of[later], once)[0] for values in scores)
        return float(PER * (ours - plain))

    lead = true_lead(order)
    return Salt(
        above_zero=compared.lead.low > 0,
        adopted=decide_use(learner, compared) is UpliftVerdict.BETTER,
        power=float(norm.cdf(lead / compared.deviation - TWO_SIDED)),
        lead=compared.lead.value,
        true_lead=lead,
        best_lead=true_lead(drawn.effect),
        covered=compared.lead.low <= lead <= compared.lead.high,
        two_models=learner.kind == "two_models",
    )


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--salts", type=int, default=200)
    parser.add_argument("--units", type=int, nargs="+", default=[600, 1500, 4000])
    parser.add_argument("--worlds", nargs="+", choices=EFFECTS, default=list(EFFECTS))
    parser.add_argument("--processes", type=int, default=1)
    asked = parser.parse_args()
    print("| effect | units | above zero | adopted | stated power | lead | true lead | best lead | covered |")
    print("|---|---:|---:|---:|---:|---:|---:|---:|---:|")
    with ProcessPoolExecutor(asked.processes) as pool:
        for world in asked.worlds:
            for units in asked.units:
                began = time.perf_counter()
                found = np.array(list(pool.map(partial(run_salt, world, units), range(asked.salts))), dtype=float)
                mean = Salt(*found.mean(axis=0).tolist())
                print(
                    f"| {world} | {units:,} | {mean.above_zero:.1%} | {mean.adopted:.1%} | {mean.power:.1%} | "
                    f"{mean.lead:+.2f} | {mean.true_lead:+.2f} | {mean.best_lead:+.2f} | {mean.covered:.1%} |",
                    flush=True,
                )
                print(f"<!-- {time.perf_counter() - began:.0f} s; two models in {mean.two_models:.0%} -->", flush=True)


if __name__ == "__main__":
    main()
