"""Why this account: reasons that a person can tell a customer-success manager.

A hundred and fifty contributions explain nothing. They are exact (log-odds that add up to the score), so they may be
summed into the catalogue's groups; a group is described by the feature that carries most of it, with its dated fact.
Only what raises the risk is a reason, and what is unusual among the night's accounts. The order for people is a step of
its own (:mod:`models.explain.reason_order`): unusual events and then other events come before levels, and what an
account *is* comes last. A score of the CRM is described by what moved it. Where the same learner, fitted on earlier
cutoffs, does not agree, the reason is marked weak: it may be an accident of this fit.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np
import pyarrow as pa

from features.catalogue import Feature, features_of, group_of_column
from features.definitions.sentences import render_sentence
from models.contracts import Reason
from models.data.arrays import Bools, Floats
from models.explain.actions import Row
from models.explain.adverse_events import (
    ADVERSE_EVENTS,
    USAGE_FEED_AGE,
    adverse_flags,
    days_without_usage_rows,
    is_adverse,
)
from models.explain.event_rarity import EventRarity
from models.explain.reason_order import (
    BACKGROUND,
    LEAST,
    SCORE,
    SURPRISE,
    UNUSUAL,
    GroupStrengths,
    strengths_for_people,
)
from models.learners.risk_model import RiskModel

MOST = 4
"""So many reasons an account; a fifth does not change what anybody does."""
SURVIVES = 1 / 3
"""A refit supports a reason when it gives the group at least this share of the strength."""
EVENT_SHARE = 0.25
"""An event describes its group where it has at least this share of the strongest contribution in it, or is unusual."""
SMALL_CHANGE = 0.05
"""A change below this share (or this many points) says nothing: "use fell 2%"."""
MOVERS = 2
"""So many events describe what moved a health score."""
ACCOUNT_AGE = "account_age_days"
SCORE_CHANGES = {"health_change_28d": 28, "health_change_90d": 90}
"""The changes of the health score, and over how many days."""


@dataclass(frozen=True)
class ExplainedRow:
    """One row of the frame: each column's contribution, whether it is an adverse event, and how rare that is (1: none).

    ``places`` are the places of the columns of each group.
    """

    facts: Row
    names: Sequence[str]
    places: Mapping[str, Sequence[int]]
    shares: Floats
    adverse: Bools
    rarity: Floats
    features: Mapping[str, Feature]

    def describing_feature(self, group: str) -> str:
        """The feature that describes a group: an event that carries enough of it or is unusual, else what carries most.

        A feature with a sentence goes before one without, whose value is missing or impossible. In a group that only
        raises the risk because a score was passed on to it, any event is enough.
        """
        own = self.places[group]
        strongest, sayable = self._strongest([own[place] for place in np.argsort(-self.shares[own], kind="stable")])
        enough = EVENT_SHARE * self.shares[strongest] if self.shares[own].sum() >= LEAST else -np.inf
        events = [place for place in own if self.adverse[place] and sayable(place)]
        telling = [p for p in events if self.shares[p] >= enough or self.rarity[p] <= UNUSUAL]
        return self.names[max(telling or [strongest], key=self._weight)]

    def _strongest(self, falling: Sequence[int]) -> tuple[int, Callable[[int], bool]]:
        """The first place that can be said, and what that asks of a place: as much as any of them fulfils.

        A sentence is rendered for few places only: most groups have a column to say among their strongest.
        """
        conditions: tuple[Callable[[int], bool], ...] = (
            lambda place: not self._hardly_changed(self.names[place]) and self._has_sentence(self.names[place]),
            lambda place: self._has_sentence(self.names[place]),
        )
        for condition in conditions:
            for place in falling:
                if condition(place):
                    return place, condition
        return falling[0], lambda place: True

    def sentence(self, group: str, feature: str) -> str:
        """The sentence of a feature with its dated fact."""
        as_of = self.facts["as_of"]
        if feature not in self.features or not isinstance(as_of, date):
            return f"{feature} is {self.facts[feature]}"
        sentence = self.features[feature].describe(self.facts, as_of)
        if earlier := self.features[feature].days_earlier.get(as_of):
            sentence += render_sentence("; known until {days:ago}", {"days": earlier + 1}, as_of) or ""
        elif days_without_usage_rows(feature, self.facts):
            sentence += render_sentence(f"; usage is known until {{{USAGE_FEED_AGE}:ago}}", self.facts, as_of) or ""
        if group == SCORE:
            sentence = _with_movers(sentence, self.facts, as_of, self.features)
        return sentence + self._too_young(feature)

    def _too_young(self, feature: str) -> str:
        """What a sentence about a longer time than the account has existed for has to say; else empty."""
        age, window = self.facts.get(ACCOUNT_AGE), self.features[feature].window
        if window is None or not isinstance(age, int | float) or not 0 <= age < window:
            return ""
        return f"; the account is only {age:.0f} {'day' if round(age) == 1 else 'days'} old"

    def is_kind_of_account(self, feature: str) -> bool:
        """Whether a feature is a word that describes the account, such as its region."""
        known = self.features.get(feature)
        return known is not None and known.kind == "category" and known.group == BACKGROUND

    def _hardly_changed(self, name: str) -> bool:
        value = self.facts[name]
        return "_change_" in name and isinstance(value, int | float) and abs(value) < SMALL_CHANGE

    def _weight(self, place: int) -> float:
        return float(self.shares[place] - SURPRISE * np.log(self.rarity[place]))

    def _has_sentence(self, name: str) -> bool:
        as_of = self.facts["as_of"]
        if name not in self.features or not isinstance(as_of, date):
            return self.facts[name] is not None
        if days_without_usage_rows(name, self.facts) >= (self.features[name].window or np.inf):
            return False  # no row of its window is known: "no use in the last week" would be untrue
        return self.features[name].has_sentence(self.facts)


def explain(
    model: RiskModel,
    rows: pa.Table,
    rarity: EventRarity | None = None,
    *,
    mark_weak: bool = True,
    most: int = MOST,
    without: tuple[str, ...] = (),
) -> list[tuple[Reason, ...]]:
    """The reasons of each row in the order for people; none where nothing raises its risk.

    Exact contributions cost about a millisecond a row and refit: ask for the flagged accounts only.

    Args:
        model: the model that scored the rows.
        rows: rows of the frame, with ``as_of`` and every column of the model.
        rarity: how rare each event is among all accounts of the night; unusual events come first.
        mark_weak: compare with the refits; without it no reason is weak, in a fraction of the time.
        most: so many reasons are needed, the first ones; each takes time.
        without: features whose names begin like this are no reasons.
    """
    names = list(model.features)
    shares = model.contributions(rows)[:, :-1]
    fits = model.refit_contributions(rows) if mark_weak else []
    refits = [strengths_for_people(names, refit[:, :-1], rows) for refit in fits]
    strengths = strengths_for_people(names, shares, rows, rarity)
    explained = list(_explained_rows(names, shares, rows, rarity))
    return [
        _reasons(_candidates(groups, place, strengths, refits, row), row, most, without)
        for place, (groups, row) in enumerate(zip(strengths.order(), explained, strict=True))
    ]


def _candidates(
    groups: Sequence[str], place: int, strengths: GroupStrengths, refits: Sequence[GroupStrengths], row: ExplainedRow
) -> Iterator[Reason]:
    """The reasons of one row, strongest first, each made when it is asked for."""
    own, again = strengths.by_group(place), [refit.by_group(place) for refit in refits]
    for group in groups[:MOST]:
        yield _reason(group, own[group], [refit[group] for refit in again], row)


def _reasons(found: Iterable[Reason], row: ExplainedRow, most: int, without: tuple[str, ...]) -> tuple[Reason, ...]:
    """The first reasons of one row; "Region AMER", which is always the last, is one only where there is no other."""
    reasons: list[Reason] = []
    for place, reason in enumerate(found):
        if reason.feature.startswith(without) or (place and row.is_kind_of_account(reason.feature)):
            continue
        reasons.append(reason)
        if len(reasons) == most:
            break
    return tuple(reasons)


def _explained_rows(
    names: Sequence[str], shares: Floats, rows: pa.Table, rarity: EventRarity | None
) -> Iterator[ExplainedRow]:
    rare, adverse = np.ones(shares.shape), np.zeros(shares.shape, dtype=np.bool_)
    for place, name in enumerate(names):
        adverse[:, place] = adverse_flags(name, rows)
        if rarity is not None and adverse[:, place].any():
            rare[:, place] = rarity.shares(name, rows)
    features, places = features_of(rows.schema), defaultdict(list)
    for place, name in enumerate(names):
        places[group_of_column(name)].append(place)
    for facts, share, event, how_rare in zip(rows.to_pylist(), shares, adverse, rare, strict=True):
        yield ExplainedRow(facts, names, places, share, event, how_rare, features)


def leading_groups(model: RiskModel, rows: pa.Table, rarity: EventRarity | None = None) -> list[str | None]:
    """The group of each row's first reason, None where it has none: all that the routing needs, for many rows."""
    shares = model.contributions(rows)[:, :-1]
    return strengths_for_people(list(model.features), shares, rows, rarity).first()


