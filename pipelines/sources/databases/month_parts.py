"""Only what has changed: a table in parts of one month, of which a night reads those that differ from the last.

The server counts the rows of every month and adds up a checksum of each row; a part whose count and checksum are those
of the file that an earlier night kept is not read again. So new rows, rows that arrive late, corrections and deletions
are all noticed, whatever the table says of its own changes, and what a night sees is what a full read would give.
"""

import hashlib
import json
import os
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from features.errors import UsageError, suggest_name

PARTS_FILE = "parts.json"
KEPT_UNUSED = 2 * 24 * 3600
"""Seconds for which a file is kept that no part is any more: another command may still read it."""

CHECKED = ("postgresql", "mysql", "mariadb")
"""The databases whose server can compute a checksum of rows."""


@dataclass(frozen=True)
class PartReader:
    """How a table is read: ``rows`` answers the rows of a query, ``write`` writes those of one to a Parquet file."""

    dialect: str
    rows: Callable[[sa.Select[Any]], Sequence[Sequence[Any]]]
    write: Callable[[sa.Select[Any], Path], None]


@dataclass(frozen=True)
class MonthTable:
    """The table, the column whose month its parts are of, the columns that are read, and their values in a query."""

    table: sa.TableClause
    by: str
    columns: tuple[str, ...]
    values: tuple[sa.ColumnElement[Any], ...]


def read_parts(own: MonthTable, reader: PartReader, folder: Path) -> dict[str, str]:
    """The files of a table's parts under ``folder``, each with a text that changes with its rows.

    The list of parts is replaced last and at once: a run that is stopped in between leaves the last one as it was.
    """
    folder.mkdir(parents=True, exist_ok=True)
    signature = _digest(repr((str(own.table), own.by, own.columns)))
    kept = _read_manifest(folder / PARTS_FILE, signature)
    parts: dict[str, str] = {}
    for month, count, checksum in reader.rows(_counts(own, reader.dialect)):
        name = "none" if month is None else f"{int(month):06}"
        label = _digest(f"{signature} {int(count)} {checksum}")
        file = folder / f"{name}.{label}.parquet"
        if kept.get(name) != label or not file.is_file():
            half = folder / f".{file.name}.{os.getpid()}"
            reader.write(_rows_of(own, None if month is None else int(month), reader.dialect), half)
            half.replace(file)
        parts[name] = label
    if not parts:
        file = folder / f"none.{_digest(signature)}.parquet"
        reader.write(_rows_of(own, None, reader.dialect), file)
        parts["none"] = _digest(signature)
    _write_manifest(folder / PARTS_FILE, signature, parts)
    _remove_unused(folder, parts)
    return {str(folder / f"{name}.{label}.parquet"): label for name, label in sorted(parts.items())}


def choose_column(wanted: Sequence[str], types: dict[str, sa.types.TypeEngine[Any]], place: str) -> str | None:
    """The first of the wanted columns that a table has; ``None`` where it has none of them.

    Raises:
        UsageError: the column is no date.
    """
    by_name = {name.lower(): name for name in types}
    name = next((by_name[it.lower()] for it in wanted if it.lower() in by_name), None)
    if name is not None and not isinstance(types[name], (sa.Date, sa.DateTime)):
        dates = [it for it, kind in types.items() if isinstance(kind, (sa.Date, sa.DateTime))]
        hint = suggest_name(name, dates) if dates else "it has no column of dates."
        raise UsageError(f"{place} cannot be read by the months of {name!r}, which holds no dates; {hint}")
    return name


def _counts(own: MonthTable, dialect: str) -> sa.Select[Any]:
    """By month the number of rows and the sum of their checksums."""
    month = _month(sa.column(own.by), dialect)
    if dialect == "postgresql":
        row = sa.cast(sa.func.row(*(sa.column(name) for name in own.columns)), sa.Text)
        sums: sa.ColumnElement[Any] = sa.cast(
            sa.func.sum(sa.cast(sa.func.hashtextextended(row, 0), sa.Numeric)), sa.Text
        )
    else:
        text = sa.func.concat_ws("|", *(sa.func.quote(sa.column(name)) for name in own.columns))
        number = sa.func.conv(sa.func.left(sa.func.md5(text), 15), 16, 10)
        sums = sa.cast(sa.func.sum(sa.cast(number, sa.Numeric(30, 0))), sa.String(40))
    return (
        sa.select(month.label("month"), sa.func.count().label("n"), sums.label("s"))
        .select_from(own.table)
        .group_by(sa.text("1"))
    )


def _month(column: sa.ColumnElement[Any], dialect: str) -> sa.ColumnElement[Any]:
    """The month of a date as a number such as 202603; none where there is no date (see :func:`_has_month`)."""
    if dialect == "postgresql":
        month: sa.ColumnElement[Any] = sa.cast(
            sa.extract("year", column) * 100 + sa.extract("month", column), sa.BigInteger
        )
    else:
        month = sa.func.year(column) * 100 + sa.func.month(column)
    return sa.case((_has_month(column, dialect), month))


def _has_month(column: sa.ColumnElement[Any], dialect: str) -> sa.ColumnElement[bool]:
    """Whether a date is one: not missing, infinite, before the year 1, or MySQL's zero."""
    if dialect == "postgresql":
        return sa.and_(column.is_not(None), sa.func.isfinite(column), column >= sa.literal_column("'0001-01-01'"))
    return sa.and_(column.is_not(None), sa.func.year(column) > 0, sa.func.month(column) > 0)


def _rows_of(own: MonthTable, month: int | None, dialect: str) -> sa.Select[Any]:
    """The rows of one month by a range, so that an index on the column is used; or those without a date."""
    query = sa.select(*own.values).select_from(own.table)
    column: sa.ColumnElement[Any] = sa.column(own.by)
    if month is None:
        return query.where(sa.or_(column.is_(None), sa.not_(_has_month(column, dialect))))
    year, number = divmod(month, 100)
    after = (year + 1, 1) if number == 12 else (year, number + 1)
    first: sa.ColumnElement[Any]
    end: sa.ColumnElement[Any]
    first, end = (sa.literal_column(f"'{y:04}-{m:02}-01'") for y, m in ((year, number), after))
    return query.where(_has_month(column, dialect), column >= first, column < end)


def _read_manifest(file: Path, signature: str) -> dict[str, str]:
    try:
        saved = json.loads(file.read_text("utf-8"))
        return dict(saved["parts"]) if saved["columns"] == signature else {}
    except (OSError, ValueError, KeyError, TypeError):
        return {}


def _write_manifest(file: Path, signature: str, parts: dict[str, str]) -> None:
    half = file.with_name(f".{file.name}.{os.getpid()}")
    half.write_text(json.dumps({"columns": signature, "parts": parts}), encoding="utf-8")
    half.replace(file)


def _remove_unused(folder: Path, parts: dict[str, str]) -> None:
    used = {f"{name}.{label}.parquet" for name, label in parts.items()}
    for file in folder.glob("*.parquet"):
        if file.name not in used and file.stat().st_mtime < time.time() - KEPT_UNUSED:
            file.unlink(missing_ok=True)


def _digest(text: str) -> str:
    return hashlib.blake2b(text.encode(), digest_size=12).hexdigest()
