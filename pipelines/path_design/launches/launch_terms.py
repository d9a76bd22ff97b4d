"""The words by which later tickets of a cluster are recognised: few, and hardly ever in other tickets.

A word of one language finds the tickets of that language only. So a concept, with its words in several languages, may
be chosen like a single word.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from pipelines.path_design.launches.launch_clusters import TicketText
from pipelines.path_design.launches.support_words import words_of

MOST_WORD_CHOICES = 16
WRONG_COSTS = 1.5
"""What a ticket of another cluster costs that a word finds, where one of the cluster is worth 1."""

FOUND_ONCE = 0.6
"""By how much a ticket is worth less each time that it is found: two words for it find more of those to come."""

LEAST_GAIN = 2.0
"""Tickets that a further word has to gain: a word of a single ticket is chance."""


@dataclass(frozen=True)
class ClusterTerms:
    """The words and codes, and the concepts, by which a cluster is recognised; the best first."""

    words: tuple[str, ...] = ()
    concepts: tuple[str, ...] = ()

    @property
    def terms(self) -> tuple[str, ...]:
        """All of them as terms of an issue type, each once."""
        listed = [*self.words, *(word for concept in self.concepts for word in words_of(concept))]
        return tuple(dict.fromkeys(listed))

    def find(self, text: TicketText) -> bool:
        """Whether a ticket contains one of them."""
        return bool(_words(text).intersection(self.words) or set(text.concepts).intersection(self.concepts))


def choose_terms(texts: Sequence[TicketText], inside: np.ndarray[tuple[int], np.dtype[np.bool_]]) -> ClusterTerms:
    """Words, codes and concepts of the tickets ``inside`` a cluster, of which nearly every one contains one."""
    mine = [text for text, is_mine in zip(texts, inside, strict=True) if is_mine]
    candidates = [
        *((True, concept) for concept in sorted({it for text in mine for it in text.concepts})),
        *((False, word) for word in sorted({it for text in mine for it in _words(text)})),
    ]
    if not candidates:
        return ClusterTerms()
    contains = np.array(
        [[name in (text.concepts if concept else _words(text)) for text in texts] for concept, name in candidates],
        dtype=float,
    )
    left, clean = inside.astype(float), (~inside).astype(float)
    chosen: list[tuple[bool, str]] = []
    while len(chosen) < MOST_WORD_CHOICES:
        gain = contains @ left - WRONG_COSTS * (contains @ clean)
        place = int(np.argmax(gain))
        if gain[place] < LEAST_GAIN:
            break
        chosen.append(candidates[place])
        left = np.maximum(left - FOUND_ONCE * contains[place], 0.0)
        clean *= 1.0 - contains[place]  # a wrong ticket that is found already costs nothing more
        contains[place] = 0.0
    concepts = tuple(name for concept, name in chosen if concept)
    return ClusterTerms(tuple(name for concept, name in chosen if not concept), concepts)


def _words(text: TicketText) -> frozenset[str]:
    return frozenset(word for word in (*text.words, *text.codes) if len(word) > 2)
