"""Which columns of a source cannot be read as they are, and the SQL that replaces their values.

Nearly every column of a clean export needs no replacement, and then nothing is added to any query over it. So the
values are surveyed first: texts that mean "empty", dates that mean "never", numbers with a decimal comma, and every
different value of a vocabulary.
Only what was found is replaced.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from features.contract import Column, ColumnType
from features.contract.vocabulary import Vocabulary
from features.quoting import quote_name, quote_text
from features.validation.incoming_table import IncomingTable
from features.validation.rules import EARLIEST, LATEST
from features.validation.values.column_types import INSTANTS, ZONED, non_empty_text, whole_number
from features.validation.values.number_notation import NumberTexts, find_notations, number_in
from features.validation.values.reading_rules import (
    EMPTY_WORDS,
    LONGEST_EMPTY_WORD,
    is_empty_word,
    is_no_date,
    without_empty_words,
)

MAX_VALUES = 1_000
"""Different values of a vocabulary that are read one by one; a column with more holds something else."""

STATE_KINDS = ("solved", "closed", "escalated", "deescalated", "reopened", "merged")
"""Values of status events that are kinds of events themselves."""

_MERGED = (
    r"^\W*(closed |solved )?(by |as |due to |via )?(a |this |the )?(ticket |case |issue |request )?(was |has been )?"
    r"(merged?\b|duplicate\b|zusammengef|fusionn|fusionad)"
)
"""How the value of a closing event begins that says that the ticket was merged into another one."""


@dataclass(frozen=True)
class ValueSurvey:
    """What some rows hold that is not read as it is.

    ``empty`` are the columns of texts in which a word means "empty", ``dates`` the columns of dates of which some may
    mean "no date", ``words`` the different values of each column with a vocabulary, and ``of_kinds`` those whose
    meaning depends on the kind of their event, by kind. ``merged`` is whether an event says that its ticket was merged.

    The same rows are read in the same way by the replacements of a survey of more rows: a value has one meaning, and
    what is not in the rows is never replaced.
    """

    empty: frozenset[str] = frozenset()
    dates: frozenset[str] = frozenset()
    words: Mapping[str, Sequence[str]] = field(default_factory=dict)
    of_kinds: Mapping[str, Sequence[str]] = field(default_factory=dict)
    merged: bool = False

    def with_rows(self, other: ValueSurvey) -> ValueSurvey:
        """The survey of these rows and those of another."""
        words, of_kinds = (
            {name: _first_values([*some.get(name, ()), *more.get(name, ())]) for name in {**some, **more}}
            for some, more in ((self.words, other.words), (self.of_kinds, other.of_kinds))
        )
        merged = self.merged or other.merged
        return ValueSurvey(self.empty | other.empty, self.dates | other.dates, words, of_kinds, merged)

    @property
    def is_complete(self) -> bool:
        """Whether every value of a vocabulary is among its words, and not only the first of very many."""
        return all(len(values) < MAX_VALUES for words in (self.words, self.of_kinds) for values in words.values())

    def as_json(self) -> dict[str, Any]:
        """Plain JSON values."""
        values = asdict(self)
        return {**values, "empty": sorted(self.empty), "dates": sorted(self.dates)}

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> ValueSurvey:
        """The survey from its JSON values."""
        sets = {name: frozenset(values[name]) for name in ("empty", "dates")}
        return cls(**{**values, **sets})


def find_replacements(incoming: IncomingTable) -> dict[str, str]:
    """By column that is not read as it is, the SQL of its value."""
    numbers = _without_separators(incoming)
    return numbers | replacements_by(survey_values(incoming), incoming)


def survey_values(incoming: IncomingTable) -> ValueSurvey:
    """Read what the rows hold that is not read as it is, numbers with separators aside."""
    words, shortest, outside = _aggregate(
        incoming, _distinct_words(incoming), _shortest_texts(incoming), _outside_of_time(incoming)
    )
    survey = ValueSurvey(
        frozenset(_with_empty_words(incoming, shortest)),
        _may_mean_no_date(incoming, outside),
        {name: _first_values(word for word in values or () if word is not None) for name, values in words.items()},
    )
    of_kinds, merged = _dependent_values(incoming, _plain_replacements(survey, incoming))
    return replace(survey, of_kinds=of_kinds, merged=merged)


def _aggregate(incoming: IncomingTable, *asked: Mapping[str, str]) -> list[dict[str, Any]]:
    """The values of aggregates over all rows by their names, in one pass for all that is asked."""
    selected = ", ".join(sql for aggregates in asked for sql in aggregates.values())
    if not selected:
        return [{} for _ in asked]
    (row,) = incoming.cursor.execute(f"SELECT {selected} FROM {incoming.source.relation} s").fetchall()
    values = iter(row)
    return [{name: next(values) for name in aggregates} for aggregates in asked]


def replacements_by(survey: ValueSurvey, incoming: IncomingTable) -> dict[str, str]:
    """By column that is not read as it is in the rows of a survey, the SQL of its value."""
    plain = _plain_replacements(survey, incoming)
    return plain | _event_replacements(survey, incoming, plain)


def _plain_replacements(survey: ValueSurvey, incoming: IncomingTable) -> dict[str, str]:
    """Those that depend on no other column."""
    columns, reading = incoming.columns, incoming.reading
    replacements = {name: without_empty_words(columns[name]) for name in sorted(survey.empty)}
    replacements |= {
        name: f"CASE WHEN NOT {is_no_date(columns[name], reading)} THEN {columns[name]} END"
        for name in sorted(survey.dates)
    }
    for column in incoming.table.columns:
        if column.vocabulary and column.name in survey.words:
            words = _meanings(survey.words[column.name], reading.vocabulary(column.vocabulary))
            if any(value != word for value, word in words.items()):
                replacements[column.name] = _replace_words(columns[column.name], words)
    return replacements


def texts_with_empty_words(incoming: IncomingTable) -> list[str]:
    """The columns of texts in which a word means "empty": free text and columns with a vocabulary aside."""
    (shortest,) = _aggregate(incoming, _shortest_texts(incoming))
    return _with_empty_words(incoming, shortest)


def _shortest_texts(incoming: IncomingTable) -> dict[str, str]:
    """SQL of the length of the shortest text of each column.

    A word that means "empty" is short, and most columns have no short text at all, which is found several times faster.
    """
    return {
        column.name: f"min(strlen({incoming.columns[column.name]}))"
        for column in incoming.table.columns
        if _is_plain_text(column) and incoming.types.get(column.name) in ("VARCHAR", "BLOB")
    }


def _with_empty_words(incoming: IncomingTable, shortest: Mapping[str, int | None]) -> list[str]:
    """Of these columns with short texts those in which a word means "empty"."""
    rows, columns = f"{incoming.source.relation} s", incoming.columns
    return [
        name
        for name, size in shortest.items()
        if size is not None
        and size <= LONGEST_EMPTY_WORD
        and incoming.number(f"SELECT count(*) FROM (SELECT 1 FROM {rows} WHERE {is_empty_word(columns[name])} LIMIT 1)")
    ]


def _distinct_words(incoming: IncomingTable) -> dict[str, str]:
    """SQL of the different values of each column with a vocabulary."""
    return {
        column.name: f"list(DISTINCT {incoming.columns[column.name]})"
        for column in incoming.table.columns
        if column.vocabulary and column.name in incoming.types
    }


def _is_plain_text(column: Column) -> bool:
    return column.kind is ColumnType.TEXT and not column.free_text and not column.vocabulary


def _dates(incoming: IncomingTable) -> dict[str, Column]:
    """The columns of dates that the source has."""
    return {
        column.name: column
        for column in incoming.table.columns
        if column.kind in (ColumnType.INSTANT, ColumnType.DAY) and column.name in incoming.types
    }


def _outside_of_time(incoming: IncomingTable) -> dict[str, str]:
    """SQL of whether a column of dates has some that are too early or too late to be true; texts are not parsed."""
    return {
        name: f"min({_raw(column)}) < {EARLIEST} OR max({_raw(column)}) >= {LATEST}"
        for name, column in _dates(incoming).items()
        if incoming.types[name] in INSTANTS | ZONED
    }


def _may_mean_no_date(incoming: IncomingTable, outside: Mapping[str, bool | None]) -> frozenset[str]:
    """The columns of dates of which some may mean "no date": all that are texts, and those with unlikely dates."""
    texts = {name for name in _dates(incoming) if incoming.types[name] in ("VARCHAR", "BLOB")}
    within = any(EARLIEST[11:21] <= day.isoformat() < LATEST[11:21] for day in incoming.reading.no_dates)
    return frozenset(texts | {name for name, found in outside.items() if found or within})


def _without_separators(incoming: IncomingTable) -> dict[str, str]:
    """The columns of numbers that are written with a decimal comma, or with separators between thousands."""
    texts = [
        NumberTexts(
            column.name,
            non_empty_text(_raw(column), incoming.types[column.name]),
            is_whole=column.kind is ColumnType.WHOLE,
        )
        for column in incoming.table.columns
        if column.kind in (ColumnType.NUMBER, ColumnType.WHOLE)
        and incoming.types.get(column.name) in ("VARCHAR", "BLOB")
    ]
    notations = find_notations(incoming.cursor, f"{incoming.source.relation} s", texts)
    numbers = [
        (name, number_in(text, notations[name]), is_whole) for name, text, is_whole in texts if name in notations
    ]
    return {name: whole_number(number) if is_whole else number for name, number, is_whole in numbers}


def _raw(column: Column) -> str:
    return f"s.{quote_name(column.name)}"


def _first_values(values: Iterable[str]) -> list[str]:
    """The different values in their order, and no more than ``MAX_VALUES``."""
    return sorted(set(values))[:MAX_VALUES]


def _meanings(values: Iterable[str], vocabulary: Vocabulary) -> dict[str, str | None]:
    """By value, what it means; ``None`` where it means "empty"."""
    return {value: None if value in EMPTY_WORDS else vocabulary.read(value) for value in values}


def _replace_words(value: str, words: Mapping[str, str | None]) -> str:
    """SQL of a value by its meanings; a value that is not among them is its own lower-case word."""
    cases = [
        f"WHEN {quote_text(text)} THEN {'NULL' if word is None else quote_text(word)}"
        for text, word in words.items()
        if word != text.strip().lower()
    ]
    own = f"lower(trim({value}))"
    return f"CASE {value} {' '.join(cases)} ELSE {own} END" if cases else own


@dataclass(frozen=True)
class _Events:
    """The columns of events of which one's meaning depends on the other, as they are read by themselves."""

    column: Column
    kind: str
    value: str

    @classmethod
    def of(cls, incoming: IncomingTable, replacements: Mapping[str, str]) -> _Events | None:
        """The columns of a table; ``None`` where it has none."""
        column = next((column for column in incoming.table.columns if column.vocabularies), None)
        if column is None or not {"kind", column.name} <= set(incoming.types):
            return None
        read = {**incoming.columns, **replacements}
        return cls(column, read["kind"], read[column.name])

    @property
    def merged(self) -> str:
        """SQL: whether an event closed a ticket because it was merged into another one."""
        return f"{self.kind} IN ('solved', 'closed') AND regexp_matches(lower({self.value}), {quote_text(_MERGED)})"


