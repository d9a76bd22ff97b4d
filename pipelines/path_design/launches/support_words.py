"""Words of support tickets in several languages, by what they are about.

Customers report one failure in their own languages, and texts of different languages have few words in common. So the
words that support tickets are full of are read as concepts: "Zahlung", "paiement" and "payment" are one. The list
(``support_words.toml``) is general; names and codes of a product need no translation.
"""

import tomllib
from functools import cache, lru_cache
from importlib.resources import files
from typing import Any

EXACT_UP_TO = 4
"""Words of at most so many letters have to be equal, longer ones only begin alike."""


@cache
def _content() -> dict[str, Any]:
    return tomllib.loads(
        files("pipelines.path_design.launches").joinpath("support_words.toml").read_text(encoding="utf-8")
    )


@cache
def _beginnings() -> dict[str, tuple[str, ...]]:
    return {concept: tuple(words.split()) for concept, words in _content()["concepts"].items()}


@cache
def stop_words() -> frozenset[str]:
    """Words without a subject."""
    return frozenset(word for words in _content()["stop_words"].values() for word in words.split())


@cache
def technical_concepts() -> frozenset[str]:
    """Concepts of something that does not work."""
    return frozenset(_content()["technical"])


@cache
def use_concepts() -> frozenset[str]:
    """Concepts of somebody who does not know how."""
    return frozenset(_content()["use"])


def words_of(concept: str) -> tuple[str, ...]:
    """The words of a concept as terms: a beginning ends with ``*``."""
    return tuple(f"{word}*" if len(word) > EXACT_UP_TO else word for word in _beginnings()[concept])


@lru_cache(maxsize=100_000)
def concept_of(word: str) -> str | None:
    """The concept of a folded word; None where it has none."""
    for concept, beginnings in _beginnings().items():
        for beginning in beginnings:
            if word == beginning or (len(beginning) > EXACT_UP_TO and word.startswith(beginning)):
                return concept
    return None
