"""Evidence in ticket texts: the customer asks to cancel or to export data, names a competitor, and so on.

"Tell us how to terminate the contract" has to reach the rescue team whether or not text feeds the model. So plain rules
look for what a person would underline, and quote it with ticket and date. The rules are data
(``evidence_phrases.toml``) in English, German, French and Spanish. A wrong quote costs more trust than a missed one:
negated sentences, other things that can be cancelled (a meeting, an order), quoted mail and the words of our own agents
are no evidence. The work is linear in the length of the text.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cache, cached_property
from importlib.resources import files
from typing import NamedTuple

import pyarrow as pa
import pyarrow.compute as pc

from models.contracts import EvidenceKind, TicketEvidence
from models.explain.customer_text import customer_sentences

QUOTE_CHARS = 160
"""Most characters of a quote."""
MAX_SENTENCE = 1_000
"""Longer sentences are searched in pieces of this length, so that the work stays linear."""
_UNUSUAL = (
    r"[^\t\n\r\x20-\x7e\x{a0}-\x{ac}\x{ae}-\x{131}\x{134}-\x{13e}\x{141}-\x{148}\x{14a}-\x{17e}"
    r"\x{2010}-\x{2027}\x{20ac}]|[&<]"
)
"""Characters that are neither of the four languages nor punctuation: such texts are always searched."""
_RAW_SPACE = r"(?:[\s\x{a0}]+|\s*\n(?s:.*)\n\s*)"
"""What may be a single space in a sentence: a line break, or quoted lines that are left out between two lines."""
_RAW_LETTER = r"[\w\x{c0}-\x{17e}]"
TEXTS_AT_ONCE = 1_000
"""So many texts are held as sentences at once."""
WORDS_AFTER = 3
"""In German a negation may follow the verb by so many words: "wir kündigen den Vertrag nicht"."""


@dataclass(frozen=True)
class TicketText:
    """A text that was written in a ticket; ``by`` is ``customer``, ``agent``, ``system``, or None where unknown."""

    ticket_id: str
    written_on: date
    text: str
    by: str | None = "customer"


_Search = Callable[[str], tuple[tuple[EvidenceKind, str | None, re.Match[str]], ...]]


class _InText(NamedTuple):
    """Evidence of a text: its kind and language, and where it is in a sentence."""

    kind: EvidenceKind
    language: str
    sentence: str
    span: tuple[int, int]


@dataclass(frozen=True)
class _Phrase:
    """A phrase, compiled for the first sentence that may have it; ``negated`` where it contains its own negation."""

    kind: EvidenceKind
    language: str
    text: str
    negated: bool

    @cached_property
    def pattern(self) -> re.Pattern[str]:
        """The phrase as a regular expression."""
        return re.compile(self.text, re.IGNORECASE)


@dataclass(frozen=True)
class _Rules:
    gate: str
    phrases: tuple[_Phrase, ...]
    exceptions: Mapping[tuple[EvidenceKind, str], re.Pattern[str]]
    negation: Mapping[str, re.Pattern[str]]
    other_objects: Mapping[str, re.Pattern[str]]
    cancel_verb: re.Pattern[str]
    clause_end: re.Pattern[str]
    stopwords: Mapping[str, frozenset[str]]


def find_evidence(texts: Iterable[TicketText], competitors: Sequence[str] = ()) -> tuple[TicketEvidence, ...]:
    """The evidence in the customers' texts, one of each kind a text at most, newest first.

    Args:
        texts: what was written in tickets. The words of agents and systems are left out.
        competitors: names that are evidence of ``names_competitor`` wherever the customer uses them.
    """
    by_customer = [text for text in texts if text.by in ("customer", None)]
    evidence = _evidence_by_text([text.text for text in by_customer], competitors)
    found = [
        TicketEvidence(text.ticket_id, text.written_on, item.kind, item.language, quote(item.sentence, item.span))
        for text, items in zip(by_customer, evidence, strict=True)
        for item in items
    ]
    return tuple(sorted(found, key=lambda item: (-item.written_on.toordinal(), item.ticket_id, item.kind, item.quote)))


def find_kinds(texts: Sequence[str], competitors: Sequence[str] = ()) -> list[frozenset[EvidenceKind]]:
    """The kinds of evidence in each text of a customer."""
    return [frozenset(item.kind for item in items) for items in _evidence_by_text(texts, competitors)]


def evidence_gate(competitors: Sequence[str] = ()) -> str:
    """A regular expression in lower case that every text with evidence matches: a database can select texts with it.

    It has only literal alternatives, and a class of the characters that could hide a phrase. A text has line breaks
    and typographic apostrophes where its sentences have not.
    """
    sentence = _sentence_gate(tuple(competitors))
    raw = sentence.replace(r"\w", _RAW_LETTER).replace(r"\ ", " ").replace(" ", _RAW_SPACE).replace("'", "['’‘`´]")
    return f"{raw}|{_UNUSUAL}"


@cache
def _sentence_gate(competitors: tuple[str, ...]) -> str:
    """A regular expression in lower case that every sentence with evidence matches, for an engine of linear time."""
    names = [_escaped(" ".join(name.split())) for name in competitors if name.strip()]
    return "|".join([_rules().gate, *names])


def _escaped(name: str) -> str:
    """A name as a database writes it in lower case: a dotted capital I becomes one letter."""
    return re.escape(name.lower().replace("\N{COMBINING DOT ABOVE}", ""))


def _evidence_by_text(texts: Sequence[str], competitors: Sequence[str]) -> Iterator[list[_InText]]:
    """For each text, the first evidence of each kind.

    The phrases are costly, and few sentences have any: one pass over all sentences selects those that may, and a
    sentence that occurs in several texts is searched once.
    """
    names = _name_pattern(tuple(competitors))
    search = cache(lambda part: tuple(_in_sentence(part, names)))
    gate = _sentence_gate(tuple(competitors))
    for begin in range(0, len(texts), TEXTS_AT_ONCE):
        sentences = [customer_sentences(text) for text in texts[begin : begin + TEXTS_AT_ONCE]]
        parts = [[part for sentence in listed for part in _pieces(sentence)] for listed in sentences]
        every = pc.utf8_lower(pa.array([part for listed in parts for part in listed], pa.string()))
        passes = iter(pc.match_substring_regex(every, gate).to_pylist())
        for listed, own in zip(sentences, parts, strict=True):
            selected = [part for part in own if next(passes)]
            yield list(_in_text(selected, listed, search))


def _pieces(sentence: str) -> list[str]:
    return [sentence[first : first + MAX_SENTENCE] for first in range(0, len(sentence), MAX_SENTENCE)]


def _in_text(parts: Sequence[str], sentences: Sequence[str], search: _Search) -> Iterator[_InText]:
    kinds: set[EvidenceKind] = set()
    for part in parts:
        for kind, language, match in search(part):
            if kind not in kinds:
                kinds.add(kind)
                yield _InText(kind, language or _language(sentences), part, match.span())


def _in_sentence(
    sentence: str, names: re.Pattern[str] | None
) -> Iterator[tuple[EvidenceKind, str | None, re.Match[str]]]:
    rules = _rules()
    matches = [(phrase, match) for phrase in rules.phrases if (match := phrase.pattern.search(sentence))]
    holding = [(phrase, match) for phrase, match in matches if _holds(rules, phrase, sentence, match)]
    threats = [match.span() for phrase, match in holding if phrase.kind is EvidenceKind.THREATENS]
    for phrase, match in holding:
        if not (phrase.kind is EvidenceKind.ASKS_TO_CANCEL and _lies_within(match.span(), threats)):
            yield phrase.kind, phrase.language, match
    if names and (match := names.search(sentence)):
        yield EvidenceKind.NAMES_COMPETITOR, None, match


def _lies_within(span: tuple[int, int], others: Sequence[tuple[int, int]]) -> bool:
    """Whether one of the others contains the span or its verb: "if it is not solved, we will cancel" only threatens."""
    return any(first <= span[0] and span[0] < end for first, end in others)


def _holds(rules: _Rules, phrase: _Phrase, sentence: str, match: re.Match[str]) -> bool:
    """Whether the sentence says what the phrase says: no exception, no negation, no other thing that is cancelled."""
    exception = rules.exceptions.get((phrase.kind, phrase.language))
    if exception and exception.search(sentence):
        return False
    if rules.other_objects[phrase.language].match(_object_part(rules, phrase.kind, sentence, match)):
        return False
    if phrase.negated:
        return True
    return not rules.negation[phrase.language].search(_clause(rules, sentence, match, phrase.language))


def _object_part(rules: _Rules, kind: EvidenceKind, sentence: str, match: re.Match[str]) -> str:
    """Where the object of cancelling is looked for: the match and the words after it; of a threat, from its verb on."""
    if kind is EvidenceKind.ASKS_TO_CANCEL:
        own = match[0]
    elif kind is EvidenceKind.THREATENS and (verbs := list(rules.cancel_verb.finditer(match[0]))):
        own = match[0][verbs[-1].start() :]
    else:
        return ""
    return f"{own} {' '.join(sentence[match.end() : match.end() + 80].split()[:4])}"


def _clause(rules: _Rules, sentence: str, match: re.Match[str], language: str) -> str:
    """The match and what is before it in its clause; in German and French also the words that follow."""
    before = rules.clause_end.split(sentence[max(0, match.start() - 120) : match.start()])[-1]
    after = ""
    if language in ("de", "fr"):
        rest = rules.clause_end.split(sentence[match.end() : match.end() + 80])[0]
        after = " ".join(rest.split()[:WORDS_AFTER])
    return f"{before}{match[0]} {after}"


def quote(sentence: str, span: tuple[int, int]) -> str:
    """At most :data:`QUOTE_CHARS` characters around a span, in whole words; an ellipsis stands for the others."""
    if len(sentence) <= QUOTE_CHARS:
        return sentence
    room = QUOTE_CHARS - 2 - min(span[1] - span[0], QUOTE_CHARS - 2)
    first = max(0, span[0] - room // 2)
    end = min(len(sentence), first + QUOTE_CHARS - 2)
    first = max(0, end - QUOTE_CHARS + 2)
    if first and (space := sentence.find(" ", first, span[0] + 1)) >= 0:
        first = space + 1
    if end < len(sentence) and (space := sentence.rfind(" ", max(first, span[1]), end)) > 0:
        end = space
    return f"{'…' if first else ''}{sentence[first:end].strip()}{'…' if end < len(sentence) else ''}"


def _language(sentences: Sequence[str]) -> str:
    """The language with the most stopwords; English where there are none."""
    words = [word for sentence in sentences[:20] for word in re.findall(r"\w+", sentence.lower())]
    counts = {language: sum(word in stop for word in words) for language, stop in _rules().stopwords.items()}
    return max(counts, key=lambda language: counts[language])


@cache
def _rules() -> _Rules:
    """The phrases of the data file, read once."""
    data = tomllib.loads(files("models.explain").joinpath("evidence_phrases.toml").read_text(encoding="utf-8"))
    words: Mapping[str, str] = data["words"]
    phrases = [
        _Phrase(EvidenceKind(kind), language, _with_words(words, text.removeprefix("!")), text.startswith("!"))
        for kind, languages in data["phrases"].items()
        for language, texts in languages.items()
        for text in texts
    ]
    exceptions = {
        (EvidenceKind(kind), language): _compiled(words, "|".join(texts))
        for kind, languages in data["exceptions"].items()
        for language, texts in languages.items()
    }
    negation = {language: _compiled(words, text) for language, text in data["negation"].items()}
    other = {
        language: _compiled(words, rf"(?!.{{0,120}}\b{words[data['contract_words'][language]]}\b).*\b{text}\b")
        for language, text in data["other_objects"].items()
    }
    return _Rules(
        data["gate"],
        tuple(phrases),
        exceptions,
        negation,
        other,
        cancel_verb=_compiled(words, data["cancel_verb"]),
        clause_end=_compiled(words, data["clause_end"]),
        stopwords={language: frozenset(listed.split()) for language, listed in data["stopwords"].items()},
    )


def _compiled(words: Mapping[str, str], text: str) -> re.Pattern[str]:
    return re.compile(_with_words(words, text), re.IGNORECASE)


def _with_words(words: Mapping[str, str], text: str) -> str:
    for name, inserted in words.items():
        text = text.replace(f"{{{name}}}", inserted)
    return text


@cache
def _name_pattern(names: tuple[str, ...]) -> re.Pattern[str] | None:
    if not any(name.strip() for name in names):
        return None
    listed = "|".join(re.escape(" ".join(name.split())) for name in names if name.strip())
    return re.compile(rf"(?<!\w)(?:{listed})(?!\w)", re.IGNORECASE)
