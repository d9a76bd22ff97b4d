"""The order of reasons for people: what happened comes before levels that only measure it.

Contributions are exact and add up to the score. But a score of the CRM is computed from the same events that the model
sees, so the model often gives it most of their contribution, and "health score 31.9" would be the first reason of most
accounts. Three steps follow the contributions, and change no sum:

1. A health score that raises the risk passes :data:`PASSED_ON` of its contribution on to the groups in which an adverse
   event happened, if there are any: in proportion to their own contributions, and a little to each.
2. Groups with an *unusual* event come first: one that at most :data:`UNUSUAL` of the night's accounts have at least as
   badly. A model that has seen few such events gives them little, and they are what a reader has to know. Where the
   model says that the group lowers the risk, it is no reason.
3. Groups are ordered by their contribution, in which an event counts in full and a level :data:`LEVEL_WEIGHT`; an event
   counts :data:`SURPRISE` more for each factor of e by which it is rarer. What an account *is* always comes last.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from features.catalogue import group_of_column
from models.data.arrays import Bools, Floats
from models.explain.adverse_events import adverse_flags
from models.explain.event_rarity import EventRarity

BACKGROUND = "account"
"""The group that describes no event: its reasons come last, however strong."""
SCORE = "health"
"""The group of the CRM's score, which other events move."""
PASSED_ON = 0.8
"""The part of a health score's contribution that goes to the events which moved it."""
LEVEL_WEIGHT = 0.5
UNUSUAL = 0.05
"""The largest share of the night's accounts that have an event which is unusual."""
SURPRISE = 0.1
LEAST = 0.05
"""Log-odds below which a group is no reason (about one percentage point at a risk of 25%), unless it is unusual."""
_EACH = 0.02
"""What each group with an event counts at least when a score is passed on."""


@dataclass(frozen=True)
class GroupStrengths:
    """Contributions by row and group: [rows, groups].

    ``events`` says in which groups an adverse event happened, and ``rarity`` which share of the night's accounts have
    one at least as bad (1 where that is not known).
    """

    groups: tuple[str, ...]
    strengths: Floats
    events: Bools
    rarity: Floats

    def order(self) -> list[list[str]]:
        """The groups of each row that are reasons, in the order for people."""
        reasons = (self.strengths >= LEAST) | self._unusual
        return [
            [self.groups[place] for place in places if own[place]]
            for places, own in zip(self._places().tolist(), reasons, strict=True)
        ]

    def first(self) -> list[str | None]:
        """The first group of each row; ``None`` where it has no reason."""
        return [groups[0] if groups else None for groups in self.order()]

    def by_group(self, row: int) -> dict[str, float]:
        """The contributions of one row."""
        return dict(zip(self.groups, self.strengths[row].tolist(), strict=True))

    @property
    def _unusual(self) -> Bools:
        causes = np.array([group not in (SCORE, BACKGROUND) for group in self.groups])
        return np.asarray(self.events & causes & (self.rarity <= UNUSUAL) & (self.strengths > -LEAST))

    def _places(self) -> np.ndarray:
        """The places of all groups in order."""
        weighted = self.strengths * np.where(self.events, 1.0, LEVEL_WEIGHT) - SURPRISE * np.log(self.rarity)
        background = np.array([group == BACKGROUND for group in self.groups])
        return np.lexsort((-weighted, ~self._unusual, np.broadcast_to(background, weighted.shape)), axis=1)


def strengths_for_people(
    names: Sequence[str], shares: Floats, rows: pa.Table, rarity: EventRarity | None = None
) -> GroupStrengths:
    """The contributions of single columns (``shares``: [rows, columns]) by group, after the score is passed on.

    Args:
        names: the columns of the model.
        shares: their contributions.
        rows: the frame's rows.
        rarity: how rare each event is among all accounts of the night; without it no event is unusual.
    """
    groups = tuple(sorted({group_of_column(name) for name in names}))
    strengths = np.zeros((rows.num_rows, len(groups)))
    events, rare = np.zeros(strengths.shape, dtype=np.bool_), np.ones(strengths.shape)
    for place, name in enumerate(names):
        group = groups.index(group_of_column(name))
        strengths[:, group] += shares[:, place]
        flags = adverse_flags(name, rows)
        events[:, group] |= flags
        if rarity is not None and flags.any():
            rare[:, group] = np.minimum(rare[:, group], rarity.shares(name, rows))
    return GroupStrengths(groups, _pass_on(groups, strengths, events), events, rare)


def _pass_on(groups: Sequence[str], strengths: Floats, events: Bools) -> Floats:
    if SCORE not in groups:
        return strengths
    score = groups.index(SCORE)
    causes = events & np.array([group not in (SCORE, BACKGROUND) for group in groups])
    portions = np.where(causes, np.maximum(strengths, 0.0) + _EACH, 0.0)
    total = portions.sum(axis=1, keepdims=True)
    passed = np.where(total[:, 0] > 0, PASSED_ON * np.maximum(strengths[:, score], 0.0), 0.0)
    result: Floats = strengths + passed[:, None] * portions / np.maximum(total, _EACH)
    result[:, score] -= passed
    return result
