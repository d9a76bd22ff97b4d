"""What values mean before they are judged: words for "empty", dates for "never", and a company's own words.

Every system has its own way to say nothing: ``NULL``, ``N/A``, a dash, the year 9999. Taken literally, all accounts
whose parent is "NULL" are one group, and a contract that ends in 9999 has a known end. These rules are applied once,
when a source is validated, so that nothing after it has to know them.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date

from features.contract.vocabularies import VOCABULARIES
from features.contract.vocabulary import Vocabulary
from features.errors import UsageError, suggest_name
from features.quoting import quote_text

EMPTY_WORDS = (
    *("", " ", "-", "--", "\\N", "null", "NULL", "Null", "n/a", "N/A", "nan", "NaN", "NAN", "Nan"),
    *("none", "None", "NONE"),
)
"""Texts that mean "empty" in every column but free text; none is longer than ``LONGEST_EMPTY_WORD`` bytes."""

LONGEST_EMPTY_WORD = 4

NO_DATES = (date(9999, 12, 31), date(1900, 1, 1))
"""Days that mean "no date", unless the settings name others."""


@dataclass(frozen=True)
class ReadingRules:
    """What the settings add to the contract.

    ``words`` are a company's own, by the name of a vocabulary: ``{"priority": {"Panic": "urgent"}}``; ``no_dates`` are
    the days that mean "no date".
    """

    words: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    no_dates: tuple[date, ...] = NO_DATES

    def vocabulary(self, vocabulary: Vocabulary) -> Vocabulary:
        """A vocabulary of the contract with the company's own words."""
        own = self.words.get(vocabulary.name, {})
        return vocabulary.with_words({text: word for text, word in own.items() if word in vocabulary.words})


def check_words(words: Mapping[str, Mapping[str, str]]) -> None:
    """Do nothing where every word of a company's own is given the meaning of a word that is understood.

    Raises:
        UsageError: a section or a meaning does not exist.
    """
    for section, entries in words.items():
        known = [vocabulary for vocabulary in VOCABULARIES if vocabulary.name == section]
        if not known:
            names = dict.fromkeys(vocabulary.name for vocabulary in VOCABULARIES)
            raise UsageError(f"There is no section [words.{section}]; {suggest_name(section, names)}")
        meanings = dict.fromkeys(word for vocabulary in known for word in vocabulary.words)
        for text, word in entries.items():
            if word not in meanings:
                raise UsageError(f"[words.{section}] {text!r} cannot mean {word!r}; {suggest_name(word, meanings)}")


def is_empty_word(value: str) -> str:
    """SQL: whether a text means "empty"."""
    return f"({value} IN ({', '.join(quote_text(word) for word in EMPTY_WORDS)}))"


def without_empty_words(value: str) -> str:
    """SQL of a text that is NULL where it means "empty"."""
    return f"CASE WHEN NOT {is_empty_word(value)} THEN {value} END"


def is_no_date(instant: str, rules: ReadingRules) -> str:
    """SQL: whether an instant means "no date".

    A time zone may have moved it by half a day, so the days beside it mean the same.
    """
    literals = [f"DATE '{day.isoformat()}'" for day in rules.no_dates]
    days = [f"({instant} > {day} - INTERVAL 1 DAY AND {instant} < {day} + INTERVAL 2 DAY)" for day in literals]
    return f"({' OR '.join(days) or 'false'})"
