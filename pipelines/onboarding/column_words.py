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

CREATION_WORDS: tuple[str, ...] = tuple(_LISTS["creation_words"])
"""Parts of names of dates on which an account began, where the name as a whole is not known."""

OTHER_DATE_WORDS: tuple[str, ...] = tuple(_LISTS["other_date_words"])
"""Parts of names of dates that are another day of an account's life."""

TABLE_PREFIXES: dict[str, tuple[str, ...]] = {table: tuple(words) for table, words in _LISTS["prefixes"].items()}
"""Words that a table's columns may begin with, as in ``ticket_priority``."""

ROW_KEYS: dict[str, str] = dict(_LISTS["keys"])
"""By table, the column that is different in every row."""

MARKS: dict[str, frozenset[str]] = {table: frozenset(names) for table, names in _LISTS["marks"].items()}
"""By table, columns that say that it is this one, where its name does not."""

NEEDED_COLUMNS: dict[str, tuple[str, ...]] = {table: tuple(names) for table, names in _LISTS["needed"].items()}
"""Required columns without which a table is another one, where some of the contract's can be derived."""


_LONG = {
    "nm": "name", "no": "number", "nr": "number", "num": "number", "nbr": "number", "nummer": "number",
    "ref": "reference", "cust": "customer", "acct": "account", "acc": "account", "kd": "kunden", "co": "company",
    "dt": "date", "prio": "priority", "desc": "description",
}  # fmt: skip


def long_name(plain: str) -> str:
    """A normal name with its usual abbreviations written out.

    >>> long_name("client_no"), long_name("company_nm"), long_name("kd_nr")
    ('client_number', 'company_name', 'kunden_number')
    """
    return "_".join(_LONG.get(word, word) for word in plain.split("_"))


def names_account(name: str) -> bool:
    """Whether a column's name says that it is a customer's id or name.

    >>> names_account("Cust Ref"), names_account("Client No."), names_account("Colour")
    (True, True, False)
    """
    return _account_place(name) is not None


def account_name_place(name: str) -> int:
    """The place of a name in the list of those of accounts, the most certain first; behind them where it is none."""
    place = _account_place(name)
    return len(ACCOUNT_KEYS) if place is None else place


def _account_place(name: str) -> int | None:
    plain = normal_name(name)
    return next((ACCOUNT_KEYS.index(form) for form in (plain, long_name(plain)) if form in ACCOUNT_KEYS), None)


def normal_name(name: str) -> str:
    """A column's name in lower case with ``_`` between its words.

    >>> normal_name("Date/Time Opened"), normal_name("AccountID"), normal_name("Amount (EUR)")
    ('date_time_opened', 'account_id', 'amount')
    >>> normal_name("properties__createdate"), normal_name("Health_Score__c")
    ('createdate', 'health_score')
    >>> normal_name("Case#"), normal_name("#")
    ('case_number', 'number')
    """
    plain = re.sub(r"\(.*?\)|\[.*?\]", " ", name).replace("#", " number ")
    plain = re.sub(r"([a-z0-9])([A-Z])", r"\1_\2", plain)
    plain = re.sub(r"([A-Z]+)([A-Z][a-z])", r"\1_\2", plain)
    words = re.sub(r"[^0-9a-zäöüß]+", "_", plain.lower()).strip("_")
    words = words.replace("ä", "ae").replace("ö", "oe").replace("ü", "ue").replace("ß", "ss")
    return re.sub(r"^(propert(y|ies)|fields|attributes|sf|custom|cf)_+", "", re.sub(r"_+c$", "", words))
