"""Rows whose account or ticket is gone since the last nights: the cause is the table that lost it, and is named first.

A truncated export of accounts leaves every other table with rows of unknown accounts. A message about these tables
would send the reader to the wrong file.
"""

from collections.abc import Mapping, Sequence
from statistics import median

from features.contract import PARENTS, TABLES
from features.errors import DataGateError
from features.validation.rules import Rule
from features.validation.tolerance import Tolerance
from features.validation.validation_report import TableReport, ValidationReport
from features.validation.volume import NIGHTS


def refuse_lost_parents(report: ValidationReport, earlier: Sequence[Mapping[str, int]], limits: Tolerance) -> None:
    """Do nothing unless a table has lost more rows than its tolerance, and rows of other tables belonged to them.

    Raises:
        DataGateError: it has; the sentence says by how much it fell, what that concerns, and what to do.
    """
    for parent in (name for name in PARENTS if name in report.tables):
        counts = [night[parent] for night in earlier if night.get(parent)][-NIGHTS:]
        rows, usual = report.tables[parent].rows, median(counts) if counts else 0
        limit = limits.of_table(parent)
        children = [
            table
            for table in report.tables.values()
            if _belongs_to(table, parent) and _unknown(table) > limits.of_table(table.name) * table.rows
        ]
        if children and rows < (1 - limit) * usual:
            concerned = ", ".join(f"{_unknown(table):,} of {table.rows:,} rows of {table.name}" for table in children)
            raise DataGateError(
                f"{parent} fell by {1 - rows / usual:.0%} (from {usual:,.0f} to {rows:,} rows), and {concerned} belong "
                f"to {parent} that are gone: the export of {parent} looks cut off. Export it again, or accept the fall "
                f"in rescue.toml: [tolerance] {parent} = {min(1.0, round(1 - rows / usual + 0.01, 2)):g}."
            )


def _belongs_to(table: TableReport, parent: str) -> bool:
    reference = TABLES[table.name].parent
    return reference is not None and reference.table == parent


def _unknown(table: TableReport) -> int:
    return table.quarantined.get(Rule.UNKNOWN_ACCOUNT, 0)
