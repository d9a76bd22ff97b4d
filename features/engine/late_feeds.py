"""Features of a feed that is late, measured as of the last cutoff that saw all of it.

A late feed says nothing of the days since its newest row. Counted up to the cutoff, they would read as silence: use
"fell", nobody opened a ticket, paid invoices are overdue. So every feature of a source that is late by its own rhythm
has the value that it had on the day after the newest row, and its sentence says so. Once the feed has stopped
(``stopped_after``), the feature is unknown.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta

import numpy as np
import pyarrow as pa

from features.arrow import to_numpy
from features.definitions.feature import Feature
from features.definitions.measures import Ago, FeedAge, FeedAlive, Stream
from features.engine.windows import Ints
from features.errors import UsageError
from features.history.feed_rhythm import days_behind
from features.history.history import History
from features.history.versions import EPOCH

KNOWN = Stream("accounts", "accounts", "created_at").count()
"""Versions of the account that hold at the cutoff: none means that we did not know it yet."""


@dataclass(frozen=True)
class CutoffGroup:
    """Cutoffs (days since 1970) at which the same feeds are equally late, and their places among all cutoffs.

    ``behind`` has by table how many days before each of them the last cutoff lies that saw all of it.
    """

    places: Ints
    days: Ints
    behind: Mapping[str, int]

    def days_earlier(self, feature: Feature) -> int:
        """How many days before the cutoff a feature is measured; texts, and the state of a feed, are those of it."""
        if feature.kind == "category" or isinstance(feature.measure, FeedAge | FeedAlive):
            return 0
        return max((self.behind[table] for table in feature.sources), default=0)

    def measured(self, features: Sequence[Feature]) -> list[Feature]:
        """The features as they are computed at these cutoffs; unknown for an account that was not known by then."""
        return [
            replace(feature, measure=Ago(feature.measure * (KNOWN / KNOWN), days)) if days else feature
            for feature in features
            for days in (self.days_earlier(feature),)
        ]


def cutoff_days(cutoffs: Sequence[date]) -> Ints:
    """The different cutoffs as days since 1970, ascending.

    Raises:
        UsageError: there is none.
    """
    if not cutoffs:
        raise UsageError("There is no cutoff: name at least one day.")
    return np.unique(np.array([(cutoff - EPOCH).days for cutoff in cutoffs], dtype=np.int64))


def cutoff_groups(history: History, days: Ints, features: Sequence[Feature]) -> list[CutoffGroup]:
    """The cutoffs (days since 1970) by how many days each source is behind; a single group where no feed is late."""
    tables = sorted({table for feature in features for table in feature.sources})
    groups: dict[tuple[int, ...], list[int]] = defaultdict(list)
    for place, day in enumerate(days.tolist()):
        cutoff = EPOCH + timedelta(days=day)
        groups[tuple(days_behind(history, cutoff, table) for table in tables)].append(place)
    return [
        CutoffGroup(np.array(places), days[places], dict(zip(tables, behind, strict=True)))
        for behind, places in groups.items()
    ]


def join_groups(groups: Sequence[CutoffGroup], frames: Sequence[pa.Table]) -> pa.Table:
    """The frames of some groups, each ordered by cutoff, as one in the order of all cutoffs; nothing is copied."""
    if len(groups) == 1:
        return frames[0]
    parts: dict[int, pa.Table] = {}
    for group, frame in zip(groups, frames, strict=True):
        bounds = np.searchsorted(to_numpy(frame["as_of"].cast(pa.int32())), np.append(group.days, group.days[-1] + 1))
        parts |= {day: frame.slice(*bounds[n : n + 2] - (0, bounds[n])) for n, day in enumerate(group.days.tolist())}
    return pa.concat_tables([parts[day] for day in sorted(parts)])


def is_any_late(groups: Sequence[CutoffGroup]) -> bool:
    """Whether a source is behind at any of the cutoffs."""
    return any(days for group in groups for days in group.behind.values())


def described_features(groups: Sequence[CutoffGroup], features: Sequence[Feature]) -> list[Feature]:
    """The features with the cutoffs at which each is measured earlier (:attr:`Feature.days_earlier`)."""
    late = [(EPOCH + timedelta(days=day), group) for group in groups for day in group.days.tolist()]

    def days_earlier(feature: Feature) -> dict[date, int]:
        return {cutoff: days for cutoff, group in late if (days := group.days_earlier(feature))}

    return [replace(feature, days_earlier=days_earlier(feature)) for feature in features]
