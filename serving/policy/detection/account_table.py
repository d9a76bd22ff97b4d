"""The accounts of a night as the policy reads them: one row per account, in one order, unknown values as null.

A decision must not depend on the order in which rows arrive, so they are sorted by account first. A number that is not
finite is read as unknown, like NULL in SQL.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from features.errors import RescueError

Numbers = np.ndarray[tuple[int], np.dtype[np.float64]]
Flags = np.ndarray[tuple[int], np.dtype[np.bool_]]
Places = np.ndarray[tuple[int], np.dtype[np.int64]]


class AccountTableError(RescueError):
    """The table does not have one row per account; the message names the account."""


@dataclass(frozen=True)
class AccountTable:
    """One row per account, ascending by ``account_id``; numbers that are not finite are null."""

    table: pa.Table

    @classmethod
    def of(cls, table: pa.Table) -> "AccountTable":
        """Sort and clean a table; refused where an ``account_id`` is missing or repeated.

        Of several columns with one name (a field of the account that is a feature too) the first is used.
        """
        if "account_id" not in table.column_names:
            raise AccountTableError("The accounts have no column account_id.")
        first = [table.column_names.index(name) for name in dict.fromkeys(table.column_names)]
        table = table.select(first)
        if not _ascends(table["account_id"]):
            table = table.sort_by("account_id")
        accounts = table["account_id"]
        if accounts.null_count:
            raise AccountTableError(f"{accounts.null_count} accounts have no account_id.")
        counts = pc.value_counts(accounts).flatten() if pc.count_distinct(accounts).as_py() < len(accounts) else None
        if counts is not None:
            repeated = counts[0].filter(pc.greater(counts[1], 1))[0].as_py()
            raise AccountTableError(f"The account {repeated} has more than one row.")
        return cls(_finite(table))

    def __len__(self) -> int:
        return int(self.table.num_rows)

    @cached_property
    def account_ids(self) -> list[str]:
        """The account ids, ascending; a place is an index into this list."""
        ids: list[str] = self.table["account_id"].to_pylist()
        return ids

    @cached_property
    def place(self) -> dict[str, int]:
        """Account id -> its place."""
        return {account: index for index, account in enumerate(self.account_ids)}

    def numbers(self, name: str) -> Numbers:
        """A column as float64, NaN where unknown or where there is no such column."""
        if name not in self.table.column_names:
            return np.full(len(self), np.nan)
        column = pc.cast(self.table[name], pa.float64())
        return np.asarray(pc.fill_null(column, float("nan")).to_numpy(), dtype=np.float64)

    def texts(self, name: str) -> list[str | None]:
        """A column of text, None where unknown or where there is no such column."""
        if name not in self._texts:
            missing = name not in self.table.column_names
            self._texts[name] = [None] * len(self) if missing else self.table[name].to_pylist()
        return self._texts[name]

    @cached_property
    def _texts(self) -> dict[str, list[str | None]]:
        """The columns that were read as text, which several steps of a decision need."""
        return {}

    def are(self, name: str, *texts: str) -> Flags:
        """Where a column has one of these texts; nowhere without the column."""
        if name not in self.table.column_names:
            return np.zeros(len(self), dtype=np.bool_)
        column = self.table[name].cast(pa.string())
        return np.asarray(pc.is_in(column, value_set=pa.array(texts, pa.string())).to_numpy(), dtype=np.bool_)

    def take(self, places: Sequence[int] | Places) -> "AccountTable":
        """The accounts at these places, in this order."""
        return AccountTable(self.table.take(pa.array(places, pa.int64())))


def _ascends(ids: pa.ChunkedArray) -> bool:
    """Whether the rows are in the order of their ids already: most frames are, and sorting all columns takes long."""
    texts = ids.cast(pa.string())
    return not ids.null_count and pc.all(pc.less_equal(texts[:-1], texts[1:])).as_py() is not False


def _finite(table: pa.Table) -> pa.Table:
    for index, field in enumerate(table.schema):
        if pa.types.is_floating(field.type) and not pc.all(pc.is_finite(table.column(index))).as_py():
            column = table.column(index)
            known = pc.if_else(pc.is_finite(column), column, pa.scalar(None, field.type))
            table = table.set_column(index, field.name, known)
    return table
