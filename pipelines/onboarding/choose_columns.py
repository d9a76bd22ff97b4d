"""Which column of a source is which of the contract: by its name, and only if its values are of the type."""

import re
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from features.contract import TABLES, ColumnType
from features.quoting import quote_name, quote_text
from pipelines.onboarding.column_words import ROW_KEYS, TABLE_PREFIXES, WORDS, long_name, normal_name
from pipelines.onboarding.profile_tables import ColumnProfile, TableProfile

UNIQUE = 0.98
"""The share of different values of a column from which it can be a key."""

OF_ITS_TYPE = 0.95
"""The share of a column's values that have to be of its type."""

MOST_HEALTH = 100
_EXTRA_TYPES = {"mrr": ColumnType.NUMBER, "solved": ColumnType.INSTANT, "closed": ColumnType.INSTANT,
                "escalated": ColumnType.INSTANT, "domain": ColumnType.TEXT}  # fmt: skip
_FORMATS = ("%d.%m.%Y %H:%M:%S", "%d.%m.%Y %H:%M", "%d.%m.%Y", "%m/%d/%Y %H:%M:%S", "%m/%d/%Y %H:%M",
            "%m/%d/%Y %I:%M %p", "%m/%d/%Y", "%d/%m/%Y %H:%M:%S", "%d/%m/%Y %H:%M", "%d/%m/%Y", "%d-%b-%Y", "%d %b %Y",
            "%b %d, %Y", "%d-%m-%Y", "%d-%m-%Y %H:%M", "%Y%m%d", "%Y/%m/%d", "%Y/%m/%d %H:%M:%S", "%d/%b/%y %I:%M %p",
            "%B %d, %Y", "%d %B %Y")  # fmt: skip


@dataclass(frozen=True)
class ColumnChoice:
    """A column of a table of the contract: the SQL of its value, the source's column, and why it was chosen."""

    target: str
    sql: str
    column: str
    reason: str


@dataclass(frozen=True)
class Rejected:
    """A column that was not used, and why; ``target`` is what it may be."""

    column: str
    target: str
    reason: str


def choose_columns(target: str, table: TableProfile) -> tuple[dict[str, ColumnChoice], list[Rejected]]:
    """The columns of a table for a table of the contract; of two that fit, the one with the more certain name.

    The account of a row is not chosen here: it is found by its values, too.
    """
    chosen: dict[str, ColumnChoice] = {}
    rejected: list[Rejected] = []
    used: set[str] = set()
    options = sorted(_options(target, table))
    for _, wanted, name in options:
        if wanted in chosen or name in used:
            continue
        choice = _checked(target, wanted, table.columns[name], table)
        if isinstance(choice, Rejected):
            rejected.append(choice)
            continue
        chosen[wanted] = choice
        used.add(name)
    return chosen, [it for it in rejected if it.target not in chosen and it.column not in used]


def find_dates(table: TableProfile, used: Collection[str]) -> list[ColumnChoice]:
    """The columns of a table that hold dates and are not used yet, as moments."""
    columns = (column for name, column in table.columns.items() if name not in used and column.filled)
    dates = (_instant("created_at", column, day=False) for column in columns)
    return [it for it in dates if isinstance(it, ColumnChoice) and not _is_count(table.columns[it.column])]


def _is_count(column: ColumnProfile) -> bool:
    """Whether a column of numbers is no seconds since 1970: 2024 and 20240131 may be amounts."""
    return column.is_number and column.epochs < OF_ITS_TYPE


def _options(target: str, table: TableProfile) -> Iterator[tuple[int, str, str]]:
    """Columns whose name may mean a column of the contract, with the place of the name in the list of words."""
    for name in table.columns:
        plain = normal_name(name)
        for wanted, words in WORDS[target].items():
            if wanted == "account_id" and target != "accounts":
                continue
            if plain in words or plain == wanted:
                yield (words.index(plain) if plain in words else 0), wanted, name
                continue
            if long_name(plain) in words:
                yield 10 + words.index(long_name(plain)), wanted, name
                continue
            for prefix in TABLE_PREFIXES[target]:
                rest = plain.removeprefix(f"{prefix}_")
                if rest != plain and rest in words:
                    yield 20 + words.index(rest), wanted, name


def _checked(target: str, wanted: str, column: ColumnProfile, table: TableProfile) -> ColumnChoice | Rejected:
    """The choice of a column whose name fits, if its values do."""
    names = TABLES[target].names
    kind = TABLES[target].column(wanted).kind if wanted in names else _EXTRA_TYPES[wanted]
    if kind in (ColumnType.INSTANT, ColumnType.DAY) and column.filled:
        return _instant(wanted, column, day=kind is ColumnType.DAY)
    if kind in (ColumnType.NUMBER, ColumnType.WHOLE):
        problem = _number_problem(wanted, column)
        return Rejected(column.name, wanted, problem) if problem else _number(wanted, column)
    is_key = ROW_KEYS.get(target) == wanted
    problem = _flag_problem(column) if kind is ColumnType.FLAG else _text_problem(wanted, column, table, is_key=is_key)
    if problem:
        return Rejected(column.name, wanted, problem)
    reason = f"unique in {column.filled:,} rows" if is_key else "by its name"
    return ColumnChoice(wanted, quote_name(column.name), column.name, reason)


