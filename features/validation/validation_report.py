"""The report of validation: rows in = accepted + duplicates + quarantined, for every table, with examples."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import date
from typing import Any

from features.contract import TABLES
from features.history.timestamp_outliers import TimestampOutliers
from features.source_table import FileNote
from features.validation.rules import Rule
from features.validation.unknown_accounts import UnknownAccounts


@dataclass(frozen=True)
class QuarantinedRow:
    """One bad row: its file and place in it (rows and lines count from 1), the column, the rule, and the value.

    ``key`` is the column that identifies the row, with its value, where it is not the bad one: "account_id 'A-1'".
    """

    file: str
    row: int
    column: str | None
    rule: Rule
    value: str | None
    key: str | None = None

    @property
    def place(self) -> str:
        """The row with its key, in words."""
        return f"row {self.row}" + (f" ({self.key})" if self.key else "")

    @property
    def shown(self) -> str:
        """The value as a log may show it: free text only by its length, unprintable characters escaped."""
        if self.value is None:
            return "nothing"
        if self.column is None or _is_free_text(self.column):
            return f"a text of {len(self.value)} characters"
        return ascii(self.value) if not self.value.isprintable() else repr(self.value)


@dataclass(frozen=True)
class TableReport:
    """One table's rows, accepted and not; ``problem`` is the sentence that stops the night, where there is one.

    ``unassigned`` counts the accepted rows that belong to no account, and ``not_measured`` those without their value.
    """

    name: str
    source: str
    rows: int = 0
    accepted: int = 0
    duplicates: int = 0
    quarantined: Mapping[Rule, int] = field(default_factory=dict)
    examples: tuple[QuarantinedRow, ...] = ()
    first: date | None = None
    last: date | None = None
    unknown_columns: tuple[str, ...] = ()
    missing_columns: tuple[str, ...] = ()
    problem: str | None = None
    unassigned: int = 0
    not_measured: int = 0

    def as_json(self) -> dict[str, Any]:
        """The report as plain JSON values."""
        return {
            "source": self.source,
            "rows": self.rows,
            "accepted": self.accepted,
            "duplicates": self.duplicates,
            "unassigned": self.unassigned,
            "not_measured": self.not_measured,
            "quarantined": {rule.value: count for rule, count in self.quarantined.items()},
            "first": self.first.isoformat() if self.first else None,
            "last": self.last.isoformat() if self.last else None,
            "unknown_columns": list(self.unknown_columns),
            "missing_columns": list(self.missing_columns),
            "examples": [
                {
                    "file": bad.file,
                    "row": bad.row,
                    "key": bad.key,
                    "column": bad.column,
                    "rule": bad.rule.value,
                    "value": bad.shown,
                }
                for bad in self.examples
            ],
            "problem": self.problem,
        }


@dataclass(frozen=True)
class ValidationReport:
    """Every table of the source, the tables it lacks, what would stop a night, and what a night warns of.

    ``unread_tables`` are those of the source that cannot be read; ``problems`` say why.
    """

    tables: Mapping[str, TableReport]
    missing: tuple[str, ...]
    unknown: Mapping[str, str | None] = field(default_factory=dict)
    problems: tuple[str, ...] = ()
    timestamp_outliers: tuple[TimestampOutliers, ...] = ()
    unknown_accounts: UnknownAccounts = field(default_factory=UnknownAccounts)
    unread_files: tuple[tuple[str, str], ...] = ()
    file_notes: tuple[FileNote, ...] = ()
    unread_tables: tuple[str, ...] = ()

    def as_json(self) -> dict[str, Any]:
        """The report as plain JSON values; ``unknown`` tables with the contract's nearest name."""
        return {
            "tables": {name: table.as_json() for name, table in self.tables.items()},
            "missing_tables": list(self.missing),
            "unknown_tables": dict(self.unknown),
            "problems": list(self.problems),
            "unread_files": [{"file": file, "reason": reason} for file, reason in self.unread_files],
            "file_notes": [asdict(note) for note in self.file_notes],
            "timestamp_outliers": [outliers.as_json() for outliers in self.timestamp_outliers],
            "unknown_accounts": self.unknown_accounts.as_json(),
        }


def _is_free_text(name: str) -> bool:
    return any(column.free_text for table in TABLES.values() for column in table.columns if column.name == name)
