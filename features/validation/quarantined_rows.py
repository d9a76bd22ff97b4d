"""Whose rows are in quarantine: the keys of example rows, and the accounts that other tables then do not find.

A row is known by its place, "row 152 of accounts.sql". For the rows of a query that is no place at all, and an account
whose two rows conflict looks as if it had left. So the keys of these few rows are read again.
"""

from collections.abc import Sequence
from dataclasses import replace

import duckdb

from features.quoting import quote_name, quote_text
from features.validation.duplicates import DUPLICATE
from features.validation.incoming_table import IncomingTable
from features.validation.validation_report import QuarantinedRow

MOST_ROWS = 1_000_000
"""Rows of a table above which the keys of examples are not read: it would take longer than they are worth."""

QUARANTINED_ACCOUNTS = "quarantined_accounts"
"""The table of the ids of accounts of which no row was accepted, although the source has some: ``id``, ``rule``."""

_SAME_ROW = 'r.file = s.filename AND r."row" = s.file_row_number + 1'


def with_keys(
    incoming: IncomingTable, files: Sequence[str | None], examples: Sequence[QuarantinedRow], rows: int
) -> tuple[QuarantinedRow, ...]:
    """The examples with the value of the column that identifies each row; ``files`` are their files."""
    table = incoming.table
    own = table.own_id if table.own_id in incoming.types else table.key[0]
    pairs = [(file, bad) for file, bad in zip(files, examples, strict=True) if file and bad.column not in (None, own)]
    places = {(file, bad.row) for file, bad in pairs}
    if not places or incoming.source.view or rows > MOST_ROWS:
        return tuple(examples)
    listed = ", ".join(f"({quote_text(file)}, {row})" for file, row in sorted(places))
    try:
        found = incoming.cursor.execute(
            f'SELECT r.file, r."row", CAST({incoming.columns[own or table.key[0]]} AS VARCHAR) '
            f'FROM {incoming.source.relation} s JOIN (VALUES {listed}) r(file, "row") ON {_SAME_ROW}'
        ).fetchall()
    except duckdb.Error:
        return tuple(examples)  # a file was damaged since its rows were validated, which are kept
    keys = {(file, row): f"{own} {key!r}" for file, row, key in found if key is not None and key.isprintable()}
    return tuple(replace(bad, key=keys.get((file or "", bad.row))) for file, bad in zip(files, examples, strict=True))


def find_quarantined_accounts(incoming: IncomingTable) -> None:
    """Create ``quarantined_accounts`` from the rows of accounts in quarantine, once the others are accepted.

    Not on a cluster, which would read the table again for it.
    """
    if incoming.source.view:
        return
    key = incoming.columns[incoming.table.key[0]]
    rejected = f"(SELECT * FROM {incoming.rejected} WHERE rule <> {quote_text(DUPLICATE)} AND file IS NOT NULL)"
    ids = f"SELECT {key} AS id, min(r.rule) AS rule FROM {incoming.source.relation} s JOIN {rejected} r ON {_SAME_ROW}"
    some = incoming.number(f"SELECT count(*) FROM {rejected}")
    accepted = f"ANTI JOIN accepted_{incoming.table.name} a ON a.{quote_name(incoming.table.key[0])} = q.id"
    rows = f"SELECT * FROM ({ids} GROUP BY 1) q {accepted} WHERE id IS NOT NULL"
    nobody = "SELECT CAST(NULL AS VARCHAR) AS id, CAST(NULL AS VARCHAR) AS rule WHERE false"
    incoming.cursor.execute(f"CREATE OR REPLACE TABLE {QUARANTINED_ACCOUNTS} AS {rows if some else nobody}")
