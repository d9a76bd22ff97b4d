"""Clusters of tickets about a new feature, by their words.

Each ticket is its words, the concepts of its words (which are the same in several languages) and the codes that it
mentions, weighted by how rare they are (TF-IDF). Tickets are joined bottom-up while their average similarity is high
enough (agglomerative clustering of scikit-learn). Small groups are no cluster: of everything that customers write about
a new feature, much is said once.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from pipelines.path_design.launches.support_words import concept_of, stop_words, technical_concepts, use_concepts
from serving.policy.definition.tickets.ticket_filter import fold_text

NO_CLUSTER = -1
LEAST_LAUNCH_TICKETS = 12
"""Tickets below which nothing is clustered."""

LEAST_SIZE, LEAST_SHARE = 5, 0.1
"""A cluster has at least so many tickets, and at least this share of them."""

LONGEST_DISTANCE = 0.84
"""Average cosine distance up to which groups of tickets are joined."""

CONCEPT_WEIGHT, CODE_WEIGHT = 2.0, 1.5
_WORD = re.compile(r"[^\W_]+(?:[-_.][^\W_]+)*")
_CODE = re.compile(r"(?=.*\d)(?=.*[a-z]).{3,}|[45]\d\d")
Labels = np.ndarray[tuple[int], np.dtype[np.int64]]


@dataclass(frozen=True)
class TicketText:
    """What a ticket says: its words in their order, its concepts and its codes."""

    words: tuple[str, ...]
    concepts: tuple[str, ...]
    codes: tuple[str, ...]


def read_text(text: str, feature: Sequence[str] = ()) -> TicketText:
    """The words of a text; those of the feature itself say nothing, because every ticket has them."""
    folded = fold_text(text)
    for term in feature:
        folded = folded.replace(fold_text(term), " ")
    words = [word for word in _WORD.findall(folded) if not word.isdigit() or _CODE.fullmatch(word)]
    codes = tuple(word for word in words if _CODE.fullmatch(word))
    plain = tuple(word for word in words if word not in codes)
    concepts = tuple(concept for word in plain if (concept := concept_of(word)))
    kept = tuple(word for word in plain if word not in stop_words() and len(word) > 1)
    return TicketText(kept, concepts, codes)


def cluster_texts(texts: Sequence[TicketText]) -> Labels:
    """A cluster for each ticket, 0 for the largest; :data:`NO_CLUSTER` for tickets that resemble few others."""
    if len(texts) < LEAST_LAUNCH_TICKETS:
        return np.full(len(texts), NO_CLUSTER, dtype=np.int64)
    from sklearn.cluster import AgglomerativeClustering

    matrix = _matrix(texts)
    empty = np.asarray(np.abs(matrix).sum(axis=1)).ravel() == 0
    found = np.full(len(texts), NO_CLUSTER, dtype=np.int64)
    if (~empty).sum() < LEAST_LAUNCH_TICKETS:
        return found
    similarity = matrix[~empty] @ matrix[~empty].T
    distance = np.clip(1.0 - similarity, 0.0, 2.0)
    model = AgglomerativeClustering(
        n_clusters=None, metric="precomputed", linkage="average", distance_threshold=LONGEST_DISTANCE
    )
    found[~empty] = model.fit_predict(distance)
    return _by_size(found)


def _by_size(found: Labels) -> Labels:
    counts = Counter(label for label in found.tolist() if label != NO_CLUSTER)
    least = max(LEAST_SIZE, LEAST_SHARE * len(found))
    kept = [label for label, count in counts.most_common() if count >= least]
    numbers = {label: place for place, label in enumerate(kept)}
    return np.array([numbers.get(label, NO_CLUSTER) for label in found.tolist()], dtype=np.int64)


def _matrix(texts: Sequence[TicketText]) -> Any:
    """One row a ticket: words, concepts and codes by TF-IDF; rows have length 1."""
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.preprocessing import normalize

    parts = []
    for name, weight in (("words", 1.0), ("concepts", CONCEPT_WEIGHT), ("codes", CODE_WEIGHT)):
        documents = [getattr(text, name) for text in texts]
        if not any(documents):
            continue
        vectorizer = TfidfVectorizer(analyzer=tuple, min_df=2 if name == "words" else 1, sublinear_tf=True)
        try:
            parts.append(weight * vectorizer.fit_transform(documents).toarray())
        except ValueError:  # every word occurs once
            continue
    if not parts:
        return np.zeros((len(texts), 1))
    return normalize(np.hstack(parts))


def is_technical(texts: Sequence[TicketText]) -> bool:
    """Whether tickets are mostly about something that does not work, rather than about how to use it."""
    technical = sum(bool(text.codes) or bool(technical_concepts().intersection(text.concepts)) for text in texts)
    use = sum(bool(use_concepts().intersection(text.concepts)) for text in texts)
    return technical > use


def name_cluster(texts: Sequence[TicketText], others: Sequence[TicketText]) -> str:
    """The four words that distinguish tickets from others the most, in order of how much."""
    mine = Counter(word for text in texts for word in {*text.words, *text.codes})
    rest = Counter(word for text in others for word in {*text.words, *text.codes})
    score = {
        word: number / len(texts) - rest[word] / max(1, len(others)) for word, number in mine.items() if number > 1
    }
    return ", ".join(sorted(score, key=lambda word: (-score[word], word))[:4])