def _reason(group: str, strength: float, again: Sequence[float], row: ExplainedRow) -> Reason:
    feature = row.describing_feature(group)
    return Reason(
        group=group,
        feature=feature,
        strength=max(round(strength, 6), 0.0),
        sentence=row.sentence(group, feature),
        weak=strength < LEAST or _is_weak(strength, again),
    )


def _with_movers(sentence: str, row: Row, as_of: date, features: Mapping[str, Feature]) -> str:
    """A health score, described by what happened when it fell; a level comes after the events that explain it."""
    events = list(_movers(row, as_of, features))
    fall = _fall_of_score(row, as_of)
    if fall:
        return f"{fall}; in the same time: {', '.join(map(_lower, events))}" if events else fall
    return f"{_upper(' and '.join(map(_lower, events)))}; {_lower(sentence)}" if events else sentence


def _fall_of_score(row: Row, as_of: date) -> str | None:
    for name, days in SCORE_CHANGES.items():
        if is_adverse(name, row):
            return render_sentence(f"Health {{{name}:points}} since {{days:ago}}", {**row, "days": days}, as_of)
    return None


def _movers(row: Row, as_of: date, features: Mapping[str, Feature]) -> Iterator[str]:
    """The sentences of the most telling adverse events of other groups, one a group.

    A received cancellation is what the case is about, and moves no score.
    """
    groups: set[str] = set()
    for name in ADVERSE_EVENTS:
        group = group_of_column(name)
        if len(groups) == MOVERS or group == SCORE or group in groups or name.startswith("contract_notice"):
            continue
        if name not in features or not is_adverse(name, row):
            continue
        if sentence := features[name].sentence_of(row, as_of):
            groups.add(group)
            yield sentence.split(";")[0]


def _lower(text: str) -> str:
    return text[:1].lower() + text[1:]


def _upper(text: str) -> str:
    return text[:1].upper() + text[1:]


def _is_weak(strength: float, again: Sequence[float]) -> bool:
    """Whether fewer than two thirds of the refits support the reason; without refits it is not weak."""
    supported = [refit >= SURVIVES * strength for refit in again]
    return bool(supported) and float(np.mean(supported)) < 2 / 3
