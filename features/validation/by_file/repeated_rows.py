"""Keys that occur more than once in any files of a table, and the duplicates among their rows.

A new file is looked up in the hashes of all others; a file that is gone is taken out of them. Only rows with a hash
that is in one of these files, and elsewhere too, are compared again: other duplicates are those of the night before.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc

from features.arrow import empty_rows, number_array, text_array
from features.history.repeated_keys import RepeatedKeys, key_hash
from features.validation.by_file.hash_files import HashFiles, HashKind
from features.validation.by_file.kept_file import SURPLUS_SCHEMA, FileNight
from features.validation.by_file.sorted_hashes import (
    NO_HASHES,
    Hashes,
    Pieces,
    count_hashes,
    distinct_hashes,
    find_repeated,
    length,
    select_known,
    update_repeated,
)
from features.validation.by_file.unknown_parents import changed_parents
from features.validation.duplicates import reject_surplus, version_hash

MANY = 4
"""Where more than one in so many hashes may have changed, all are compared again."""


@dataclass(frozen=True)
class RepeatedRows:
    """The hashes that occur more than once: of ``keys``, and of ``versions`` where many keys do.

    Rows with a hash in ``compared`` have to be compared, which the files ``labels`` have; the earlier night's ``same``
    duplicates are still some.
    """

    keys: Hashes
    versions: Hashes | None
    compared: Hashes
    labels: Sequence[str]
    same: pa.Table


def find_repeated_rows(night: FileNight, hashes: HashFiles, unknown: Mapping[str, str]) -> RepeatedRows:
    """The hashes that occur more than once, and those whose rows have to be compared tonight.

    ``unknown`` are the unknown parents of each file: a row of one is no duplicate.
    """
    kept = night.kept
    keys = _repeated(night, hashes, HashKind.KEY, kept.keys if kept.files else None)
    by_version = not RepeatedKeys(keys, sum(hashes.rows.values())).few
    versions = _repeated(night, hashes, HashKind.VERSION, kept.versions) if by_version else None
    kind, candidates = (HashKind.KEY, keys) if versions is None else (HashKind.VERSION, versions)
    if not len(candidates):
        return RepeatedRows(keys, versions, NO_HASHES, (), empty_rows(SURPLUS_SCHEMA))
    changed = None
    if kept.files and (kept.versions is not None) == by_version:
        arrived = [*night.new, *night.renamed, *changed_parents(night, unknown)]
        gone = [label for label in kept.files if night.found.get(label) != label]
        changed = _hashes_of(hashes, kind, arrived, [kept.files[label].key for label in gone])
    if changed is None:
        compared, same = candidates, empty_rows(SURPLUS_SCHEMA)
    else:
        compared = select_known(candidates, changed)
        same = kept.surplus.filter(pc.invert(pc.is_in(kept.surplus["hash"], value_set=number_array(changed))))
    lists = hashes.of(kind, [*night.keys]) if len(compared) else {}
    labels = [label for label, pieces in lists.items() if count_hashes(compared, [pieces]).any()]
    return RepeatedRows(keys, versions, compared, labels, same)


def reject_duplicate_rows(night: FileNight, repeated: RepeatedRows) -> pa.Table:
    """Reject the duplicates and conflicting rows; returns all of them."""
    night.restore(repeated.same.drop_columns("hash"), [label for label, old in night.found.items() if label == old])
    if not len(repeated.compared):
        return repeated.same
    part = night.read_files(repeated.labels)
    hash_sql = key_hash(part.table, part.columns.__getitem__) if repeated.versions is None else version_hash(part)
    found = reject_surplus(part, hash_sql, repeated.compared)
    labels = text_array([part.source.labels[file] for file in found["file"].to_pylist()])
    rows = found.drop_columns("file").set_column(0, "label", labels)
    return pa.concat_tables([repeated.same, rows.rename_columns(SURPLUS_SCHEMA.names).cast(SURPLUS_SCHEMA)])


def _repeated(night: FileNight, hashes: HashFiles, kind: HashKind, before: Hashes | None) -> Hashes:
    """The hashes of a kind that occur more than once tonight; ``before`` are those of the earlier night."""
    gone = [night.kept.files[label].key for label in night.vanished]
    if before is not None and not night.new and not gone:
        return before
    lists = [*hashes.of(kind, [*night.keys]).values()]
    changed = None if before is None else _hashes_of(hashes, kind, night.new, gone)
    if before is None or changed is None or len(changed) * MANY > length(lists):
        return find_repeated(lists)
    return update_repeated(before, changed, lists)


def _hashes_of(hashes: HashFiles, kind: HashKind, labels: Sequence[str], gone: Sequence[str]) -> Hashes | None:
    """The different hashes of some of tonight's files and of files that are gone; ``None`` where one is not kept."""
    lists: list[Pieces] = []
    for key in gone:
        pieces = hashes.kept(kind, key)
        if pieces is None:
            return None
        lists.append(pieces)
    return distinct_hashes([*lists, *hashes.of(kind, labels).values()])
