"""One proposed table: its query, the columns with their reasons, and what is uncertain."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from features.contract import TABLES
from features.quoting import quote_name
from pipelines.onboarding.choose_columns import ColumnChoice, Rejected


@dataclass
class TableProposal:
    """The query of one table of the contract; ``notes`` say what is uncertain about it."""

    target: str
    table: str
    columns: list[ColumnChoice]
    sql: str = ""
    notes: list[str] = field(default_factory=list)


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
