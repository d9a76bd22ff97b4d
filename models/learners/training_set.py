"""One risk's rows prepared for learning, or the reason why nothing can be learned from them.

Frame and labels are joined, rows of accounts that the team acted on are left out (`models.data.treatment`), the
signature is learned, and the folds of the walk-forward are laid out.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from features.catalogue import FEATURES, features_of
from features.errors import RescueError
from features.history.versions import EPOCH
from models.data.arrays import Ints, Matrix
from models.data.eligible_rows import rows_meeting
from models.data.examples import Examples, Labelled, examples, labelled_rows, sampled
from models.data.findings import Finding
from models.data.recoding import Recoding
from models.data.signature import Signature
from models.data.splits import Plan, rolling_folds
from models.data.treatment import Untreated, untreated
from models.learners.learner import Learner
from models.risks.risk import Risk

MIN_EVENTS = 5
MOST_ROWS = 100_000  # of one fit; of more, those without the event are sampled (`models.data.examples.sampled`)
NOT_LEARNED = frozenset(feature.name for feature in FEATURES if feature.group == "data")
"""The state of the feeds tells the calendar, not the account; it decides what is scored, never how high."""
CALENDAR = {"contract": frozenset({"contract_renews_in_days"})}
"""By kind of label, columns of which no direction holds: a contract is ended some weeks before a renewal, hardly ever
just after one or long before."""


class NotLearnableError(RescueError):
    """The data cannot carry a model of this risk; the message says what is short."""


@dataclass(frozen=True)
class FitRows:
    """The rows that one fit learns from, and the learner that knows nothing but them.

    ``training`` and whatever the fit scores are read by the signature of these rows alone (`models.data.recoding`).
    """

    training: Examples
    learner: Learner
    recoding: Recoding
    source: Examples

    def encode(self, places: Ints) -> Matrix:
        """The rows at these places of the training set, as the fit reads them."""
        return self.recoding.apply(self.source.matrix, places)

    def examples(self, places: Ints) -> Examples:
        """The same rows with their outcomes and weights."""
        return Examples(self.encode(places), self.source.labelled.take(places), self.source.weight[places])


@dataclass(frozen=True)
class TrainingSet:
    """One risk's rows, prepared for learning, with what a report says about them.

    ``examples`` and ``learner`` have the columns that vary over all rows, and all categories. Nothing is fitted on them
    as they are: every fit, the final one too, takes its rows from :meth:`fit_rows`.
    """

    risk: Risk
    frame: pa.Table
    examples: Examples
    learner: Learner
    plan: Plan
    dropped: tuple[str, ...]
    treated: int
    notes: tuple[Finding, ...]

    def fit_rows(self, places: Ints, limit: int = MOST_ROWS) -> FitRows:
        """The rows at these places, about ``limit`` of them to learn from; all of them say what their columns are."""
        recoding = Recoding.learn(self.learner.signature, self.examples.matrix, places)
        learner = self.learner.narrowed(recoding.signature, recoding.places)
        chosen, counts = sampled(self.examples.labelled.take(places), limit)
        rows = FitRows(self.examples, learner, recoding, self.examples)
        training = rows.examples(places[chosen])
        return replace(rows, training=replace(training, weight=training.weight * counts))


def prepare_training_set(
    frame: pa.Table, labels: pa.Table, risk: Risk, *, through: date | None = None, seed: int = 7, threads: int = 0
) -> TrainingSet:
    """Join frame and labels, leave out treated rows, learn the signature and lay out the folds."""
    labelled = _mature(eligible_rows(frame, labels, risk), risk, through)
    usable = untreated(labelled)
    learned = labelled.take(usable.keep)
    _check_events(learned.events, risk)
    if learned.happened.all():
        raise NotLearnableError(f"{risk.title}: every mature row has the event, so there is nothing to tell apart.")
    own_feeds = {name for name, feature in features_of(frame.schema).items() if feature.group == "data"}
    names = [name for name in frame.column_names if name not in {"account_id", "as_of", *NOT_LEARNED, *own_feeds}]
    signature = Signature.learn(frame, names, learned.rows, most_levels=None)
    if not signature.columns:
        raise NotLearnableError(f"{risk.title}: no column of the frame varies, so there is nothing to learn from.")
    plan = rolling_folds(_days_since_first_event(learned, risk), risk.embargo)
    if not plan.folds:
        raise NotLearnableError(
            f"{risk.title}: {len(np.unique(learned.day))} mature cutoffs leave no test period behind an embargo of "
            f"{risk.embargo} days; a longer history is needed."
        )
    expected, certain = directions(frame, signature)
    learner = Learner(
        signature, certain, expected, curved=CALENDAR.get(risk.label.kind, frozenset()), seed=seed, threads=threads
    )
    return TrainingSet(
        risk,
        frame,
        examples(frame, learned, signature, usable.weight * learned.represents),
        learner,
        plan,
        tuple(name for name in names if name not in signature.names),
        int((~usable.keep).sum()),
        _notes(usable, plan, learned),
    )


def directions(frame: pa.Table, signature: Signature) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """By column, the direction in which risk is expected to go with it, and the one that is certain; else 0."""
    features = features_of(frame.schema)
    columns = [features.get(name) for name in signature.names]
    expected = tuple(feature.direction if feature else 0 for feature in columns)
    certain = tuple(feature.direction if feature and feature.monotone else 0 for feature in columns)
    return expected, certain


def eligible_rows(frame: pa.Table, labels: pa.Table, risk: Risk) -> Labelled:
    """The labelled rows of the frame that meet the risk's own condition."""
    labelled = labelled_rows(frame, labels)
    return labelled.take(rows_meeting(frame, risk.eligible)[labelled.rows]) if risk.eligible else labelled


def check_enough_events(labels: pa.Table, risk: Risk) -> None:
    """Refuse labels that hold too few events for any model, before a frame is built for them.

    Raises:
        NotLearnableError: there are fewer than `MIN_EVENTS`.
    """
    happened = labels.filter(pc.fill_null(labels["event"], False)).select(["account_id", "event_at"])
    _check_events(happened.group_by(["account_id", "event_at"]).aggregate([]).num_rows, risk)


def _mature(labelled: Labelled, risk: Risk, through: date | None) -> Labelled:
    if through is None:
        return labelled
    return labelled.take(labelled.day + risk.embargo < (through - EPOCH).days)


def _check_events(events: int, risk: Risk) -> None:
    if events < MIN_EVENTS:
        raise NotLearnableError(
            f"{risk.title}: {events} {'event has' if events == 1 else 'different events have'} matured in the data, "
            f"and a model cannot be evaluated on fewer than {MIN_EVENTS}."
        )


def _days_since_first_event(labelled: Labelled, risk: Risk) -> Sequence[int]:
    """Cutoffs from the first event on: before it there is nothing to learn, so no fold may end there."""
    days = np.unique(labelled.day)
    first = labelled.day[labelled.happened].min()
    return [int(day) for day in days if day >= first]


def _notes(usable: Untreated, plan: Plan, learned: Labelled) -> tuple[Finding, ...]:
    return tuple(note for note in (usable.note, plan.note, _sampling_note(learned)) if note)


def _sampling_note(learned: Labelled) -> Finding | None:
    """What a report says of a sample of the rows; nothing where all of them were taken."""
    if not (learned.represents > 1).any():
        return None
    happened = learned.happened
    numbers = {
        "rows": len(learned),
        "of": round(float(learned.represents.sum())),
        "events": int(happened.sum()),
        "of_events": round(float(learned.represents[happened].sum())),
    }
    return Finding("rows_sampled", numbers)
