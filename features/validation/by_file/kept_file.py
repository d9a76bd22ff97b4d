"""What a night keeps of the files of a table, beside the hashes of their rows, and what it finds of the last night."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from features.arrow import empty_rows, number_array, text_array, to_numpy
from features.history.cache_files import cache_key
from features.validation.accepted_rows import AcceptedRows
from features.validation.by_file.sorted_hashes import NO_HASHES, Hashes
from features.validation.duplicates import DUPLICATE
from features.validation.incoming_table import IncomingTable, reject_cached_rows
from features.validation.result_cache import REJECTED_SCHEMA, CachedResult
from features.validation.rules import Rule
from features.validation.value_replacements import ValueSurvey

OF_OTHER_ROWS = (str(Rule.UNKNOWN_ACCOUNT), str(Rule.CONFLICT), DUPLICATE)
"""The rules that a row breaks because of other rows."""

SURPLUS_SCHEMA = pa.schema([*REJECTED_SCHEMA, ("hash", pa.uint64())])
"""Duplicates and conflicting rows, with the hash by which they were found."""


@dataclass(frozen=True)
class KeptFile:
    """The result of one file.

    ``key`` identifies its content and the rules by which its rows were judged. ``own`` describes the rows that break no
    rule by themselves, ``accepted`` those that are no duplicates either, and whose parents are known. ``unknown``
    identifies the parents that were not, ``part`` the rows that are accepted, ``reopened`` those of them that are read
    as events that reopen their ticket. ``working`` is whether there may be any, ``own_ids`` whether every row has an id
    of its own.
    """

    key: str
    rows: int
    own: AcceptedRows
    working: bool = False
    own_ids: bool = True
    unknown: str = ""
    part: str = ""
    accepted: AcceptedRows = field(default_factory=AcceptedRows)
    reopened: str = ""

    @property
    def rows_key(self) -> str:
        """What identifies the accepted rows, and how they are read."""
        return cache_key(self.part, self.reopened) if self.reopened else self.part

    def as_json(self) -> dict[str, Any]:
        """Plain JSON values."""
        return {**asdict(self), "own": self.own.as_json(), "accepted": self.accepted.as_json()}

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> KeptFile:
        """The file from its JSON values."""
        facts = {name: AcceptedRows.from_json(values[name]) for name in ("own", "accepted")}
        return cls(**{**values, **facts})


@dataclass(frozen=True)
class KeptTable:
    """The result of a table by its files.

    ``rejected`` are all rows that were not accepted, ``surplus`` those of them that were duplicates or conflicting, by
    ``versions`` where that is set, else by ``keys``: the hashes that occur more than once. ``reopening`` are the events
    that reopen their ticket.
    """

    survey: ValueSurvey = field(default_factory=ValueSurvey)
    files: Mapping[str, KeptFile] = field(default_factory=dict)
    rejected: pa.Table = field(default_factory=lambda: empty_rows(REJECTED_SCHEMA))
    surplus: pa.Table = field(default_factory=lambda: empty_rows(SURPLUS_SCHEMA))
    reopening: pa.Table | None = None
    keys: Hashes = field(default_factory=lambda: NO_HASHES)
    versions: Hashes | None = None

    @classmethod
    def of_result(cls, result: CachedResult | None, rules: str) -> KeptTable | None:
        """The result by files that a cached one holds; ``None`` where it holds none under these rules."""
        if result is None or result.values.get("rules") != rules:
            return None
        files = {label: KeptFile.from_json(file) for label, file in result.values["files"].items()}
        reopening, surplus, *versions = result.further
        return cls(
            ValueSurvey.from_json(result.values["survey"]),
            files,
            result.rejected,
            surplus,
            reopening if reopening.num_columns else None,
            read_hashes(result.keys),
            read_hashes(versions[0]) if versions else None,
        )

    def to_result(self, key: str, rules: str, values: Mapping[str, Any]) -> CachedResult:
        """The cached result, with further values."""
        files = {label: file.as_json() for label, file in self.files.items()}
        values = {**values, "rules": rules, "survey": self.survey.as_json(), "files": files}
        versions = [] if self.versions is None else [hash_table(self.versions)]
        reopening = pa.table({}) if self.reopening is None else self.reopening
        further = [reopening, self.surplus, *versions]
        return CachedResult(key, values, self.rejected, hash_table(self.keys), further)


def hash_table(hashes: Hashes) -> pa.Table:
    """Hashes as a table of one column."""
    return pa.table({"hash": number_array(hashes)})


def read_hashes(table: pa.Table) -> Hashes:
    """The hashes of such a table."""
    return to_numpy(table["hash"]).astype(np.uint64, copy=False)


def find_kept(kept: Mapping[str, KeptFile], keys: Mapping[str, str]) -> dict[str, str]:
    """By tonight's label the label under which a file is among the ``kept`` ones; files that are not have to be read.

    ``keys`` are tonight's files. A file that has another name now is found by its key; of two copies of a file that was
    a single one before, one has to be read.
    """
    same = {label: label for label, key in keys.items() if label in kept and kept[label].key == key}
    free = {file.key: label for label, file in kept.items() if label not in same}
    for label, key in keys.items():
        if label not in same and key in free:
            same[label] = free.pop(key)
    return same


@dataclass(frozen=True)
class FileNight:
    """Tonight's files of a table beside what is kept of an earlier night.

    ``keys`` are those of tonight's files by label, ``found`` has the earlier label of each file that is kept, and
    ``read`` the labels of files of which rows were read.
    """

    incoming: IncomingTable
    keys: Mapping[str, str]
    kept: KeptTable
    found: Mapping[str, str]
    read: set[str] = field(default_factory=set)

    @classmethod
    def of(cls, incoming: IncomingTable, keys: Mapping[str, str], kept: KeptTable | None) -> FileNight:
        """Tonight's files beside a result, where there is one."""
        table = kept or KeptTable()
        return cls(incoming, keys, table, find_kept(table.files, keys))

    def with_replacements(self, replacements: Mapping[str, str]) -> FileNight:
        """The same, with the columns that are not read as they are."""
        return replace(self, incoming=replace(self.incoming, replacements=replacements))

    @property
    def new(self) -> list[str]:
        """The files that are not kept."""
        return [label for label in self.keys if label not in self.found]

    @property
    def vanished(self) -> list[str]:
        """The earlier labels of kept files whose content is no longer there."""
        found = {*self.found.values()}
        return [label for label in self.kept.files if label not in found]

    @property
    def renamed(self) -> list[str]:
        """The kept files with a name that they did not have."""
        return [label for label, old in self.found.items() if label != old]

    def read_files(self, labels: Collection[str]) -> IncomingTable:
        """Some of the files, to be read."""
        self.read.update(labels)
        return self.incoming.with_labels(labels)

    def reject(self, rows: str) -> None:
        """Add rows to those that are not accepted."""
        self.incoming.cursor.execute(f"INSERT INTO {self.incoming.rejected} {rows}")

    def with_new_labels(self, rows: pa.Table, labels: Sequence[str]) -> pa.Table:
        """The kept rows that are in the files that have these labels now, with these labels."""
        old = text_array([self.found[label] for label in labels])
        place = pc.index_in(rows["label"], value_set=old)
        return rows.set_column(0, "label", text_array(labels).take(place)).filter(pc.is_valid(place))

    def restore_own_rejected(self) -> None:
        """Reject the rows of kept files that break a rule by themselves."""
        others = pc.is_in(self.kept.rejected["rule"], value_set=text_array(OF_OTHER_ROWS))
        self.restore(self.kept.rejected.filter(pc.invert(others)), [*self.found])

    def restore(self, rows: pa.Table, labels: Sequence[str]) -> None:
        """Reject some rows as the earlier night did, where they are in the files that have these labels now."""
        reject_cached_rows(self.incoming, self.with_new_labels(rows, labels))
