"""Rows of accounts that the source does not have, and whether their ids are only written differently.

Two things look alike: accounts that left and were purged from the CRM, whose history stays in other tables; and ids
that another system writes with a prefix, without zeros, or in another case. The first is normal, and is reported once.
The second loses rows of accounts that exist, so it is recognised by comparing ids in simpler forms.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import duckdb

from features.contract import OF_ACCOUNT, TABLES
from features.quoting import quote_text
from features.validation.rules import Rule

UNKNOWN_EXAMPLES = 3
"""Ids that are shown for each way to write them."""

_PLAIN = r"regexp_replace(lower(trim({0})), '(^|[^0-9])0+([0-9])', '\1\2', 'g')"

WAYS = {
    "spaces around it": "trim({0})",
    "upper and lower case": "lower(trim({0}))",
    "leading zeros": _PLAIN,
    "the last three characters of an 18-character id": (
        "CASE WHEN length(trim({0})) IN (15, 18) THEN left(trim({0}), 15) END"
    ),
    "a prefix": f"nullif(regexp_extract({_PLAIN}, '[0-9]+$'), '')",
    "a prefix and a separator": f"nullif(regexp_extract({_PLAIN}, '[^:/|_ -]+$'), '')",
}
"""In what two ids may differ although they mean one account, and SQL of an id without it; the likeliest first."""

_CASES = {"upper": str.upper, "lower": str.lower}

PREFIXES = ("a prefix", "a prefix and a separator")
"""Differences of which only one of two ids may have anything: ``OLD-7`` is not ``A-7``, but ``7`` may be."""


_NEAR_WITH_ROWS = (
    "SELECT id, account, difference, sum(n)::BIGINT AS rows FROM near_ids JOIN unknown_ids USING (id) GROUP BY ALL"
)


@dataclass(frozen=True)
class NearMiss:
    """An id that no account has, the account that it probably means, in what they differ, and its rows."""

    id: str
    account: str
    difference: str
    rows: int


@dataclass(frozen=True)
class UnknownAccounts:
    """The ids that no account has, and their rows by table; ``near`` are examples of ids that are written differently.

    ``near_ids`` counts all of these ids, and ``near_rows`` their rows by table. ``quarantined`` counts the ids of
    accounts that the source has, but only in rows that are in quarantine, by the rule that these break;
    ``quarantined_examples`` are some of them.
    """

    ids: int = 0
    rows: Mapping[str, int] = field(default_factory=dict)
    near: tuple[NearMiss, ...] = ()
    near_ids: int = 0
    near_rows: Mapping[str, int] = field(default_factory=dict)
    quarantined: Mapping[str, int] = field(default_factory=dict)
    quarantined_examples: tuple[str, ...] = ()

    @property
    def quarantined_ids(self) -> int:
        """How many of the ids are those of accounts in quarantine."""
        return sum(self.quarantined.values())

    def as_json(self) -> dict[str, Any]:
        """Plain JSON values."""
        return asdict(self)


def describe_correction(table: str, unknown: UnknownAccounts) -> str:
    """What to do where most unknown ids of a table are only written differently: accepting them would lose accounts."""
    near = unknown.near[0]
    cases = {it.account for it in unknown.near if it.difference == near.difference}
    function = next((name for name, write in _CASES.items() if all(write(it) == it for it in cases)), None)
    if near.difference == "upper and lower case" and function:
        how = f"write {function}(…) around the account's id in the query {table}.sql of a mapping, or in the export"
    else:
        how = f"write them as in accounts, in the export or in the query {table}.sql of a mapping"
    return (
        f"These are ids of accounts that are written differently ({near.id!r} is probably {near.account!r}, which "
        f"differs by {near.difference}): {how}."
    )


def find_unknown_accounts(
    connection: duckdb.DuckDBPyConnection, tables: Sequence[str], *, has_quarantined: bool = False
) -> UnknownAccounts:
    """The ids of rejected rows of these tables that no account has, compared with the accepted accounts.

    ``has_quarantined`` is whether there is a table ``quarantined_accounts`` (see ``quarantined_rows``).
    """
    names = [name for name in tables if TABLES[name].parent == OF_ACCOUNT]
    rule = quote_text(Rule.UNKNOWN_ACCOUNT)
    parts = [
        f"SELECT {quote_text(name)} AS name, value AS id, count(*) AS n FROM rejected_{name} "
        f"WHERE rule = {rule} AND value IS NOT NULL GROUP BY value"
        for name in names
    ]
    if not parts:
        return UnknownAccounts()
    cursor = connection.cursor()
    cursor.execute(f"CREATE OR REPLACE TEMP TABLE unknown_ids AS {' UNION ALL '.join(parts)}")
    rows = dict(cursor.execute("SELECT name, sum(n)::BIGINT FROM unknown_ids GROUP BY name ORDER BY name").fetchall())
    if not rows:
        return UnknownAccounts()
    ids = cursor.execute("SELECT count(DISTINCT id) FROM unknown_ids").fetchall()[0][0]
    cursor.execute(f"CREATE OR REPLACE TEMP TABLE near_ids AS {_near_ids()}")
    near_rows = cursor.execute(
        "SELECT name, sum(n)::BIGINT FROM unknown_ids JOIN near_ids USING (id) GROUP BY name ORDER BY name"
    )
    by_table = dict(near_rows.fetchall())
    near_ids = cursor.execute("SELECT count(*) FROM near_ids").fetchall()[0][0]
    examples = cursor.execute(
        f"SELECT * FROM ({_NEAR_WITH_ROWS}) "
        f"QUALIFY row_number() OVER (PARTITION BY difference ORDER BY rows DESC, id) <= {UNKNOWN_EXAMPLES} "
        "ORDER BY difference, rows DESC, id"
    ).fetchall()
    near = tuple(NearMiss(*example) for example in examples)
    return UnknownAccounts(ids, rows, near, near_ids, by_table, *(_quarantined(cursor) if has_quarantined else ()))


def _quarantined(cursor: duckdb.DuckDBPyConnection) -> tuple[Mapping[str, int], tuple[str, ...]]:
    """Of the unknown ids those of accounts in quarantine: their number by rule, and the first of them."""
    found = cursor.execute(
        "SELECT rule, id FROM quarantined_accounts SEMI JOIN unknown_ids USING (id) ORDER BY rule, id"
    ).fetchall()
    return Counter(rule for rule, _ in found), tuple(id for _, id in found[:UNKNOWN_EXAMPLES])


def _near_ids() -> str:
    """SQL of the unknown ids that equal one account's id in a simpler form, by the likeliest difference."""
    places, names = range(len(WAYS)), ", ".join(map(quote_text, WAYS))
    prefixes = ", ".join(str(place) for place, name in zip(places, WAYS, strict=True) if name in PREFIXES)

    def forms(column: str, rows: str) -> str:
        simpler = enumerate(form.format(column) for form in WAYS.values())
        selects = (f"SELECT {column}, {form} AS form, {place} AS place FROM {rows}" for place, form in simpler)
        return " UNION ALL ".join(selects)

    accounts = (
        f"SELECT form, place, any_value(account_id) AS account FROM ({forms('account_id', 'accepted_accounts')}) "
        "GROUP BY form, place HAVING count(*) = 1 AND form IS NOT NULL"
    )
    unknown = forms("id", "(SELECT DISTINCT id FROM unknown_ids) AS u")
    bare = f"form IN ({_PLAIN.format('id')}, {_PLAIN.format('account')})"
    return (
        f"SELECT id, account, [{names}][place + 1] AS difference "
        f"FROM ({unknown}) JOIN ({accounts}) USING (form, place) "
        f"WHERE place NOT IN ({prefixes}) OR {bare} QUALIFY row_number() OVER (PARTITION BY id ORDER BY place) = 1"
    )
