"""How a value of a vocabulary is recognised, however a vendor's system or a company writes it.

"Sev 1", "P1 - Critical" and "Blocker" mean one thing, and a feature that compares texts would silently count none of
them. So every value is compared in a normal form (lower case, no accents, no punctuation) with the words of its
vocabulary and their synonyms. A value that is not understood keeps its own lower-case word; ``rescue check`` lists it.
"""

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from difflib import SequenceMatcher
from functools import cached_property

SHORT, LONG = 5, 9
"""Letters of a value below which only two swapped ones are a misspelling, and from which more may differ."""

LONG_NEAR = 0.88
"""How alike a long value and a word must be."""

_SEPARATORS = re.compile(r"[\s_\-–—/:.,;!?*#()\[\]]+")
_CODE = re.compile(r"((?:p|s|sev|severity|prio|priority|level)? ?\d)\b ?(.*)")


@dataclass(frozen=True, eq=False)
class Vocabulary:
    """The words that a column may hold, each with its synonyms in normal form.

    Attributes:
        name: the name of the section of ``[words]`` in which a company adds its own.
        synonyms: by word, other ways to write it.
        coded: whether a value may begin with a code that alone decides ("P1 - Critical", "2 - High").
        subject: a word that may come before any other ("ticket solved", "case closed").
        upper: whether words are in upper case, as codes of currencies are.
        numbers: whether any number is understood, too, as in a rating.
        own: a company's own words, by their normal form.
    """

    name: str
    synonyms: Mapping[str, tuple[str, ...]]
    coded: bool = False
    subject: tuple[str, ...] = ()
    upper: bool = False
    numbers: bool = False
    own: Mapping[str, str] = field(default_factory=dict)

    @property
    def words(self) -> tuple[str, ...]:
        """The words that are understood."""
        return tuple(self.synonyms)

    def with_words(self, own: Mapping[str, str]) -> "Vocabulary":
        """The vocabulary with a company's own words, which win over the synonyms."""
        entries = {normal_form(text): word for text, word in own.items()}
        return replace(self, own=entries)

    def read(self, value: str) -> str:
        """The word that a value means; its own word in the vocabulary's case where it is not understood."""
        meaning = self._meaning(normal_form(value))
        own_word = value.strip()
        return meaning or (own_word.upper() if self.upper else own_word.lower())

    def nearest(self, value: str) -> str | None:
        """The word that a value which is not understood nearly certainly means: it is misspelled; else ``None``.

        A meaning that is only alike is worse than none, because it would be copied: "created" is no "rated".
        """
        text = normal_form(value)
        means = {word for form, word in self._by_form.items() if is_misspelled(text, form)}
        return means.pop() if len(means) == 1 else None

    def _meaning(self, text: str) -> str | None:
        for form in self._forms(text):
            word = self.own.get(form) or self._by_form.get(form)
            if word is not None:
                return word
        return None

    def _forms(self, text: str) -> list[str]:
        """The value in its normal form, without its subject, without its code, and its code alone."""
        first, _, rest = text.partition(" ")
        forms = [text, *([rest] if first in self.subject and rest else [])]
        code = _CODE.fullmatch(text) if self.coded else None
        return [*forms, code[2], code[1].replace(" ", "")] if code else forms

    @cached_property
    def _by_form(self) -> Mapping[str, str]:
        forms = {normal_form(synonym): word for word, synonyms in self.synonyms.items() for synonym in synonyms}
        return forms | {normal_form(word): word for word in self.synonyms}

    def __repr__(self) -> str:
        return f"Vocabulary({self.name!r}, {dict(self.synonyms)!r}, {self.coded}, {self.subject}, {dict(self.own)!r})"


def is_misspelled(text: str, word: str) -> bool:
    """Whether a text is a word with two letters swapped, or one too many or too few; a long text may differ by more.

    The first letter has to be the same: "unresolved" and "inactive" are other words.
    """
    if text[:1] != word[:1]:
        return False
    short, long = sorted((text, word), key=len)
    if any(_swap(text, place) == word for place in range(1, len(text) - 1)):
        return True
    if len(short) < SHORT:
        return False
    if len(long) - len(short) == 1 and any(long[:place] + long[place + 1 :] == short for place in range(len(long))):
        return True
    return len(short) >= LONG and SequenceMatcher(None, text, word).ratio() >= LONG_NEAR


def _swap(text: str, place: int) -> str:
    return f"{text[:place]}{text[place + 1]}{text[place]}{text[place + 2 :]}"


def normal_form(text: str) -> str:
    """A text in lower case, without accents, its punctuation as single spaces."""
    plain = "".join(sign for sign in unicodedata.normalize("NFKD", text.lower()) if not unicodedata.combining(sign))
    return _SEPARATORS.sub(" ", plain.replace("ß", "ss")).strip()
