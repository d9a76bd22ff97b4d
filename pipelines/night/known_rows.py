"""Rows of a table as they were known at each of several cutoffs, by one query."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc

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
