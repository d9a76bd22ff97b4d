"""Scores of one night or several: every eligible account and risk, or the reason why an account was not scored.

Missing is not zero, and no reason to disappear. Where a feed that a model learned from has stopped, or a value is
missing that never was in training, the account is scored as one of which nothing is known there, and the score says so
in its ``quality``. Only accounts for which the question makes no sense are not scored.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import date
from functools import cache
from types import MappingProxyType
from typing import TYPE_CHECKING, Protocol

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from features.catalogue import group_of_column
from features.engine.windows import COMPUTE_THREADS
from features.labels.labels import eligibility
from models.contracts import SCORES
from models.data.eligible_rows import rows_meeting
from models.data.signature import names_by_row
from pipelines.night.candidate_table import row_keys
from serving.night_report.report_schema import NotScored, RiskReport
from serving.night_report.report_text import ENOUGH_NAMED, FEATURE_TITLES, plural

if TYPE_CHECKING:
    from features.history.history import History
    from models.data.arrays import Bools
    from models.data.signature import Places
    from models.explain.event_rarity import EventRarity
    from models.learners.risk_model import Predicted, RiskModel
    from models.registry.registry import Champion
    from models.risks.risk import Risk


ROWS_AT_ONCE = 100_000
"""Rows whose inputs are in memory at once."""


@dataclass(frozen=True)
class ScoredFrames(Mapping[str, pa.Table]):
    """The rows of a frame that were scored, by risk, each table made when it is asked for: a copy of all columns of a
    hundred thousand accounts takes longer than scoring them.

    ``places`` are the places of each risk's rows in the frame.
    """

    frame: pa.Table
    places: dict[str, Places] = field(default_factory=dict)

    def __getitem__(self, risk: str) -> pa.Table:
        return self.frame.take(pa.array(self.places[risk]))

    def __iter__(self) -> Iterator[str]:
        return iter(self.places)

    def __len__(self) -> int:
        return len(self.places)

    def of_accounts(self, risk: str, accounts: pa.Array) -> pa.Table:
        """The rows of some accounts that were scored for a risk."""
        places = self.places[risk]
        wanted = np.asarray(pc.is_in(self.frame["account_id"], value_set=accounts))
        return self.frame.take(pa.array(places[wanted[places]]))


@dataclass(frozen=True)
class NightScores:
    """The scores of all risks (``SCORES``), and by risk how many accounts were eligible and who was not scored.

    ``frames`` holds the features of the accounts that were scored, by risk; ``unknown`` names, by account and risk, the
    features of which the model has never seen such a value. ``rarity`` is that of adverse events, where the features
    are not in this process.
    """

    scores: pa.Table
    eligible: Mapping[str, int]
    not_scored: Mapping[str, tuple[NotScored, ...]]
    frames: Mapping[str, pa.Table] = field(default_factory=dict, repr=False)
    unknown: Mapping[tuple[str, str], tuple[str, ...]] = field(default_factory=dict, repr=False)
    rarity: EventRarity | None = field(default=None, repr=False)

    def rows_of(self, risk: str, accounts: Collection[str]) -> pa.Table:
        """The features of these accounts, as far as they were scored for a risk, in the order of the frame."""
        wanted = pa.array(sorted(set(accounts)), pa.string())
        frames = self.frames
        if isinstance(frames, ScoredFrames):
            return frames.of_accounts(risk, wanted)
        return frames[risk].filter(pc.is_in(frames[risk]["account_id"], value_set=wanted))

    def quality(self, stale: Sequence[str]) -> dict[tuple[str, str], tuple[str, ...]]:
        """What limits each score that has unknown values, by account and risk: stopped feeds, and these values."""
        sentence = cache(unknown_values_text)
        return {key: (*stale, sentence(names)) for key, names in self.unknown.items()}

    def reports(
        self, known: Mapping[str, Risk], versions: Mapping[str, str], uplift: Mapping[str, str] = MappingProxyType({})
    ) -> tuple[RiskReport, ...]:
        """The part of the night's report about the risks; ``uplift`` are the versions of uplift models, by risk."""
        scored = Counter(self.scores.column("risk").to_pylist())
        with_unknown = Counter(risk for _, risk in self.unknown)
        highest = self.scores.group_by("risk").aggregate([("probability", "max")]).to_pylist()
        highest_of = {row["risk"]: row["probability_max"] for row in highest}
        return tuple(
            RiskReport(
                name=name,
                title=risk.title,
                model_version=versions.get(name),
                uplift_version=uplift.get(name),
                eligible=self.eligible[name],
                scored=scored[name],
                scored_with_unknown=with_unknown[name],
                not_scored=self.not_scored[name],
                highest_probability=highest_of.get(name),
            )
            for name, risk in known.items()
        )


