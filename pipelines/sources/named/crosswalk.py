"""Which account a company of another system is: the crosswalk between a source and the source of the accounts.

A help desk counts organisations, a billing system customers, and each numbers them in its own way. A company is matched
with an account, in the order of the setting ``match_by``, by the table ``links``, by an equal id, by an external id, by
its domain, or by its name. A way that leads to two accounts leads to none: a wrong account is worse than no account.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import duckdb

from features.contract import ACCOUNTS
from features.duckdb_connection import open_duckdb
from features.quoting import quote_name, quote_text
from features.source_table import SourceTable
from features.validation.values.column_types import as_text, cast_column
from features.validation.values.reading_rules import without_empty_words
from pipelines.setting_sections.source_settings import SourceSettings

FREE_MAIL = (
    *("gmail.com", "googlemail.com", "outlook.com", "hotmail.com", "live.com", "yahoo.com", "icloud.com", "me.com"),
    *("aol.com", "gmx.de", "gmx.net", "web.de", "proton.me", "protonmail.com", "mail.ru", "qq.com", "163.com"),
)
"""Domains of mailboxes that anybody can have: they say nothing about a company."""

NEAR_SHOWN = 5
_LEGAL_FORMS = r"\b(inc|incorporated|llc|ltd|limited|gmbh|ag|corp|corporation|co|company|plc|sa|sas|bv|srl|pty)\b"


@dataclass(frozen=True)
class Companies:
    """The companies of a source: its table of accounts, and what its mapping says about their names elsewhere."""

    accounts: SourceTable | None = None
    crosswalk: SourceTable | None = None


@dataclass(frozen=True)
class NearMiss:
    """A company without an account, and accounts that it might be."""

    company: str
    name: str
    accounts: tuple[str, ...]
    reason: str


@dataclass(frozen=True)
class CrosswalkResult:
    """How the companies of a source were matched; ``by_way`` counts them, ``near`` are examples of near misses.

    ``rows_left_out`` are the rows of companies without an account, by table; ``same_ids`` is whether every match is
    between equal ids. ``tables`` are those that name the companies.
    """

    source: str
    companies: int
    by_way: dict[str, int]
    near: tuple[NearMiss, ...] = ()
    rows_left_out: dict[str, int] = field(default_factory=dict)
    same_ids: bool = False
    tables: tuple[str, ...] = ()

    @property
    def matched(self) -> int:
        """How many companies have an account."""
        return sum(self.by_way.values())

    @property
    def share(self) -> float:
        """The share of the companies that have an account; 1 where there are none."""
        return self.matched / self.companies if self.companies else 1.0


def match_companies(
    name: str,
    settings: SourceSettings,
    system: str,
    tables: Sequence[SourceTable],
    own: Companies,
    owner: Companies,
    links: Sequence[SourceTable],
    target: Path,
) -> CrosswalkResult:
    """Match the companies of the source ``name`` with the accounts of ``owner``, and write them to ``target``.

    ``tables`` are those of the source that name a company in ``account_id``. The Parquet file ``target`` has the
    columns ``id`` (the company's) and ``account_id``, one row for each company that has an account.
    """
    with open_duckdb(files=None) as connection:
        _create_inputs(connection, tables, own, owner, links, system)
        ways = ", ".join(f"({place}, {quote_text(way)})" for place, way in enumerate(settings.match_by))
        connection.execute(
            f"""
            CREATE TABLE found AS
            WITH ways(place, way) AS (VALUES {ways}),
            options AS (SELECT DISTINCT c.id, c.account_id, w.place, w.way FROM candidates c JOIN ways w USING (way)),
            first AS (SELECT id, min(place) AS place FROM options GROUP BY id)
            SELECT id, any_value(way) AS way, list(account_id ORDER BY account_id) AS accounts
            FROM options JOIN first USING (id, place) GROUP BY id
            """
        )
        connection.execute(
            f"COPY (SELECT id, accounts[1] AS account_id, way FROM found WHERE len(accounts) = 1 ORDER BY id) "
            f"TO {quote_text(str(target))} (FORMAT parquet)"
        )
        ((companies,),) = connection.execute("SELECT count(*) FROM ids").fetchall()
        counts = connection.execute(
            "SELECT way, count(*), bool_and(id = accounts[1]) FROM found JOIN ids USING (id) WHERE len(accounts) = 1 "
            "GROUP BY way"
        ).fetchall()
        same = all(equal for _, _, equal in counts) and own.crosswalk is None
        near = tuple(_near_misses(connection))
    by_way = {way: count for way, count, _ in counts}
    named = tuple(table.name for table in tables)
    return CrosswalkResult(name, companies, by_way, near, same_ids=same, tables=named)


def _create_inputs(
    connection: duckdb.DuckDBPyConnection,
    tables: Sequence[SourceTable],
    own: Companies,
    owner: Companies,
    links: Sequence[SourceTable],
    system: str,
) -> None:
    """Tables ``ids``, ``records``, ``targets`` and ``candidates`` of one way or another."""
    parts = [*tables, *([own.accounts] if own.accounts else [])]
    ids = " UNION ".join(
        f"SELECT {_column(connection, table, 'account_id')} AS id FROM {table.relation} s" for table in parts
    )
    connection.execute(
        f"CREATE TABLE ids AS SELECT DISTINCT id FROM ({ids or 'SELECT NULL AS id'}) WHERE id IS NOT NULL"
    )
    for relation, companies in (("records", own), ("targets", owner)):
        connection.execute(f"CREATE TABLE {relation} AS {_records(connection, companies)}")
    linked = " UNION ALL ".join(
        f"SELECT lower({_column(connection, table, 'system')}) AS system, "
        f"{_column(connection, table, 'external_id')} AS id, "
        f"coalesce({_column(connection, table, 'account_id')}, {_column(connection, table, 'record_id')}) "
        f"AS account_id "
        f"FROM {table.relation} s"
        for table in [*links, *([owner.crosswalk] if owner.crosswalk else [])]
    )
    empty = "SELECT '' AS system, '' AS id, '' AS account_id WHERE false"
    free = ", ".join(quote_text(domain) for domain in FREE_MAIL)
    connection.execute(
        f"""
        CREATE TABLE candidates AS
        WITH accounts AS (SELECT DISTINCT id FROM targets),
        linked AS ({linked or empty})
        SELECT l.id, l.account_id, 'links' AS way FROM linked l JOIN accounts a ON a.id = l.account_id
        WHERE l.system = {quote_text(system.lower())}
        UNION ALL
        SELECT i.id, i.id, 'same_id' FROM ids i JOIN accounts a USING (id)
        UNION ALL
        SELECT r.id, t.id, 'external_id' FROM records r JOIN targets t
        ON r.external_id = t.id OR r.external_id = t.external_id
        UNION ALL
        SELECT r.id, t.id, 'domain' FROM records r JOIN targets t ON r.domain = t.domain WHERE r.domain NOT IN ({free})
        UNION ALL
        SELECT r.id, t.id, 'name' FROM records r JOIN targets t ON r.plain_name = t.plain_name
        """
    )


def _records(connection: duckdb.DuckDBPyConnection, companies: Companies) -> str:
    """SQL of the companies: id, external id, domain, name; several rows of one that has several of them."""
    selects = []
    for table, key in ((companies.accounts, "account_id"), (companies.crosswalk, "record_id")):
        if table is None:
            continue
        columns = {name.lower() for name in table.types(connection)}
        domain = next((column for column in ("domain", "website") if column in columns), "domain")
        system, external = (_column(connection, table, name) for name in ("system", "external_id"))
        selects.append(
            f"SELECT {_column(connection, table, key)} AS id, "
            f"CASE WHEN {system} IS NULL THEN {external} END AS external_id, "
            f"{plain_domain(_column(connection, table, domain))} AS domain, "
            f"{_column(connection, table, 'name')} AS name FROM {table.relation} s"
        )
    rows = " UNION ALL ".join(selects) or "SELECT '' AS id, '' AS external_id, '' AS domain, '' AS name WHERE false"
    return f"SELECT DISTINCT *, {plain_name('name')} AS plain_name FROM ({rows}) WHERE id IS NOT NULL"


def _near_misses(connection: duckdb.DuckDBPyConnection) -> Iterator[NearMiss]:
    """Companies that lead to several accounts, and those without one whose name is an account's."""
    rows = connection.execute(
        f"""
        WITH names AS (SELECT id, any_value(name) AS name FROM records GROUP BY id),
        near AS (
            SELECT id, accounts, way || ' leads to several accounts' AS reason FROM found WHERE len(accounts) > 1
            UNION ALL
            SELECT c.id, list(DISTINCT c.account_id ORDER BY c.account_id), 'the name is an account''s'
            FROM candidates c WHERE c.way = 'name' AND c.id NOT IN (SELECT id FROM found) GROUP BY c.id
        )
        SELECT near.id, coalesce(name, ''), accounts[:3], reason
        FROM near JOIN ids USING (id) LEFT JOIN names USING (id)
        ORDER BY near.id LIMIT {NEAR_SHOWN}
        """
    ).fetchall()
    for company, name, accounts, reason in rows:
        yield NearMiss(company, name, tuple(accounts), reason)


def _column(connection: duckdb.DuckDBPyConnection, table: SourceTable, name: str) -> str:
    """SQL of a column as text; NULL where the table lacks it."""
    own = next(((own, kind) for own, kind in table.types(connection).items() if own.lower() == name), None)
    if own is None:
        return "CAST(NULL AS VARCHAR)"
    return without_empty_words(as_text(f"s.{quote_name(own[0])}", own[1]))


def account_id_text(connection: duckdb.DuckDBPyConnection, table: SourceTable) -> str | None:
    """SQL of the column ``account_id`` of a table as text; ``None`` where it has none."""
    types = {name.lower(): kind for name, kind in table.types(connection).items()}
    column = ACCOUNTS.column("account_id")
    if column.name not in types:
        return None
    return without_empty_words(cast_column(column, types[column.name]))


def plain_domain(text: str) -> str:
    """SQL of the domain of a web or mail address, without the ``www.`` and in lower case."""
    host = f"regexp_replace(lower(trim({text})), '^([a-z]+://)?([^/@]*@)?(www[.])?', '')"
    return f"nullif(regexp_replace({host}, '[/:?#].*$', ''), '')"


def plain_name(text: str) -> str:
    """SQL of a company's name without punctuation and its legal form, in lower case."""
    words = f"regexp_replace(lower({text}), '[^a-z0-9 ]', ' ', 'g')"
    return f"nullif(trim(regexp_replace(regexp_replace({words}, '{_LEGAL_FORMS}', ' ', 'g'), ' +', ' ', 'g')), '')"
