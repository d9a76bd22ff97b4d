"""Which columns of a source cannot be read as they are, and the SQL that replaces their values.

Nearly every column of a clean export needs no replacement, and then nothing is added to any query over it. So the
values are surveyed first: texts that mean "empty", dates that mean "never", numbers with a decimal comma, and every
different value of a vocabulary.
Only what was found is replaced.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

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


def find_replacements(incoming: IncomingTable) -> dict[str, str]:
    """By column that is not read as it is, the SQL of its value."""
    replacements = {name: without_empty_words(incoming.columns[name]) for name in texts_with_empty_words(incoming)}
    replacements |= _without_no_dates(incoming)
    replacements |= _without_separators(incoming)
    for column, values in _distinct_words(incoming):
        if column.vocabulary:
            words = _meanings(values, incoming.reading.vocabulary(column.vocabulary))
            if any(value != word for value, word in words.items()):
                replacements[column.name] = _replace_words(incoming.columns[column.name], words)
    return replacements | _event_replacements(incoming, replacements)


def texts_with_empty_words(incoming: IncomingTable) -> list[str]:
    """The columns of texts in which a word means "empty": free text and columns with a vocabulary aside.

    Such a word is short, and most columns have no short text at all, which is found several times faster.
    """
    names = [
        column.name
        for column in incoming.table.columns
        if _is_plain_text(column) and incoming.types.get(column.name) in ("VARCHAR", "BLOB")
    ]
    if not names:
        return []
    rows, columns = f"{incoming.source.relation} s", incoming.columns
    lengths = ", ".join(f"min(strlen({columns[name]}))" for name in names)
    (shortest,) = incoming.cursor.execute(f"SELECT {lengths} FROM {rows}").fetchall()
    sizes = zip(names, shortest, strict=True)
    return [
        name
        for name, size in sizes
        if size is not None
        and size <= LONGEST_EMPTY_WORD
        and incoming.number(f"SELECT count(*) FROM (SELECT 1 FROM {rows} WHERE {is_empty_word(columns[name])} LIMIT 1)")
    ]


def _distinct_words(incoming: IncomingTable) -> list[tuple[Column, list[str]]]:
    """The different values of each column with a vocabulary."""
    columns = [column for column in incoming.table.columns if column.vocabulary and column.name in incoming.types]
    if not columns:
        return []
    lists = ", ".join(f"list(DISTINCT {incoming.columns[column.name]})" for column in columns)
    (row,) = incoming.cursor.execute(f"SELECT {lists} FROM {incoming.source.relation} s").fetchall()
    words = ([word for word in values or () if word is not None] for values in row)
    return list(zip(columns, words, strict=True))


def _is_plain_text(column: Column) -> bool:
    return column.kind is ColumnType.TEXT and not column.free_text and not column.vocabulary


def _without_no_dates(incoming: IncomingTable) -> dict[str, str]:
    """The columns of dates of which some mean "no date"; texts that have to be parsed are not read beforehand."""
    reading = incoming.reading
    dates = [
        column
        for column in incoming.table.columns
        if column.kind in (ColumnType.INSTANT, ColumnType.DAY) and column.name in incoming.types
    ]
    typed = [column for column in dates if incoming.types[column.name] in INSTANTS | ZONED]
    chosen = {
        column.name for column in dates if column not in typed and incoming.types[column.name] in ("VARCHAR", "BLOB")
    }
    if typed:
        outside = (f"min({_raw(column)}) < {EARLIEST} OR max({_raw(column)}) >= {LATEST}" for column in typed)
        sql = f"SELECT {', '.join(outside)} FROM {incoming.source.relation} s"
        (row,) = incoming.cursor.execute(sql).fetchall()
        within = any(EARLIEST[11:21] <= day.isoformat() < LATEST[11:21] for day in reading.no_dates)
        chosen |= {column.name for column, found in zip(typed, row, strict=True) if found or within}
    values = incoming.columns
    return {
        name: f"CASE WHEN NOT {is_no_date(values[name], reading)} THEN {values[name]} END" for name in sorted(chosen)
    }


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


def _meanings(values: Iterable[str], vocabulary: Vocabulary) -> dict[str, str | None]:
    """By value, what it means; ``None`` where it means "empty"."""
    some = list(values)[:MAX_VALUES]
    return {value: None if value in EMPTY_WORDS else vocabulary.read(value) for value in some}


def _replace_words(value: str, words: Mapping[str, str | None]) -> str:
    """SQL of a value by its meanings; a value that is not among them is its own lower-case word."""
    cases = [
        f"WHEN {quote_text(text)} THEN {'NULL' if word is None else quote_text(word)}"
        for text, word in words.items()
        if word != text.strip().lower()
    ]
    own = f"lower(trim({value}))"
    return f"CASE {value} {' '.join(cases)} ELSE {own} END" if cases else own


def _event_replacements(incoming: IncomingTable, replacements: Mapping[str, str]) -> dict[str, str]:
    """The replacements of values that depend on another column, and of kinds that depend on a value."""
    column = next((column for column in incoming.table.columns if column.vocabularies), None)
    if column is None or not {"kind", column.name} <= set(incoming.types):
        return {}
    value = replacements.get(column.name, incoming.columns[column.name])
    kind = replacements.get("kind", incoming.columns["kind"])
    vocabularies = {name: incoming.reading.vocabulary(words) for name, words in column.vocabularies.items()}
    merged = f"{kind} IN ('solved', 'closed') AND regexp_matches(lower({value}), {quote_text(_MERGED)})"
    pairs, any_merged = _dependent_values(incoming, kind, value, merged, vocabularies)
    meanings = {name: _meanings(pairs.get(name, ()), words) for name, words in vocabularies.items()}
    changed = {name: words for name, words in meanings.items() if any(text != word for text, word in words.items())}
    result = {}
    if changed:
        cases = (f"WHEN {quote_text(name)} THEN {_replace_words(value, words)}" for name, words in changed.items())
        result[column.name] = value = f"CASE {kind} {' '.join(cases)} ELSE {value} END"
    if any_merged or not set(STATE_KINDS).isdisjoint(meanings.get("status", {}).values()):
        states = ", ".join(map(quote_text, STATE_KINDS))
        state = f"WHEN {kind} = 'status' AND {value} IN ({states}) THEN {value}"
        merger = f"WHEN {merged} THEN 'merged'" if any_merged else ""
        result["kind"] = f"CASE {merger} {state} ELSE {kind} END"
    return result


def _dependent_values(
    incoming: IncomingTable, kind: str, value: str, merged: str, kinds: Iterable[str]
) -> tuple[dict[str, list[str]], bool]:
    """By kind, the different values whose meaning depends on it, and whether any event says that it is a merger."""
    names = ", ".join(map(quote_text, kinds))
    pairs, any_merged = incoming.cursor.execute(
        f"SELECT list(DISTINCT [{kind}, {value}]) FILTER ({kind} IN ({names}) AND {value} IS NOT NULL), "
        f"bool_or({merged}) FROM {incoming.source.relation} s"
    ).fetchall()[0]
    values: dict[str, list[str]] = {}
    for name, text in pairs or ():
        values.setdefault(name, []).append(text)
    return values, bool(any_merged)
