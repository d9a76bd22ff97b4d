"""The SQL of what a measure needs from each row: flags, numbers, ranks and orders, as columns without nulls."""

import re

from features.contract import TABLES
from features.history import History
from features.measures import Aggregate, Stream
from features.relations import day_of, ties_of

_WORD = re.compile(r"'[^']*'|([a-z_]+)")
_DAYS = frozenset({"newest", "oldest", "ahead"})
_TABLES = {"timeline": ("tickets", "ticket_events")}


def needed(part: Aggregate) -> list[str]:
    """The columns that a measure needs of its rows."""
    stream = part.stream
    texts = [day_of(stream.at)]
    texts += [flag(text) for text in (stream.only, part.where) if text]
    texts += [day_of(stream.until)] if stream.until else []
    texts += [instant(stream), *ties_of(stream.relation)] if stream.pick else []
    texts += [entity(stream.by)] if stream.pick and stream.by and stream.by != "account" else []
    texts += [entity(part.by)] if part.by else []
    return texts + ([operand(part)] if part.of else [])


def operand(part: Aggregate) -> str:
    """The column that is summed, compared or told apart."""
    text = part.of or ""
    if part.how in _DAYS:
        return day_of(text)
    if part.how == "distinct":
        return entity(text, f"({part.stream.only or True}) AND ({part.where or True})")
    return text if part.how == "text" else number(text)


def lacking(part: Aggregate, history: History) -> bool:
    """Whether the measure speaks of a column that its source does not have: then there is nothing to say."""
    stream = part.stream
    texts = (stream.at, stream.only, stream.by, stream.until, part.of, part.where, part.by)
    words = {word for text in texts if text for word in _WORD.findall(text)}
    tables = _TABLES.get(stream.relation, (stream.relation,))
    return any(
        word in TABLES[table].names and word not in history.columns[table]
        for table in tables
        for word in words - {"account_id"}
        if not any(word in history.columns[other] for other in tables)
    )


def flag(expression: str) -> str:
    """A condition that is false where it is unknown."""
    return f"coalesce(CAST(({expression}) AS BOOLEAN), false)"


def number(expression: str) -> str:
    """A number that is NaN where there is none."""
    return f"coalesce(CAST(({expression}) AS DOUBLE), 'NaN'::DOUBLE)"


def entity(expression: str, among: str | None = None) -> str:
    """What tells rows of an account apart, and nothing where that does not matter.

    The relation numbers its tickets, and a ticket has one account at a time.
    """
    if expression == "ticket_id":
        return "ticket"
    return f"CASE WHEN {among} THEN {expression} END" if among else expression


def instant(stream: Stream) -> str:
    """The moment by which rows are compared for the latest."""
    return f"epoch_us(CAST({stream.at} AS TIMESTAMP))"
