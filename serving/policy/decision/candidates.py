"""The candidates of a night, made fit to decide on: one row an account, in one order, with unknowns as unknowns.

A decision must not depend on the order in which rows arrive, so they are sorted by account first. A number that is not
finite says nothing, so it is read as unknown, as SQL's NULL.
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


class CandidatesError(RescueError):
    """The candidates handed to the policy are not one row an account; the message says which."""


@dataclass(frozen=True)
class Candidates:
    """One row an account, ascending by ``account_id``; numbers that are not finite are null."""

    table: pa.Table

    @classmethod
    def of(cls, table: pa.Table) -> "Candidates":
        """Sort and clean a table of candidates; refused where an account is missing or there twice.

        Of columns with one name (an account's field that is a feature too) the first is kept.
        """
        if "account_id" not in table.column_names:
            raise CandidatesError("The candidates have no column account_id.")
        first = [table.column_names.index(name) for name in dict.fromkeys(table.column_names)]
        table = table.select(first).sort_by("account_id")
        accounts = table["account_id"]
        if accounts.null_count:
            raise CandidatesError(f"{accounts.null_count} candidates have no account_id.")
        counts = pc.value_counts(accounts).flatten() if pc.count_distinct(accounts).as_py() < len(accounts) else None
        if counts is not None:
            twice = counts[0].filter(pc.greater(counts[1], 1))[0].as_py()
            raise CandidatesError(f"The account {twice} is there more than once among the candidates.")
        return cls(_finite(table))

    def __len__(self) -> int:
        return int(self.table.num_rows)

    @cached_property
    def accounts(self) -> list[str]:
        """The account ids, ascending; a place is an index into this list."""
        found: list[str] = self.table["account_id"].to_pylist()
        return found

    @cached_property
    def place(self) -> dict[str, int]:
        """Account id -> its place."""
        return {account: index for index, account in enumerate(self.accounts)}

    def numbers(self, name: str) -> Numbers:
        """A column as float64, NaN where unknown or where there is no such column."""
        if name not in self.table.column_names:
            return np.full(len(self), np.nan)
        column = pc.cast(self.table[name], pa.float64())
        return np.asarray(pc.fill_null(column, float("nan")).to_numpy(), dtype=np.float64)

    def texts(self, name: str) -> list[str | None]:
        """A column of text, None where unknown or where there is no such column."""
        if name not in self.table.column_names:
            return [None] * len(self)
        found: list[str | None] = self.table[name].to_pylist()
        return found

    def take(self, places: Sequence[int] | Places) -> "Candidates":
        """The candidates at these places, in this order."""
        return Candidates(self.table.take(pa.array(places, pa.int64())))


def _finite(table: pa.Table) -> pa.Table:
    for index, field in enumerate(table.schema):
        if pa.types.is_floating(field.type) and not pc.all(pc.is_finite(table.column(index))).as_py():
            column = table.column(index)
            known = pc.if_else(pc.is_finite(column), column, pa.scalar(None, field.type))
            table = table.set_column(index, field.name, known)
    return table