def _flag_problem(column: ColumnProfile) -> str:
    return "" if column.flags >= OF_ITS_TYPE else "its values are not true or false"


def _text_problem(wanted: str, column: ColumnProfile, table: TableProfile, *, is_key: bool) -> str:
    """Why a column cannot be the text that its name says; empty where it can."""
    if not column.filled:
        return "it is empty"
    if is_key and column.distinct < UNIQUE * column.filled:
        return f"its values repeat ({column.distinct:,} different of {column.filled:,})"
    if is_key and column.filled < UNIQUE * table.rows:
        return f"it is empty in {table.rows - column.filled:,} rows"
    if wanted == "name" and column.is_number:
        return "its values are numbers"
    if wanted in ("type", "status", "category") and (column.is_number or column.is_instant):
        return "its values are numbers or dates"
    return ""


def _number_problem(wanted: str, column: ColumnProfile) -> str:
    """Why a column cannot be the number that its name says; empty where it can."""
    low, high = column.low or 0.0, column.high or 0.0
    counts = wanted in ("seats", "events", "users")
    if not column.is_number:
        return f"only {column.numbers:.0%} of its values are numbers" if column.filled else "it is empty"
    if wanted == "score" and (low < 0 or high > MOST_HEALTH):
        return f"a score is 0 to {MOST_HEALTH}, and its values are {low:g} to {high:g}"
    if (counts or wanted in ("arr", "mrr")) and low < 0:
        return f"it has values below zero ({low:g})"
    return "its values are not whole numbers" if counts and column.whole < OF_ITS_TYPE else ""


def _number(wanted: str, column: ColumnProfile) -> ColumnChoice:
    """The SQL of a number; scores of 0 to 1 or 0 to 10, and cents, are scaled."""
    quoted, low, high = quote_name(column.name), column.low or 0.0, column.high or 0.0
    if wanted == "score" and high <= 1:
        return ColumnChoice(wanted, f"{quoted} * 100", column.name, f"shares of {low:g} to {high:g}, in percent")
    if wanted == "score" and high <= MOST_HEALTH / 10:
        return ColumnChoice(wanted, f"{quoted} * 10", column.name, f"values of {low:g} to {high:g}, taken as 0 to 10")
    if wanted in ("amount", "arr", "mrr") and "cent" in normal_name(column.name):
        return ColumnChoice(wanted, f"{quoted} / 100.0", column.name, "cents, by its name")
    return ColumnChoice(wanted, quoted, column.name, f"numbers of {low:,.4g} to {high:,.4g}")


def _instant(wanted: str, column: ColumnProfile, *, day: bool) -> ColumnChoice | Rejected:
    quoted = quote_name(column.name)
    moment = quoted if not day else f"CAST({quoted} AS DATE)"
    if column.instants >= 0.95:
        zone = " without a time zone, read as UTC" if column.local >= 0.05 and column.days < 0.95 else ""
        return ColumnChoice(wanted, moment, column.name, f"dates{'' if column.days >= 0.95 else ' and times'}{zone}")
    if column.epochs >= 0.95:
        unit = 1 if (column.high or 0) < 1e11 else 1_000
        scaled = f"CAST({quoted} AS BIGINT)" if unit == 1 else f"CAST({quoted} AS BIGINT) / 1000"
        sql = f"to_timestamp({scaled}) AT TIME ZONE 'UTC'"
        name = "seconds" if unit == 1 else "milliseconds"
        return ColumnChoice(wanted, f"CAST({sql} AS DATE)" if day else sql, column.name, f"{name} since 1970")
    formats = find_formats(column.values)
    if len(formats) > 1:
        first, second = formats[:2]
        return Rejected(column.name, wanted, f"{column.values[0]!r} can be read as {first} and as {second}: choose one")
    if formats:
        sql = f"strptime({quoted}, {quote_text(formats[0])})"
        return ColumnChoice(
            wanted, f"CAST({sql} AS DATE)" if day else sql, column.name, f"dates of the form {formats[0]}"
        )
    return Rejected(column.name, wanted, f"only {column.instants:.0%} of its values are dates")


def find_formats(values: Sequence[str]) -> list[str]:
    """The formats in which all of these texts are dates; two, where day and month cannot be distinguished."""
    sample = [value for value in values[:500] if re.search(r"\d", value)]
    if len(sample) < 0.95 * len(values[:500]) or not sample:
        return []
    return [form for form in _FORMATS if all(_fits(value, form) for value in sample)]


def _fits(value: str, form: str) -> bool:
    try:
        parsed = datetime.strptime(value.strip(), form)  # noqa: DTZ007 only whether it can be read
    except ValueError:
        return False
    return 1990 <= parsed.year <= 2100
