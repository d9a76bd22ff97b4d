"""A whole table through admission: what was said of it the night before is not asked again where nothing changed.

A row of any table but usage may have its twin in any file, so the table is the unit. What is said of it depends on its
files, on the rules, on the rows that its own belong to (accounts, or tickets, and by them accounts) and, where it does
not tell when rows were known, on the reach of the source. All of it is one key; under another, everything is asked.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path

import duckdb
import numpy as np
import pyarrow as pa

from features.arrow import array, numbers
from features.history import cache_files
from features.history.repeated_keys import Repeats
from features.validation.duplicates import rule_of_twins
from features.validation.incoming_table import (
    Intake,
    broken_rows,
    label_rejected,
    reject_again,
    rejected_rows,
    tests_of,
)
from features.validation.partition_cache import REJECTED

FILE = "table.state"
REPEATED = pa.schema([("key", pa.uint64())])

Span = tuple[date | None, date | None, int]
"""The first and last day of the accepted rows, and how many they are."""


@dataclass(frozen=True)
class Verdict:
    """What admission says of a table beside the rows that it rejects: the keys that come again, and its span."""

    repeats: Repeats
    span: Span


def key_of_table(intake: Intake, parents: str | None) -> str | None:
    """A text that changes whenever anything does that the verdict depends on; none where that cannot be told.

    ``parents`` is the key of the table whose rows these belong to.
    """
    raw = intake.raw
    if parents is None or raw.unread or not all(file in raw.prints for file in raw.files):
        return None
    rules = broken_rows(*tests_of(replace(intake, raw=replace(raw, files=())), "newest"))
    files = [(raw.labels[file], raw.prints[file]) for file in raw.files]
    told = (sorted(intake.types.items()), raw.partitioned, intake.reach, parents)
    return cache_files.cache_key(repr(intake.table), rules, rule_of_twins(intake), duckdb.__version__, told, files)


def verdict(intake: Intake, key: str | None, state: Path, judge: Callable[[], Verdict]) -> tuple[Verdict, bool]:
    """What was said of the table under this key, and true; else what ``judge`` says, which is kept, and false.

    Either way ``rejected_<table>`` holds the rows that are not accepted.
    """
    found = None if key is None else cache_files.read(state / FILE)
    if found and found.told.get("key") == key:
        reject_again(intake, found.tables[0])
        label_rejected(intake)
        return _of(found), True
    said = judge()
    if key is not None:
        cache_files.write(state / FILE, _kept(intake, key, said))
    return said, False


def _of(found: cache_files.Kept) -> Verdict:
    first, last, accepted = found.told["span"]
    days = (date.fromisoformat(day) if day else None for day in (first, last))
    keys = array(found.tables[1]["key"]).astype(np.uint64, copy=False)
    return Verdict(Repeats(keys, found.told["rows"]), (*days, accepted))


def _kept(intake: Intake, key: str, said: Verdict) -> cache_files.Kept:
    first, last, accepted = said.span
    told = {"key": key, "rows": said.repeats.rows, "span": [first and str(first), last and str(last), accepted]}
    return cache_files.Kept(
        told, [rejected_rows(intake).cast(REJECTED), pa.table({"key": numbers(said.repeats.keys)}, REPEATED)]
    )
