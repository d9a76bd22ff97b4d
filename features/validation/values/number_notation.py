"""How the texts of a column write numbers: with a decimal point, or with a decimal comma as in most of Europe.

``1.234,50`` and ``1,234.50`` are one amount in two notations, and a spreadsheet exports the one of its user. A single
value does not say which: ``1,234`` is a thousand in one and a little more than one in the other. So a column is read
in a notation where some of its numbers can be read in this one only, and none in the other only. Where neither or both
is the case, a number with a comma is not read but goes to quarantine as ambiguous: a wrong guess would multiply amounts
by a thousand. In a column of whole numbers ``1,234`` can only be a thousand.
"""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum
from typing import TYPE_CHECKING, NamedTuple

from features.quoting import quote_text

if TYPE_CHECKING:
    import duckdb


class Notation(StrEnum):
    """A notation with separators; numbers with a decimal point and without separators need none."""

    COMMA = "comma"
    """A decimal comma, and points or spaces between thousands: ``1.234,50``, ``1 234,5``, ``12,5``."""
    POINT = "point"
    """A decimal point, and commas or apostrophes between thousands: ``1,234.50``, ``1'234``."""


_SPACES = "[\\s\u00a0\u202f]"
"""Spaces between thousands are among these."""

_FORMS = {
    Notation.COMMA: rf"[-+]?([0-9]{{1,3}}([.][0-9]{{3}})+|[0-9]{{1,3}}({_SPACES}[0-9]{{3}})+|[0-9]+)(,[0-9]+)?",
    Notation.POINT: "[-+]?([0-9]{1,3}(,[0-9]{3})+|[0-9]{1,3}(['\u2019][0-9]{3})+|[0-9]+)([.][0-9]+)?",
}
_WHOLE_FORMS = {
    Notation.COMMA: _FORMS[Notation.COMMA].replace("(,[0-9]+)?", "(,0+)?"),
    Notation.POINT: _FORMS[Notation.POINT],
}
_SEPARATORS = {Notation.COMMA: f"[.]|{_SPACES}", Notation.POINT: "[,'\u2019]"}


class NumberTexts(NamedTuple):
    """A column of numbers: its name, the SQL of its texts (NULL where there is none), and whether they are whole."""

    name: str
    text: str
    is_whole: bool = False


def find_notations(
    cursor: duckdb.DuckDBPyConnection, relation: str, texts: Iterable[NumberTexts]
) -> dict[str, Notation]:
    """The notation of each column that is written in one with separators; ``relation`` is SQL for ``FROM``."""
    columns = _unreadable(cursor, relation, list(texts))
    if not columns:
        return {}
    counts = ", ".join(
        f"count_if({_only(column, own, other)})"
        for column in columns
        for own, other in ((Notation.COMMA, Notation.POINT), (Notation.POINT, Notation.COMMA))
    )
    (row,) = cursor.execute(f"SELECT {counts} FROM {relation}").fetchall()
    pairs = zip(columns, row[::2], row[1::2], strict=True)
    decided = ((column.name, comma) for column, comma, point in pairs if bool(comma) != bool(point))
    return {name: Notation.COMMA if comma else Notation.POINT for name, comma in decided}


def _unreadable(cursor: duckdb.DuckDBPyConnection, relation: str, columns: list[NumberTexts]) -> list[NumberTexts]:
    """The columns with a text that is not a number as it is: of most sources none."""
    if not columns:
        return []
    counts = ", ".join(f"count({text}) - count(TRY_CAST({text} AS DOUBLE))" for _, text, _ in columns)
    (row,) = cursor.execute(f"SELECT {counts} FROM {relation}").fetchall()
    return [column for column, count in zip(columns, row, strict=True) if count]


def number_in(text: str, notation: Notation) -> str:
    """SQL of a text in a notation as a floating number, NULL where it is none."""
    digits = f"regexp_replace(trim({text}), {quote_text(_SEPARATORS[notation])}, '', 'g')"
    if notation is Notation.COMMA:
        digits = f"replace({digits}, ',', '.')"
    return f"CASE WHEN {_matches(text, _FORMS[notation])} THEN TRY_CAST({digits} AS DOUBLE) END"


def is_separated_number(text: str) -> str:
    """SQL: whether a text is a number in one of the notations."""
    return f"({' OR '.join(_matches(text, form) for form in _FORMS.values())})"


def _only(column: NumberTexts, own: Notation, other: Notation) -> str:
    """SQL: whether a text is a number in one notation, but not in the other one."""
    forms = _WHOLE_FORMS if column.is_whole else _FORMS
    return f"{_matches(column.text, forms[own])} AND NOT {_matches(column.text, forms[other])}"


def _matches(text: str, form: str) -> str:
    return f"regexp_full_match(trim({text}), {quote_text(form)})"
