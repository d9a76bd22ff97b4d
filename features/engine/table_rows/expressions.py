"""The SQL of the columns that a measure needs of each row: flags, numbers and orders, without nulls."""

import re
from collections.abc import Sequence
from functools import cache

from features.contract import TABLES
from features.definitions.measures import Aggregate, Stream
from features.engine.table_rows.relations import day_number, tie_columns
from features.history.history import History
from features.history.versions import FOREVER

_WORD = re.compile(r"'[^']*'|([a-z_][a-z0-9_]*)")
_ROW = re.compile(r"row\((.*)\)")
_OF_ROWS = re.compile(r"\bOVER\b|\b(?:account|ticket|known|replaced)\b")
_DAYS = frozenset({"newest", "oldest", "ahead"})
_TABLES = {"timeline": ("ticket_events", "tickets")}


def needed_columns(part: Aggregate) -> list[str]:
    """The columns that a measure needs of its rows."""
    stream = part.stream
    texts = [day_number(stream.at)]
    texts += [flag_column(text) for text in (stream.only, part.where) if text]
    texts += [day_number(stream.until)] if stream.until else []
    texts += [instant_column(stream), *tie_columns(stream.relation)] if stream.pick else []
    texts += entity_columns(stream.by) if stream.pick and stream.by and stream.by != "account" else []
    texts += entity_columns(part.by) if part.by else []
    if part.how == "distinct":
        return texts + distinct_columns(part)
    return texts + ([operand_column(part)] if part.of else [])


def operand_column(part: Aggregate) -> str:
    """The column that is summed or compared."""
    text = part.of or ""
    if part.how in _DAYS:
        return day_number(text)
    return text if part.how == "text" else number_column(text)


def distinct_columns(part: Aggregate) -> list[str]:
    """The columns whose different values are counted."""
    return entity_columns(part.of or "", f"({part.stream.only or True}) AND ({part.where or True})")


def lacks_column(part: Aggregate, history: History) -> bool:
    """Whether the measure uses a column that its source does not have: then it is not known."""
    return bool(missing_columns(part, history))


def missing_columns(part: Aggregate, history: History) -> list[tuple[str, str]]:
    """The tables and columns that the measure needs and its source does not have.

    A column whose absence means the same as an empty value in every row is not needed (``Column.absent_means``).
    """
    stream = part.stream
    tables = tables_of(stream.relation)
    texts = (stream.at, stream.only, stream.by, stream.until, part.of, part.where, part.by)
    return [
        (table, word)
        for table in tables
        for word in sorted(_words(texts).intersection(TABLES[table].names))
        if not any(history.has_column(other, word) for other in tables) and not TABLES[table].column(word).absent_means
    ]


@cache
def _words(texts: Sequence[str | None]) -> frozenset[str]:
    """The names in some expressions: a night asks for those of each measure several times."""
    return frozenset(word for text in texts if text for word in _WORD.findall(text)) - {"account_id"}


def tables_of(relation: str) -> tuple[str, ...]:
    """The tables whose columns the rows of a relation have."""
    return _TABLES.get(relation, (relation,))


def columns_in(relation: str, expression: str) -> frozenset[str]:
    """The contract's columns that an expression over a relation's rows uses."""
    names = {name for table in tables_of(relation) for name in TABLES[table].names}
    return frozenset(names & set(_WORD.findall(expression)))


def depends_on_class(relation: str, expression: str) -> bool:
    """Whether an expression depends only on the row's class, and not on other rows."""
    few_values = {column for table in tables_of(relation) for column in TABLES[table].few_values}
    used = columns_in(relation, expression)
    return bool(used) and used <= few_values and not uses_row(expression)


def uses_row(expression: str) -> bool:
    """Whether an expression uses other rows, or what no column of a table says: the row's account, ticket or days."""
    return bool(_OF_ROWS.search(expression))


def flag_column(expression: str) -> str:
    """A condition that is false where it is unknown. Every row about tickets has a ticket id."""
    condition = expression.replace("(ticket_id) IS NOT NULL", "true")
    return f"coalesce(CAST(({condition}) AS BOOLEAN), false)"


def select_list(expressions: Sequence[str], days: Sequence[str]) -> str:
    """The select list of some days, and of expressions under the names ``c0``, ``c1`` and so on."""
    columns = [f"CAST({name} AS INTEGER) AS {name}" for name in days]
    return ", ".join([*columns, *(f"{_narrow(text)} AS c{place}" for place, text in enumerate(expressions))])


def _narrow(expression: str) -> str:
    """Days in four bytes: most columns that are read are days."""
    return f"CAST({expression} AS INTEGER)" if expression.endswith(f", {FOREVER})") else expression


def number_column(expression: str) -> str:
    """A number that is NaN where there is none."""
    return f"coalesce(CAST(({expression}) AS DOUBLE), 'NaN'::DOUBLE)"


def entity_columns(expression: str, condition: str | None = None) -> list[str]:
    """The columns that distinguish rows of an account, null where that does not matter; ``row(a, b)`` names several.

    The relation numbers its tickets by account; a ticket that moved has a number in each account.
    """
    parts = _ROW.fullmatch(expression)
    names = [name.strip() for name in parts[1].split(",")] if parts else [expression]
    return ["ticket" if name == "ticket_id" else _where(name, condition) for name in names]


def _where(name: str, condition: str | None) -> str:
    return name if condition is None or _has_few_values(name) else f"CASE WHEN {condition} THEN {name} END"


def _has_few_values(column: str) -> bool:
    return any(column in table.few_values for table in TABLES.values())


def instant_column(stream: Stream) -> str:
    """The instant by which rows are compared for the latest."""
    return f"epoch_us(CAST({order_of_events(stream)} AS TIMESTAMP))"


def order_of_events(stream: Stream) -> str:
    """When a row happened in the order of a stream.

    An imported ticket has events before it was opened here; they come after its opening, which all tickets begin with.
    """
    return f"greatest({stream.at}, opened_at)" if stream.relation == "timeline" else stream.at
