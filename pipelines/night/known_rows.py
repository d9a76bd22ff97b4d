"""Rows of a table as they were known at each of several cutoffs, by one query."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import TYPE_CHECKING

import pyarrow as pa

from features.contract import TABLES
from features.history.versions import known_day, version_key, version_order

if TYPE_CHECKING:
    from features.history.history import History


def known_rows(
    history: History, cutoffs: Sequence[date], name: str, columns: Sequence[str], select: str, *, where: str = "TRUE"
) -> pa.Table:
    """The answer to a select from ``known``: the rows of a table, as known at each cutoff (``as_of``).

    ``where`` is a condition on a single version. It saves time where ``select`` leaves out every row that does not
    meet it: records without such a version are not read.
    """
    table, read = TABLES[name], ", ".join(columns)
    days = ", ".join(f"(DATE '{day.isoformat()}')" for day in cutoffs)
    newer = (
        f"lead({known_day(table)}) OVER (PARTITION BY {version_key(table)} ORDER BY {version_order(table, columns)})"
    )
    key = f"hash({version_key(table)})"  # records with an equal hash are read too, which changes nothing
    records = name if where == "TRUE" else f"{name} WHERE {key} IN (SELECT {key} FROM {name} WHERE {where})"
    return history.query(f"""
        WITH version AS (SELECT {read}, {known_day(table)} AS known_on, {newer} AS newer_on FROM {records}),
        known AS (
            SELECT as_of, {read} FROM version JOIN (VALUES {days}) AS cutoff(as_of)
            ON known_on < as_of AND (newer_on IS NULL OR newer_on >= as_of)
        )
        {select}
    """)
