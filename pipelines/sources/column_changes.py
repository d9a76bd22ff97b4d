"""Which columns of a table have changed since it was last read: new ones, lost ones, and those of another type.

A change of a schema is no error, and often the reason why a feature is unknown from one night to the next. It is
reported for a day after it was first seen, so that a check in the afternoon does not hide it from the night.
"""

import json
import os
import time
from collections.abc import Mapping
from pathlib import Path

REPORTED = 24 * 3600
"""Seconds for which a change is reported."""


def compare_columns(file: Path, types: Mapping[str, str], now: float | None = None) -> tuple[str, ...]:
    """What has changed since the types in ``file``, in words; the file is replaced by the present types."""
    moment = time.time() if now is None else now
    try:
        saved = json.loads(file.read_text("utf-8"))
        before, changes, seen = dict(saved["types"]), list(saved["changes"]), float(saved["seen"])
    except (OSError, ValueError, KeyError, TypeError):
        before, changes, seen = dict(types), [], 0.0
    if before != dict(types):
        changes, seen = list(_changes(before, types)), moment
    file.parent.mkdir(parents=True, exist_ok=True)
    half = file.with_name(f".{file.name}.{os.getpid()}")
    half.write_text(json.dumps({"types": dict(types), "changes": changes, "seen": seen}), encoding="utf-8")
    half.replace(file)
    return tuple(changes) if moment - seen < REPORTED else ()


def _changes(before: Mapping[str, str], after: Mapping[str, str]) -> list[str]:
    new = [f"{name} is new" for name in after if name not in before]
    gone = [f"{name} is gone" for name in before if name not in after]
    other = [
        f"{name} was {before[name]} and is {kind}" for name, kind in after.items() if before.get(name, kind) != kind
    ]
    return [*gone, *other, *new]
