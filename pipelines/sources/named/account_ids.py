"""A source's tables with the ids of accounts in place of its own ids of companies, and its links to them."""

from collections.abc import Sequence
from pathlib import Path

import duckdb

from features.contract import TABLES
from features.duckdb_connection import open_duckdb
from features.quoting import quote_name, quote_text
from features.source_table import SourceTable
from pipelines.sources.named.crosswalk import Companies, account_id_text

LINKS = "links"


def with_account_ids(
    tables: Sequence[SourceTable], own: Companies, crosswalk: Path, system: str, scratch: Path
) -> tuple[list[SourceTable], dict[str, int]]:
    """The tables as new Parquet files under ``scratch``, and how many rows of each were left out.

    A row of a company without an account is left out, and with a ticket its events. A row without a company stays.
    ``crosswalk`` is the file that ``match_companies`` wrote. The links of the matched companies are added as rows.
    """
    scratch.mkdir(parents=True, exist_ok=True)
    left: dict[str, int] = {}
    done: dict[str, SourceTable] = {}
    with open_duckdb(files=None) as connection:
        connection.execute(f"CREATE TABLE matched AS FROM read_parquet({quote_text(str(crosswalk))})")
        parents_first = sorted(tables, key=lambda table: "account_id" not in TABLES[table.name].names)
        for table in parents_first:
            done[table.name], left[table.name] = _rewrite(connection, table, done, scratch)
        if own.accounts is not None and LINKS not in done:
            done[LINKS] = _links(connection, own.accounts, system, scratch / "links.parquet")
    return list(done.values()), left


def _rewrite(
    connection: duckdb.DuckDBPyConnection, table: SourceTable, done: dict[str, SourceTable], scratch: Path
) -> tuple[SourceTable, int]:
    """One table; of its rows, those of a matched company, or of a ticket that was not left out."""
    target = scratch / f"{table.name}.parquet"
    company = account_id_text(connection, table)
    parent = TABLES[table.name].parent
    if company is not None:
        names = {name.lower(): name for name in table.types(connection)}
        own = quote_name(names["account_id"])
        rows = f"({table.select_all}) s LEFT JOIN matched m ON m.id = {company}"
        select = f"SELECT s.* REPLACE (m.account_id AS {own}) FROM {rows}"
        keep = f"{company} IS NULL OR m.account_id IS NOT NULL"
    elif parent is not None and parent.table in done:
        key = quote_name(parent.column)
        select = f"SELECT s.* FROM ({table.select_all}) s"
        keep = f"s.{key} IN (SELECT {key} FROM {done[parent.table].relation})"
    else:
        return table, 0
    connection.execute(f"COPY ({select} WHERE {keep}) TO {quote_text(str(target))} (FORMAT parquet)")
    ((rows,),) = connection.execute(f"SELECT count(*) FROM {table.relation}").fetchall()
    ((kept,),) = connection.execute(f"SELECT count(*) FROM read_parquet({quote_text(str(target))})").fetchall()
    result = SourceTable(
        table.name, (str(target),), {str(target): table.label}, table.unreadable_lines, untyped=table.untyped,
        notes=table.notes,
    )  # fmt: skip
    return result, rows - kept


def _links(connection: duckdb.DuckDBPyConnection, accounts: SourceTable, system: str, target: Path) -> SourceTable:
    """Where each matched account is found in this system, as rows of the table ``links``."""
    names = {name.lower(): name for name in accounts.types(connection)}
    url = f"CAST(s.{quote_name(names['url'])} AS VARCHAR)" if "url" in names else "CAST(NULL AS VARCHAR)"
    connection.execute(
        f"COPY (SELECT DISTINCT m.account_id, {quote_text(system)} AS system, m.id AS external_id, {url} AS url "
        f"FROM {accounts.relation} s JOIN matched m ON m.id = {account_id_text(connection, accounts)} ORDER BY ALL) "
        f"TO {quote_text(str(target))} (FORMAT parquet)"
    )
    return SourceTable(LINKS, (str(target),), {str(target): f"links of {system}"})
