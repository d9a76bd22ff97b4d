"""Rows of unknown parents: which files have any, and whether they are the same as the night before.

The different parents of a file are kept as hashes. Compared with those of tonight's parents they show which parents
are unknown, and only where these are others than before is a column of the file read again.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping

import numpy as np
import pyarrow.compute as pc

from features.arrow import CHUNK_ROWS, text_array, to_numpy
from features.quoting import quote_text
from features.source_table import explain_changed_files
from features.validation.by_file.hash_files import HashFiles, HashKind
from features.validation.by_file.kept_file import FileNight
from features.validation.by_file.sorted_hashes import Hashes, distinct_hashes, select_known
from features.validation.incoming_table import beside_parents, parent_test
from features.validation.rules import Rule


def find_unknown_parents(night: FileNight, hashes: HashFiles, *, same_parents: bool) -> dict[str, str]:
    """By label what identifies the unknown parents of a file; empty where all are known.

    ``same_parents`` is whether the parents are those of the earlier night.
    """
    if night.incoming.table.parent is None:
        return {}
    unknown = {label: night.kept.files[old].unknown for label, old in night.found.items()} if same_parents else {}
    asked = [label for label in night.keys if label not in unknown]
    if asked:
        known = _known_parents(night)
        of_files = hashes.of(HashKind.PARENT, asked)
        unknown |= {
            label: _identify(select_known(distinct_hashes([of_files[label]]), known, inside=False)) for label in asked
        }
    return unknown


def changed_parents(night: FileNight, unknown: Mapping[str, str]) -> list[str]:
    """The kept files of which other rows than before have an unknown parent."""
    return [label for label, old in night.found.items() if night.kept.files[old].unknown != unknown.get(label, "")]


def reject_unknown_parents(night: FileNight, unknown: Mapping[str, str]) -> None:
    """Reject the rows whose parent is unknown: those of kept files as before, where the parents are the same."""
    concerned = [label for label, parents in unknown.items() if parents]
    changed = {*night.new, *changed_parents(night, unknown)}
    same = [label for label in concerned if label not in changed]
    if same:
        rows = night.kept.rejected
        unknown_rule = text_array([str(Rule.UNKNOWN_ACCOUNT)])
        night.restore(rows.filter(pc.is_in(rows["rule"], value_set=unknown_rule)), same)
    again = [label for label in concerned if label in changed]
    if again:
        part = night.read_files(again)
        test = parent_test(part)
        night.reject(
            f"SELECT NULL, s.filename, s.file_row_number + 1, {quote_text(test.column)}, {quote_text(test.rule)}, "
            f"left({test.value}, 200) FROM {beside_parents(part, part.remaining)} WHERE {test.condition}"
        )


def _known_parents(night: FileNight) -> Hashes:
    parent = night.incoming.table.parent
    if parent is None:
        return distinct_hashes([])
    sql = f"SELECT hash({parent.column}) AS hash FROM accepted_{parent.table}"
    with explain_changed_files():
        column = night.incoming.cursor.sql(sql).to_arrow_table(CHUNK_ROWS)["hash"]
    return distinct_hashes([[to_numpy(column).astype(np.uint64, copy=False)]])


def _identify(parents: Hashes) -> str:
    return hashlib.blake2b(parents.tobytes(), digest_size=16).hexdigest() if len(parents) else ""
