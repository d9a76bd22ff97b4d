"""The validation of one table by its files, from what was kept of them by an earlier night.

Each question is asked for all files before the next: which rows break a rule by themselves, which belong to no known
parent, which are duplicates. The table ``rejected_<table>`` fills up in this order.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import pyarrow as pa

from features.history.cache_files import cache_key
from features.history.repeated_keys import RepeatedKeys
from features.history.row_parts import RowParts
from features.quoting import quote_text
from features.validation.accepted_rows import AcceptedRows, described_rows
from features.validation.by_file.hash_files import HashFiles
from features.validation.by_file.kept_file import OF_OTHER_ROWS, FileNight, KeptFile, KeptTable, read_hashes
from features.validation.by_file.repeated_rows import RepeatedRows, find_repeated_rows, reject_duplicate_rows
from features.validation.by_file.sorted_hashes import Hashes, distinct_hashes
from features.validation.by_file.unknown_parents import find_unknown_parents, reject_unknown_parents
from features.validation.incoming_table import (
    IncomingTable,
    bad_rows_query,
    breaks_any,
    label_rejected_rows,
    own_tests,
    read_rejected_rows,
)
from features.validation.reopened_tickets import (
    REOPENING,
    EarlierReopening,
    find_reopening,
    may_reopen,
    no_reopening,
    read_reopening,
    select_accepted,
)
from features.validation.value_replacements import ValueSurvey, replacements_by, survey_values
from features.validation.values.column_types import needs_parsing


def can_validate_files(incoming: IncomingTable) -> bool:
    """Whether every file has a fingerprint, and its columns types that need no parsing.

    Usage is not validated in this way: a hash of each of its rows would be as large as the usage itself.
    """
    source = incoming.source
    if (
        incoming.table.name == "usage_daily"
        or source.view
        or source.unreadable_lines
        or not all(file in source.fingerprints for file in source.files)
    ):
        return False
    parsing = any(needs_parsing(incoming.table.column(column), kind) for column, kind in incoming.types.items())
    return not parsing and (len(source.files) == 1 or not source.select_list)


@dataclass(frozen=True)
class ValidatedFiles:
    """The result of a table: its rows as they are read, its files by label, and the keys that occur more than once.

    ``reopening`` are the events that reopen their ticket, ``None`` where there are none. ``files_read`` counts the
    files of which any rows were read.
    """

    incoming: IncomingTable
    survey: ValueSurvey
    files: Mapping[str, KeptFile]
    repeated: RepeatedRows
    surplus: pa.Table
    reopening: pa.Table | None
    files_read: int

    @property
    def rows(self) -> int:
        """All rows, accepted or not."""
        return sum(file.rows for file in self.files.values())

    @property
    def repeated_keys(self) -> RepeatedKeys:
        """The keys that occur more than once among the rows that break no rule by themselves."""
        return repeated_with(self.repeated.keys, self.rows, self.reopening)

    @property
    def accepted(self) -> AcceptedRows:
        """All accepted rows."""
        return AcceptedRows.together(file.accepted for file in self.files.values())

    def kept(self) -> KeptTable:
        """What the next night needs of it."""
        return KeptTable(
            self.survey,
            self.files,
            read_rejected_rows(self.incoming),
            self.surplus,
            self.reopening,
            self.repeated.keys,
            self.repeated.versions,
        )


def repeated_with(keys: Hashes, rows: int, reopening: pa.Table | None) -> RepeatedKeys:
    """The repeated keys and those that events have that reopen their ticket: others may have these, too."""
    if reopening is not None and "hash" in reopening.column_names:
        keys = distinct_hashes([[keys, read_hashes(reopening)]])
    return RepeatedKeys(keys, rows)


def row_parts(incoming: IncomingTable, files: Mapping[str, KeptFile]) -> RowParts:
    """The accepted rows by file, once ``rejected_<table>`` is filled."""

    def rows_query(labels: Collection[str]) -> str:
        reopens = any(files[label].reopened for label in labels)
        own = replace(incoming, cursor=incoming.cursor.cursor())  # threads ask, and a cursor answers one at a time
        return select_accepted(own.with_labels(labels), reopens=reopens)

    return RowParts({label: file.rows_key for label, file in files.items()}, rows_query)


def validate_files(
    incoming: IncomingTable, folder: Path, rules: str, last: KeptTable | None, *, same_parents: bool
) -> ValidatedFiles:
    """Fill ``rejected_<table>``, which is empty, from the result of an earlier night and the files that are new.

    ``rules`` is the key of the rules by which rows are judged, ``last`` the result of an earlier night by the same
    rules, and ``same_parents`` is whether the table's parents are the same as then.
    """
    keys = _file_keys(incoming, rules)
    night = FileNight.of(incoming, keys, last)
    survey = night.kept.survey
    if night.new:
        survey = survey.with_rows(survey_values(incoming.with_labels(night.new)))
    if last and not survey.is_complete:
        return validate_files(incoming, folder, rules, None, same_parents=same_parents)
    night = night.with_replacements(replacements_by(survey, incoming))
    own = {label: night.kept.files[old] for label, old in night.found.items()} | _judge_own_rows(night)
    night.restore_own_rejected()
    hashes = HashFiles(night.incoming, folder, keys, {label: file.rows for label, file in own.items()})
    unknown = find_unknown_parents(night, hashes, same_parents=same_parents)
    repeated = find_repeated_rows(night, hashes, unknown)
    reject_unknown_parents(night, unknown)
    surplus = reject_duplicate_rows(night, repeated)
    label_rejected_rows(night.incoming)
    files = _describe_accepted(night, own, unknown)
    reopening = _find_reopening(night, files)
    hashes.remove_others()
    read = night.read | hashes.made
    files = files if reopening is None else _with_reopened(night, files)
    return ValidatedFiles(night.incoming, survey, files, repeated, surplus, reopening, len(read))


def _file_keys(incoming: IncomingTable, rules: str) -> dict[str, str]:
    """By label what identifies the content of a file, and how its rows are judged."""
    source = incoming.source
    keys = {}
    for file in source.files:
        columns = [part for part in Path(file).parts if "=" in part] if source.partitioned else []
        keys[source.labels[file]] = cache_key(rules, source.fingerprints[file], columns)
    return keys


def _judge_own_rows(night: FileNight) -> dict[str, KeptFile]:
    """Read the files that are new: reject the rows that break a rule by themselves, and describe all others."""
    if not night.new:
        return {}
    part = night.read_files(night.new)
    tests, relation = own_tests(part), f"{part.source.relation} s"
    rows = part.cursor.execute(
        f"SELECT source_file, count(*), count_if(is_bad), {may_reopen(part)}, {_own_ids(part)}, "
        f"{described_rows(part, 'NOT is_bad')} "
        f"FROM (SELECT s.*, s.filename AS source_file, {breaks_any(tests)} AS is_bad FROM {relation}) s "
        "GROUP BY source_file"
    ).fetchall()
    described = {part.source.labels[row[0]]: row[1:] for row in rows}
    bad = [label for label, (_, count, *_) in described.items() if count]
    if bad:
        part = night.incoming.with_labels(bad)
        night.reject(bad_rows_query(own_tests(part), f"{part.source.relation} s"))
    files = {label: KeptFile(night.keys[label], 0, AcceptedRows()) for label in night.new}
    for label, (count, _, working, own_ids, *own) in described.items():
        files[label] = KeptFile(night.keys[label], count, AcceptedRows.of_row(part.table, own), bool(working), own_ids)
    return files


def _own_ids(part: IncomingTable) -> str:
    """SQL: whether every row ``s`` has an id of its own."""
    own = part.table.own_id
    return f"count(*) = count({part.columns[own]})" if own else "false"


def _describe_accepted(
    night: FileNight, own: Mapping[str, KeptFile], unknown: Mapping[str, str]
) -> dict[str, KeptFile]:
    """The files with their accepted rows: those of a file none of whose rows breaks a rule because of other rows are
    known, and so are those of a file of which the same rows are rejected as by the night before.
    """
    rules = ", ".join(map(quote_text, OF_OTHER_ROWS))
    rejected = night.incoming.cursor.execute(
        f'SELECT label, count(*), bit_xor(hash("row")) FROM {night.incoming.rejected} '
        f"WHERE rule IN ({rules}) GROUP BY label"
    )
    parts = {label: file.key for label, file in own.items()}
    parts |= {label: cache_key(parts[label], rows, row_hash) for label, rows, row_hash in rejected.fetchall()}
    accepted = {label: file.own for label, file in own.items() if parts[label] == file.key}
    accepted |= {
        label: night.kept.files[old].accepted
        for label, old in night.found.items()
        if label not in accepted and night.kept.files[old].part == parts[label]
    }
    changed = [label for label in own if label not in accepted]
    if changed:
        part = night.read_files(changed)
        rows = part.cursor.execute(f"SELECT s.filename, {described_rows(part)} FROM {part.remaining} GROUP BY 1")
        accepted |= {part.source.labels[file]: AcceptedRows.of_row(part.table, row) for file, *row in rows.fetchall()}
    return {
        label: replace(
            file,
            unknown=unknown.get(label, ""),
            part=parts[label],
            accepted=accepted.get(label, AcceptedRows()),
            reopened="",
        )
        for label, file in own.items()
    }


def _find_reopening(night: FileNight, files: Mapping[str, KeptFile]) -> pa.Table | None:
    """The events that reopen their ticket; ``None`` where there are none."""
    with_hashes = not all(file.own_ids for file in files.values())
    if not any(file.working for file in files.values()):
        return None
    earlier, added = None, _added(night, files)
    rows = no_reopening(with_hashes=with_hashes) if night.kept.reopening is None else night.kept.reopening
    if added is not None and ("hash" in rows.column_names) == with_hashes:
        earlier = EarlierReopening(night.with_new_labels(rows, [*night.found]), added)
    found = find_reopening(night.incoming, earlier, with_hashes=with_hashes)
    return read_reopening(night.incoming) if found else None


def _with_reopened(night: FileNight, files: Mapping[str, KeptFile]) -> dict[str, KeptFile]:
    """The files with what identifies their events that reopen a ticket."""
    rows = f"SELECT file, count(*), bit_xor(hash(n)) FROM {REOPENING} GROUP BY file"
    labels = night.incoming.source.labels
    reopened = {labels[file]: cache_key(*row) for file, *row in night.incoming.cursor.execute(rows).fetchall()}
    return {label: replace(file, reopened=reopened.get(label, "")) for label, file in files.items()}


def _added(night: FileNight, files: Mapping[str, KeptFile]) -> list[str] | None:
    """The labels of files whose accepted rows are new; ``None`` where the accepted rows of another file are gone."""
    if not night.kept.files:
        return None
    before = Counter(file.part for file in night.kept.files.values())
    if before - Counter(file.part for file in files.values()):
        return None
    return [label for label, file in files.items() if file.part not in before]