class RiskRows(Protocol):
    """The rows of a frame as one model sees them."""

    @property
    def keys(self) -> pa.Table:
        """``account_id`` and ``as_of`` of every row."""

    def meeting(self, places: Places) -> Bools:
        """Which of the rows at these places meet the risk's condition ``eligible``."""

    def unusable(self) -> pa.Array:
        """By row the columns with an infinite value, or null."""

    def unknown(self) -> pa.Array:
        """By row the columns of whose value the model knows nothing, or null."""

    def predict(self, places: Places) -> Predicted:
        """The scores of the rows at these places."""


@dataclass(frozen=True)
class _FrameRows:
    """The rows of a frame in this process."""

    frame: pa.Table
    model: RiskModel

    @property
    def keys(self) -> pa.Table:
        return self.frame.select(["account_id", "as_of"])

    def meeting(self, places: Places) -> Bools:
        return _meeting(self.frame, places, self.model.risk.eligible)

    def unusable(self) -> pa.Array:
        return self.model.signature.unfit(self.frame)

    def unknown(self) -> pa.Array:
        return self.model.signature.unknown(self.frame)

    def predict(self, places: Places) -> Predicted:
        from models.learners.risk_model import Predicted

        some = [places[first : first + ROWS_AT_ONCE] for first in range(0, max(len(places), 1), ROWS_AT_ONCE)]
        parts = [self.model.predict(self.frame, part) for part in some]
        probability, rank_score = zip(*((part.probability, part.rank_score) for part in parts), strict=True)
        return Predicted(np.concatenate(probability), np.concatenate(rank_score))


@dataclass(frozen=True)
class RiskScores:
    """The scores of one risk: ``places`` are those of the scored rows in the frame, ``ids`` their accounts."""

    eligible: int
    not_scored: tuple[NotScored, ...]
    places: Places
    ids: pa.Table
    missing: pa.Array
    predicted: Predicted

    def unknown(self, risk: str) -> dict[tuple[str, str], tuple[str, ...]]:
        """By account and risk, the features of which the model has never seen such a value."""
        return {(account, risk): names for account, names in _with_names(self.ids, self.missing)}

    def scores(self, risk: str, version: str, stale: Sequence[str]) -> pa.Table:
        """The scores of a model's version (``SCORES``)."""
        return _scores(self.ids, risk, version, self.predicted, _quality(self.missing, sorted(stale)))


def score_risk(rows: RiskRows, status: pa.Table) -> RiskScores:
    """The scores of the eligible rows (``status``), and why others have none."""
    places = _eligible_places(rows.keys, status)
    meeting = rows.meeting(places)
    places = places[meeting]
    unusable = rows.unusable().take(pa.array(places))
    not_scored = (*_not_eligible(status), *_not_meeting(meeting), *_without_values(unusable))
    eligible, places = len(places), places[np.asarray(pc.is_null(unusable))]
    missing = _but_results(rows.unknown().take(pa.array(places)))
    ids = rows.keys.take(pa.array(places))
    return RiskScores(eligible, not_scored, places, ids, missing, rows.predict(places))


def score_accounts(
    history: History,
    frame: pa.Table,
    cutoffs: Sequence[date],
    champions: Mapping[str, Champion],
    stale: Sequence[str],
    without: Collection[Risk] = (),
) -> NightScores:
    """Score the frame of these cutoffs (a night has one) with the champion of each risk.

    Args:
        history: where eligibility is read.
        frame: the features, one row an account and cutoff.
        cutoffs: the cutoffs of the frame.
        champions: the model of each risk.
        stale: the feeds that have stopped, in words; they are recorded with each score.
        without: risks without a champion; nobody is scored for them.
    """
    tables = [SCORES.empty_table()]
    frames = ScoredFrames(frame)
    eligible: dict[str, int] = {}
    not_scored: dict[str, tuple[NotScored, ...]] = {}
    unknown: dict[tuple[str, str], tuple[str, ...]] = {}

    def scored(champion: Champion) -> RiskScores:
        status = eligibility(history, cutoffs, champion.model.risk.label)
        return score_risk(_FrameRows(frame, champion.model), status)

    with ThreadPoolExecutor(COMPUTE_THREADS) as pool:
        results = list(pool.map(scored, champions.values()))
    for (name, champion), result in zip(champions.items(), results, strict=True):
        eligible[name], not_scored[name], frames.places[name] = result.eligible, result.not_scored, result.places
        unknown |= result.unknown(name)
        tables.append(result.scores(name, champion.version, stale))
    for risk in without:
        status = eligibility(history, cutoffs, risk.label)
        eligible[risk.name] = pc.sum(status.column("eligible")).as_py() or 0
        no_model = NotScored(code="no_model", count=eligible[risk.name])
        not_scored[risk.name] = (*_not_eligible(status), no_model)
    return NightScores(pa.concat_tables(tables), eligible, not_scored, frames, unknown)


