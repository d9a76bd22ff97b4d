"""The files of a home that hold rows of customers: quarantine and reports of nights, and what is cached of sources."""

from __future__ import annotations

import json
import shutil
from datetime import date, timedelta
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from serving.operations.erase import erase_from_report

PARTS_OF_KEY = " | "
"""Between the parts of a key in the value of a quarantined row."""


def prune_home(home: Path, before: date, *, dry_run: bool = False) -> dict[str, int]:
    """Delete quarantine and reports of nights before this day; the number of folders and files."""
    removed = {"quarantine": 0, "reports": 0}
    for folder in sorted(home.glob("nights/*")):
        if _night(folder) is None or (_night(folder) or before) >= before:
            continue
        quarantine = folder / "quarantine"
        removed["quarantine"] += quarantine.is_dir()
        removed["reports"] += sum(1 for path in folder.iterdir() if path.is_file())
        if not dry_run:
            shutil.rmtree(folder)
    return removed


def erase_from_home(home: Path, account_id: str, name: str | None) -> dict[str, int]:
    """Take an account out of the files of the home: its quarantined rows, its entries in reports, cached results.

    A quarantined row is known by its place in the source and its value that is wrong. It is removed where that value,
    or a part of a key of several columns, is the id or the name of the account.
    """
    changed = {"quarantine": 0, "reports": 0, "state": 0}
    for file in sorted(home.glob("nights/*/quarantine/*.parquet")):
        changed["quarantine"] += _without_rows(file, {account_id, *([name] if name else [])})
    for file in sorted(home.glob("nights/*/report.json")):
        report = json.loads(file.read_text(encoding="utf-8"))
        erased = erase_from_report(report, account_id, name)
        if erased != report:
            file.write_text(json.dumps(erased, indent=1), encoding="utf-8")
            changed["reports"] += 1
    if (home / "state").is_dir():
        shutil.rmtree(home / "state")  # results that are computed again from the source
        changed["state"] = 1
    return changed


def keep_period(text: str) -> timedelta:
    """A period such as ``400d``, ``60w`` or ``2y``.

    Raises:
        ValueError: it is none, or shorter than 30 days.
    """
    units = {"d": 1, "w": 7, "y": 365}
    number, unit = text[:-1].strip(), text[-1:].lower()
    if not number.isdigit() or unit not in units:
        raise ValueError(text)
    period = timedelta(days=int(number) * units[unit])
    if period < timedelta(days=30):
        raise ValueError(text)
    return period


def _without_rows(file: Path, names: set[str]) -> int:
    """Take the rows whose value is one of ``names`` out of a file of quarantined rows."""
    rows = pq.read_table(file)
    values = rows["value"].to_pylist()
    keep = [value is None or names.isdisjoint(value.split(PARTS_OF_KEY)) for value in values]
    if all(keep):
        return 0
    fresh = file.with_name(f".{file.name}")
    pq.write_table(rows.filter(pa.array(keep)), fresh)
    fresh.replace(file)
    return 1


def _night(folder: Path) -> date | None:
    try:
        return date.fromisoformat(folder.name)
    except ValueError:
        return None
