"""Rows of a table as they were known at each of several cutoffs, by one query."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc

from features.arrow import number_array
from features.contract import TABLES
from features.history.versions import known_day, version_key, version_order

if TYPE_CHECKING:
    from features.history.history import History
    from features.history.repeated_keys import RepeatedKeys


def known_rows(
    history: History, cutoffs: Sequence[date], name: str, columns: Sequence[str], select: str, *, where: str = "TRUE"
) -> pa.Table:
    """The answer to a select from ``known``: the rows of a table, as known at each cutoff (``as_of``).

    ``where`` is a condition on a single version. It saves time where ``select`` leaves out every row that does not
    meet it: records without such a version are not read.
    """
    read = ", ".join(columns)
    days = ", ".join(f"(DATE '{day.isoformat()}')" for day in cutoffs)
    return history.query(f"""
        WITH version AS ({_versions(history, name, columns, where)}),
        known AS (
            SELECT as_of, {read} FROM version JOIN (VALUES {days}) AS cutoff(as_of)
            ON known_on < as_of AND (newer_on IS NULL OR newer_on >= as_of)
        )
        {select}
    """)


def _versions(history: History, name: str, columns: Sequence[str], where: str) -> str:
    """The SQL of every version of the rows, with the days on which it and its successor became known.

    Where validation has found that hardly any record has several versions, only these are sorted.
    """
    table, read = TABLES[name], ", ".join(columns)
    key = f"hash({version_key(table)})"
    known = f"SELECT {read}, {known_day(table)} AS known_on"
    newer = (
        f"lead({known_day(table)}) OVER (PARTITION BY {version_key(table)} ORDER BY {version_order(table, columns)})"
    )
    if where != "TRUE":  # records with an equal hash are read too, which changes nothing
        return f"{known}, {newer} AS newer_on FROM {name} WHERE {key} IN (SELECT {key} FROM {name} WHERE {where})"
    repeated = history.repeated_keys.get(name)
    if repeated is None or not repeated.few or table.own_id is not None:
        return f"{known}, {newer} AS newer_on FROM {name}"
    single = f"{known}, CAST(NULL AS DATE) AS newer_on FROM {name}"
    if not len(repeated.hashes):
        return single
    several = history.cached(f"repeated_{name}_keys", lambda: _key_table(history, name, repeated))
    return (
        f"{single} WHERE {key} NOT IN (SELECT key FROM {several}) UNION ALL "
        f"{known}, {newer} AS newer_on FROM {name} WHERE {key} IN (SELECT key FROM {several})"
    )


def _key_table(history: History, name: str, repeated: RepeatedKeys) -> str:
    """The name of a table with the hashes of the records of ``name`` that have several versions."""
    keys = f"several_versions_of_{name}"
    history.create_table(keys, pa.table({"key": number_array(repeated.hashes)}))
    return keys


def account_contacts(history: History, cutoff: date) -> pa.Table:
    """The people at all accounts as known at the cutoff, without those who have left their company.

    Columns: account_id, contact_id, name, role, mail, phone. It is personal data: nothing of it is logged.
    """
    rows = history.as_of(cutoff).rows("contacts")
    left = rows["left_at"] if "left_at" in rows.column_names else None
    if left is not None:
        midnight = pa.scalar(datetime(cutoff.year, cutoff.month, cutoff.day), left.type)  # noqa: DTZ001 - naive UTC
        rows = rows.filter(pc.fill_null(pc.greater_equal(left, midnight), True))
    names = {"account_id": "account_id", "contact_id": "contact_id", "name": "name", "role": "role"}
    names |= {"email": "mail", "phone": "phone"}
    columns = {target: rows[source].cast(pa.string()) for source, target in names.items()}
    return pa.table(columns)