def _not_eligible(status: pa.Table) -> list[NotScored]:
    reasons = Counter(status.column("why").drop_null().to_pylist())
    return [NotScored(code=code, count=count) for code, count in sorted(reasons.items())]


def _not_meeting(meeting: Bools) -> list[NotScored]:
    """How many of the accounts that the label takes do not meet the risk's condition ``eligible``."""
    count = int((~meeting).sum())
    return [NotScored(code="condition_not_met", count=count)] if count else []


def _without_values(unusable: pa.Array) -> list[NotScored]:
    """How many accounts were not scored because of infinite values of the same features, the most frequent first."""
    counts = Counter(tuple(features) for features in unusable.drop_null().to_pylist())
    return [NotScored(code="missing_values", count=count, features=names) for names, count in counts.most_common()]


def _eligible_places(frame: pa.Table, status: pa.Table) -> Places:
    """The places of the frame's rows whose account is eligible at its cutoff."""
    one_cutoff = all(pc.count_distinct(rows["as_of"]).as_py() < 2 for rows in (frame, status))
    keys, others = (_ids(rows) if one_cutoff else row_keys(rows) for rows in (frame, status))
    eligible = status["eligible"]
    if not keys.equals(others):
        eligible = pc.is_in(keys, value_set=others.filter(eligible).combine_chunks())
    return np.flatnonzero(np.asarray(eligible))


def _ids(rows: pa.Table) -> pa.ChunkedArray:
    return rows["account_id"].cast(pa.string())


def _but_results(unknown: pa.Array) -> pa.Array:
    """The unknown values of each row but the results of rescues, or null where there are none.

    A model that was trained before the team's first rescue has not seen any result. It takes such an account for one
    without a rescue until the next training, and there is nothing to warn of.
    """
    results = [name for name in pc.unique(pc.list_flatten(unknown)).to_pylist() if group_of_column(name) == "rescues"]
    if not results:
        return unknown
    flat = pc.list_flatten(unknown)
    others = pc.invert(pc.is_in(flat, value_set=pa.array(results)))
    rows = pc.list_parent_indices(unknown).filter(others)
    return names_by_row(flat.filter(others), np.asarray(rows, dtype=np.int64), len(unknown))


def _meeting(frame: pa.Table, places: Places, condition: str) -> Bools:
    """Which of these rows of the frame meet the risk's condition ``eligible``."""
    if not condition:
        return np.ones(len(places), dtype=np.bool_)
    return rows_meeting(frame.take(pa.array(places)), condition)


def unknown_values_text(features: Sequence[str]) -> str:
    """What is recorded with a score of which some values are unknown, with the titles of the features."""
    named, more = features[:ENOUGH_NAMED], len(features) - ENOUGH_NAMED
    names = ", ".join(FEATURE_TITLES.get(name, name) for name in named) + (f" and {more} more" if more > 0 else "")
    return f"scored with {plural(len(features), 'value')} that the model has not seen before: {names}"


def _with_names(rows: pa.Table, unknown: pa.Array) -> Iterator[tuple[str, tuple[str, ...]]]:
    known = pc.is_valid(unknown)
    accounts = rows.column("account_id").filter(known).to_pylist()
    return ((account, tuple(names)) for account, names in zip(accounts, unknown.filter(known).to_pylist(), strict=True))


def _quality(unknown: pa.Array, stale: list[str]) -> pa.Array:
    """What limits each score: the feeds that have stopped, and the values that are unknown."""
    sentence = cache(unknown_values_text)  # many accounts, few different reasons
    texts = [stale, *([*stale, sentence(tuple(names))] for names in unknown.drop_null().to_pylist())]
    known = np.asarray(pc.is_valid(unknown))
    return pa.array(texts, pa.list_(pa.string())).take(pa.array(np.where(known, np.cumsum(known), 0)))


def _scores(rows: pa.Table, risk: str, version: str, predicted: Predicted, quality: pa.Array) -> pa.Table:
    columns = [
        rows.column("account_id").combine_chunks().cast(pa.string()),
        pa.repeat(risk, rows.num_rows),
        rows.column("as_of").combine_chunks().cast(pa.date32()),
        pa.array(predicted.probability, pa.float64()),
        pa.array(predicted.rank_score, pa.float64()),
        pa.repeat(version, rows.num_rows),
        quality,
    ]
    return pa.Table.from_arrays(columns, schema=SCORES)
