"""The curve over time: it never falls, agrees with what came, passes through the fixed-horizon model, and is saved."""

from functools import cache

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from support.worlds.learning_world import World, world

from models.data.arrays import Floats
from models.learners.hazard_curve import (
    DAYS,
    HAZARD_FILE,
    HAZARD_TREES_FILE,
    MICROSECONDS_A_DAY,
    Anchor,
    HazardModel,
    HazardRows,
    fit_hazard,
    hazard_rows,
)
from models.learners.training_set import TrainingSet, prepare_training_set
from models.risks.defaults import CHURN

LEAD, HORIZON = CHURN.label.lead, CHURN.label.horizon


@cache
def made() -> World:
    return world(accounts=250, weeks=100, base=-4.8)


@cache
def training() -> TrainingSet:
    return prepare_training_set(made().frame, made().labels, CHURN, threads=1)


@cache
def rows() -> HazardRows:
    return hazard_rows(training(), made().labels)


@cache
def model() -> HazardModel:
    return fit_hazard(rows(), training().learner)


def anchor(probability: float | Floats = 0.1) -> Anchor:
    return Anchor(LEAD, HORIZON, np.broadcast_to(probability, len(training().examples)))


def test_the_risk_never_falls_and_is_a_probability() -> None:
    curve = model().curve(training().examples.matrix, anchor())
    assert curve.shape == (len(training().examples), len(DAYS))
    assert (np.diff(curve, axis=1) >= 0).all()
    assert ((curve > 0) & (curve < 1)).all()


def test_it_passes_through_the_fixed_horizon_model() -> None:
    """Given no event inside the lead, the chance of one by the end of the horizon is the model's own."""
    probability = np.random.default_rng(1).uniform(0.01, 0.9, len(training().examples))
    curve = model().curve(training().examples.matrix, anchor(probability), [LEAD + HORIZON], after=LEAD)
    assert np.allclose(curve[:, 0], probability)


def test_events_inside_the_lead_count() -> None:
    """The risk by the same day is larger than the conditional one, by the risk of the lead."""
    matrix = training().examples.matrix
    whole, lead = model().curve(matrix, anchor(), [90, LEAD]).T
    later = model().curve(matrix, anchor(), [90], after=LEAD)[:, 0]
    assert np.allclose(1 - whole, (1 - lead) * (1 - later))
    assert (lead > 0).all()


def test_later_periods_are_learned_from_what_came() -> None:
    """Without an anchor the accumulated hazard by day 97 is near the world's own share of events by then."""
    hazard = model()._accumulated(training().examples.matrix)[:, 3].mean()  # 90 days
    came = made().labels["event"].drop_null().to_numpy(zero_copy_only=False).mean()
    assert 0.7 < (1 - np.exp(-hazard)) / came < 1.5


def test_it_learns_from_rows_whose_event_falls_inside_the_lead() -> None:
    """Their label is unknown and the fixed horizon leaves them out; here they are rows that left in the first days."""
    labels = made().labels
    leaving = pc.and_(pc.fill_null(labels["event"], False), pc.is_valid(labels["event_at"]))
    day = pc.divide(pc.cast(labels["event_at"], pa.int64()), MICROSECONDS_A_DAY)
    ahead = pc.subtract(day, pc.cast(pc.cast(labels["as_of"], pa.int32()), pa.int64()))
    early = pc.and_(leaving, pc.less(ahead, 20))
    event = pc.if_else(pc.fill_null(early, False), pa.scalar(None, pa.bool_()), labels["event"])
    changed = labels.set_column(labels.column_names.index("event"), "event", event)
    fewer = prepare_training_set(made().frame, changed, CHURN, threads=1)
    found = hazard_rows(fewer, changed)
    soon = found.event_day - found.examples.labelled.day < 20
    assert soon.sum() > 0
    assert len(fewer.examples) < len(training().examples)


def test_what_was_known_by_an_earlier_day_has_nothing_of_later_days() -> None:
    split = int(np.median(rows().examples.labelled.day))
    known = rows().known_by(split)
    assert (known.examples.labelled.day < split).all()
    assert (known.watched <= split).all()
    events = known.event_day[known.event_day < known.watched.max() * 2]
    assert (events <= split).all()
    assert len(events) > 0


def test_a_model_without_a_curve_is_read_as_such() -> None:
    assert HazardModel.read({"model.json": b"{}"}) is None
    contents = {name: text.encode() for name, text in model().files().items()}
    assert set(contents) == {HAZARD_FILE, HAZARD_TREES_FILE}
    read = HazardModel.read(contents)
    assert read is not None
    matrix = training().examples.matrix[:50]
    given = Anchor(LEAD, HORIZON, np.full(50, 0.2))
    assert np.array_equal(read.curve(matrix, given), model().curve(matrix, given))
