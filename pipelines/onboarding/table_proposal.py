"""One proposed table: its query, the columns with their reasons, and what is uncertain."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from features.contract import TABLES
from features.quoting import quote_name
from pipelines.onboarding.choose_columns import ColumnChoice, Rejected
from pipelines.onboarding.profile_tables import TableProfile


@dataclass
class TableProposal:
    """The query of one table of the contract.

    ``notes`` say what is uncertain about it, ``left_out`` are columns of its table that no query reads.
    """

    target: str
    table: str
    columns: list[ColumnChoice]
    sql: str = ""
    notes: list[str] = field(default_factory=list)
    left_out: list[str] = field(default_factory=list)


@dataclass
class TablesProposal:
    """The tables that are proposed for a source, what was not used, and whether companies are matched by name."""

    tables: list[TableProposal] = field(default_factory=list)
    unused: list[tuple[str, str]] = field(default_factory=list)
    by_name: bool = False


@dataclass(frozen=True)
class Candidate:
    """A table of the source that may be one of the contract, with the columns that fit and those that do not."""

    target: str
    table: str
    choices: dict[str, ColumnChoice]
    rejected: list[Rejected]
    score: int


def list_left_out(made: Sequence[TableProposal], tables: Mapping[str, TableProfile]) -> None:
    """List for each table of the source, at the first query that reads it, the columns that no query reads."""
    seen: set[str] = set()
    for first in made:
        if first.table in seen:
            continue
        seen.add(first.table)
        queries = "\n".join(it.sql for it in made if it.table == first.table)
        first.left_out = [name for name in tables[first.table].columns if not _reads(queries, name)]


def _reads(queries: str, column: str) -> bool:
    """Whether queries read a column of their own table: as ``a.`` and after AS, the name is another's."""
    return re.search(rf"(?<!a\.)(?<!AS ){re.escape(quote_name(column))}", queries) is not None


def select_lines(columns: Sequence[ColumnChoice], table: str) -> str:
    """A SELECT with a line for each column and the reason for its choice."""
    lines = []
    for place, choice in enumerate(columns):
        comma = "," if place < len(columns) - 1 else ""
        lines.append(f"    {choice.sql} AS {quote_name(choice.target)}{comma}  -- {choice.reason}")
    return "SELECT\n" + "\n".join(lines) + f"\nFROM {quote_name(table)} AS t"


def plain_query(candidate: Candidate, choices: dict[str, ColumnChoice], notes: list[str]) -> TableProposal:
    """The table with the chosen columns in the contract's order."""
    names = TABLES[candidate.target].names
    columns = [choices[name] for name in names if name in choices]
    sql = select_lines(columns, candidate.table)
    return TableProposal(candidate.target, candidate.table, columns, sql, notes)
