"""Names that columns have in other systems, by table and column; the lists are in ``column_words.toml``."""

import re
import tomllib
from importlib.resources import files

_LISTS = tomllib.loads((files("pipelines.onboarding") / "column_words.toml").read_text("utf-8"))

ACCOUNT_KEYS: tuple[str, ...] = tuple(_LISTS["account_keys"])
"""Names of the column that says whose row it is."""

WORDS: dict[str, dict[str, tuple[str, ...]]] = {
    table: {column: tuple(names) for column, names in columns.items()} for table, columns in _LISTS["columns"].items()
}
"""By table and column, the names of columns elsewhere, the most certain first.

``domain``, ``mrr``, ``solved``, ``closed`` and ``escalated`` are no columns of the contract: they become rows of the
crosswalk, a yearly revenue and events.
"""

TABLE_PREFIXES: dict[str, tuple[str, ...]] = {table: tuple(words) for table, words in _LISTS["prefixes"].items()}
"""Words that a table's columns may begin with, as in ``ticket_priority``."""

ROW_KEYS: dict[str, str] = dict(_LISTS["keys"])
"""By table, the column that is different in every row."""

MARKS: dict[str, frozenset[str]] = {table: frozenset(names) for table, names in _LISTS["marks"].items()}
"""By table, columns that say that it is this one, where its name does not."""

NEEDED_COLUMNS: dict[str, tuple[str, ...]] = {table: tuple(names) for table, names in _LISTS["needed"].items()}
"""Required columns without which a table is another one, where some of the contract's can be derived."""


def normal_name(name: str) -> str:
    """A column's name in lower case with ``_`` between its words.

    >>> normal_name("Date/Time Opened"), normal_name("AccountID"), normal_name("Amount (EUR)")
    ('date_time_opened', 'account_id', 'amount')
    >>> normal_name("properties__createdate"), normal_name("Health_Score__c")
    ('createdate', 'health_score')
    """
    plain = re.sub(r"\(.*?\)|\[.*?\]", " ", name)
    plain = re.sub(r"([a-z0-9])([A-Z])", r"\1_\2", plain)
    plain = re.sub(r"([A-Z]+)([A-Z][a-z])", r"\1_\2", plain)
    words = re.sub(r"[^0-9a-zäöüß]+", "_", plain.lower()).strip("_")
    words = words.replace("ä", "ae").replace("ö", "oe").replace("ü", "ue").replace("ß", "ss")
    return re.sub(r"^(propert(y|ies)|fields|attributes|sf|custom|cf)_+", "", re.sub(r"_+c$", "", words))
