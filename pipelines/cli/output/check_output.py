"""What ``rescue check`` prints."""

from collections.abc import Iterator
from itertools import groupby

from rich.table import Table
from rich.text import Text

from features.contract import METRICS
from features.validation.validation_report import TableReport
from pipelines.console import out
from pipelines.sources.source_check import CheckReport
from serving.night_report.report_schema import TimestampOutliers
from serving.night_report.report_text import day_text, warning_line

SHOWN_VALUES = 10
"""Values that are shown of a column."""


def show_check(report: CheckReport) -> None:
    """Print the report: the rows of each table, quarantined rows, missing tables, and whether a night can run."""
    out.print(Text(f"Source: {report.source}"))
    out.print(_overview(report))
    for line in _lines(report):
        out.print(Text(line))
    result = "A night would stop on this source." if report.problems else "A night can run on this source."
    out.print(Text("\n".join((*report.problems, result))))


def _overview(report: CheckReport) -> Table:
    columns = ("table", "rows", "accepted", "duplicates", "quarantined", "from", "to")
    table = Table(box=None, pad_edge=False)
    for column in columns:
        table.add_column(column, justify="right" if column in columns[1:5] else "left", no_wrap=True)
    for rows in report.validation.tables.values():
        counts = (rows.rows, rows.accepted, rows.duplicates, sum(rows.quarantined.values()))
        span = (day_text(day) if day else "" for day in (rows.first, rows.last))
        table.add_row(rows.name, *(f"{count:,}" for count in counts), *span)
    return table


def _lines(report: CheckReport) -> Iterator[str]:
    for table in report.validation.tables.values():
        yield from _refused(table)
        if table.unknown_columns:
            yield f"{table.name}: columns that are not in the contract and not used: {', '.join(table.unknown_columns)}"
    for name, near in report.validation.unknown.items():
        hint = f"; did you mean {near!r}?" if near else "."
        yield f"{name} is not a table of the contract and was not read{hint}"
    for outliers in report.validation.timestamp_outliers:
        yield f"Warning: {warning_line(TimestampOutliers.model_validate(outliers.as_json()))}"
    yield from _unused(report)
    for name, cost in report.costs.items():
        yield f"Missing table {name}: {cost}."


def _unused(report: CheckReport) -> Iterator[str]:
    for column, values in groupby(report.unused, key=lambda value: (value.table, value.column)):
        counts = [f"{value.value!r} ({value.rows:,} rows)" for value in values]
        why = "not declared in the settings" if column[0] == METRICS.name else "not understood"
        more = f" and {len(counts) - SHOWN_VALUES} more" if len(counts) > SHOWN_VALUES else ""
        yield f"{'.'.join(column)}: values that are {why} and not used: {', '.join(counts[:SHOWN_VALUES])}{more}"
    for key in report.unmeasured:
        yield f"Warning: the settings declare the metric {key}, and no row of the source has it."


def _refused(table: TableReport) -> Iterator[str]:
    for rule, count in table.quarantined.items():
        yield f"{table.name}: {count:,} quarantined by rule {rule.value}: {rule.sentence}"
        for bad in table.examples:
            if bad.rule is rule:
                yield f"    {bad.file}, row {bad.row}, {bad.column or 'the line'}: {bad.shown}"