def _event_replacements(
    survey: ValueSurvey, incoming: IncomingTable, replacements: Mapping[str, str]
) -> dict[str, str]:
    """The replacements of values that depend on another column, and of kinds that depend on a value."""
    events = _Events.of(incoming, replacements)
    if events is None:
        return {}
    column, kind, value = events.column, events.kind, events.value
    vocabularies = {name: incoming.reading.vocabulary(words) for name, words in column.vocabularies.items()}
    meanings = {name: _meanings(survey.of_kinds.get(name, ()), words) for name, words in vocabularies.items()}
    changed = {name: words for name, words in meanings.items() if any(text != word for text, word in words.items())}
    result = {}
    if changed:
        cases = (f"WHEN {quote_text(name)} THEN {_replace_words(value, words)}" for name, words in changed.items())
        result[column.name] = value = f"CASE {kind} {' '.join(cases)} ELSE {value} END"
    if survey.merged or not set(STATE_KINDS).isdisjoint(meanings.get("status", {}).values()):
        states = ", ".join(map(quote_text, STATE_KINDS))
        state = f"WHEN {kind} = 'status' AND {value} IN ({states}) THEN {value}"
        merger = f"WHEN {events.merged} THEN 'merged'" if survey.merged else ""
        result["kind"] = f"CASE {merger} {state} ELSE {kind} END"
    return result


def _dependent_values(incoming: IncomingTable, replacements: Mapping[str, str]) -> tuple[dict[str, list[str]], bool]:
    """By kind, the different values whose meaning depends on it, and whether any event says that it is a merger."""
    events = _Events.of(incoming, replacements)
    if events is None:
        return {}, False
    kind, value, names = events.kind, events.value, ", ".join(map(quote_text, events.column.vocabularies))
    rows = f"FROM {incoming.source.relation} s WHERE"
    pairs = f"SELECT DISTINCT {kind}, {value} {rows} {kind} IN ({names}) AND {value} IS NOT NULL"
    values: dict[str, list[str]] = {}
    for name, text in incoming.cursor.execute(pairs).fetchall():
        values.setdefault(name, []).append(text)
    merged = incoming.number(f"SELECT count(*) FROM (SELECT 1 {rows} {events.merged} LIMIT 1)")
    return {name: _first_values(texts) for name, texts in values.items()}, bool(merged)
