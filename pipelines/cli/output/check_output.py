"""What ``rescue check`` prints."""

from collections.abc import Iterator
from dataclasses import asdict
from itertools import groupby

from rich.table import Table
from rich.text import Text

from features.contract import METRICS
from features.validation.validation_report import TableReport
from models.reports.sentences import render_finding
from pipelines.console import out
from pipelines.sources.lost_features import MissingColumn
from pipelines.sources.source_check import CheckReport
from pipelines.sources.table_names import required_columns
from pipelines.sources.unused_values import UnusedValue
from serving.night_report.report_schema import FileInterpretation, SourceLeftOut, TimestampOutliers, UnreadFile
from serving.night_report.report_text import day_text, extension_line, late_text, plural, warning_line

SHOWN_VALUES = 10
"""Values that are shown of a column."""

_LEFT = "accounts that left and were removed"

CONTRACT_PAGE = "docs/data-contract.md"
"""The page that describes every table and column."""


def show_check(report: CheckReport) -> None:
    """Print the report: the rows of each table, quarantined rows, missing tables, and whether a night can run."""
    out.print(Text(f"Source: {report.source}"))
    out.print(_overview(report))
    for line in report_lines(report):
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


def report_lines(report: CheckReport) -> Iterator[str]:
    """What is said below the table of rows: quarantined rows, unknown values, missing tables, files not read.

    What keeps a model from being learned comes first.
    """
    yield from (f"Warning: {_missing_column(it)}" for it in report.missing_columns if it.prevents_learning)
    yield from (f"Warning: {render_finding(it)}" for it in report.without_versions)
    for table in report.validation.tables.values():
        yield from _rows(table)
        if table.problem and table.problem not in report.problems:
            yield table.problem
        if table.unknown_columns:
            yield f"{table.name}: columns that are not in the contract and not used: {', '.join(table.unknown_columns)}"
    yield from _unknown_accounts(report)
    for name, near in report.validation.unknown.items():
        hint = f"; did you mean {near!r}? It needs the columns {required_columns(near)}." if near else "."
        yield f"{name} is not a table of the contract and was not read{hint}"
    for file, reason in report.validation.unread_files:
        yield warning_line(UnreadFile(file=file, reason=reason))
    for note in report.validation.file_notes:
        yield warning_line(FileInterpretation.model_validate(asdict(note)))
    for outliers in report.validation.timestamp_outliers:
        yield f"Warning: {warning_line(TimestampOutliers.model_validate(outliers.as_json()))}"
    yield from (f"Warning: {late_text(feed)}" for feed in report.late_feeds)
    yield from _sources(report)
    yield from _unused(report)
    yield from _extensions(report)
    yield from (_missing_column(it) for it in report.missing_columns if not it.prevents_learning)
    for name, cost in report.costs.items():
        unread = name in report.validation.unread_tables
        yield f"Table {name} could not be read (see the end): {cost}." if unread else f"Missing table {name}: {cost}."
    yield f"What each table and column means: {CONTRACT_PAGE}"


def _sources(report: CheckReport) -> Iterator[str]:
    """Of several sources: those that were left out, and how many companies of each match an account in which way."""
    for left in report.left_out:
        yield f"Warning: {warning_line(SourceLeftOut(source=left.source, reason=left.reason))}"
    for place, result in enumerate(report.crosswalks):
        if result in report.crosswalks[:place]:
            continue  # tables that were read twice
        ways = ", ".join(f"{count:,} by {way.replace('_', ' ')}" for way, count in sorted(result.by_way.items()))
        counts = f"{result.matched:,} of {result.companies:,} companies ({result.share:.0%}) match an account"
        several = sum(other.source == result.source for other in report.crosswalks) > 1
        tables = f" ({', '.join(result.tables)})" if several and result.tables else ""
        yield f"{result.source}{tables}: {counts}{f': {ways}' if ways else ''}."
        for table, rows in result.rows_left_out.items():
            yield f"  {table}: {plural(rows, 'row')} of the other companies {'is' if rows == 1 else 'are'} left out."
        for near in result.near:
            called = f" ({near.name})" if near.name else ""
            yield f"  Near miss: {near.company}{called}, perhaps {' or '.join(near.accounts)}: {near.reason}."


def _unused(report: CheckReport) -> Iterator[str]:
    for (table, column, section), group in groupby(report.unused, key=lambda value: (*_place(value), value.section)):
        values = list(group)
        is_metric = table == METRICS.name
        why = "not declared in the settings" if is_metric else "not understood"
        more = f" and {len(values) - SHOWN_VALUES} more" if len(values) > SHOWN_VALUES else ""
        shown = ", ".join(map(_unused_value, values[:SHOWN_VALUES]))
        yield f"{table}.{column}: values that are {why} and not used: {shown}{more}"
        if not is_metric:
            yield from _word_lines(section, values)
    for key in report.unmeasured:
        yield f"Warning: the settings declare the metric {key}, and no row of the source has it."


def _extensions(report: CheckReport) -> Iterator[str]:
    for extension in report.extensions:
        yield f"Extension {extension_line(extension)}"
    yield from report.unused_extensions


def _place(value: UnusedValue) -> tuple[str, str]:
    return value.table, value.column


def _word_lines(section: str, values: list[UnusedValue]) -> Iterator[str]:
    """Where values can be given a meaning; one is proposed only where a value is misspelled."""
    misspelled = [value for value in values if value.nearest]
    if misspelled:
        yield f"    Probably misspelled; in rescue.toml or mapping.toml, section [{section}]:"
        yield from (f'    "{value.value}" = "{value.nearest}"' for value in misspelled[:SHOWN_VALUES])
    if len(misspelled) < len(values):
        words = ", ".join(values[0].words)
        yield (
            f"    A value that means one of the words {words} can be given this meaning in [{section}] of rescue.toml "
            "or mapping.toml; leave out the others."
        )


def _unused_value(value: UnusedValue) -> str:
    near = f", near {value.nearest!r}" if value.nearest else ""
    return f"{value.value!r} ({_count(value.rows, 'row')}{near})"


def _unknown_accounts(report: CheckReport) -> Iterator[str]:
    unknown = report.validation.unknown_accounts
    if not unknown.ids:
        return
    rows = ", ".join(f"{count:,} of {name}" for name, count in unknown.rows.items())
    yield f"{_count(unknown.ids, 'account id')} in other tables {_is(unknown.ids)} not among the accounts: {rows} rows"
    if unknown.quarantined_ids:
        rules = ", ".join(f"{count:,} by rule {rule}" for rule, count in unknown.quarantined.items())
        more = ", …" if unknown.quarantined_ids > len(unknown.quarantined_examples) else ""
        named = ", ".join(map(repr, unknown.quarantined_examples))
        count = f"{unknown.quarantined_ids:,} of them"
        yield f"    {count}: in accounts, but all rows are quarantined ({rules}): {named}{more}"
    if unknown.quarantined_ids == unknown.ids:
        return
    if not unknown.near_ids:
        tables = report.validation.tables
        whole = any(name in tables and count == tables[name].rows for name, count in unknown.rows.items())
        why = "ids of another system, to be matched by `match_by` or `links`" if whole else _LEFT
        which = "None of the others" if unknown.quarantined_ids else "None of them"
        yield f"    {which} resembles an account's id: probably {why}."
        return
    share = unknown.near_ids / unknown.ids
    yield f"    {unknown.near_ids:,} of them ({share:.0%}) differ from an account's id in how they are written:"
    for near in unknown.near:
        yield f"    {near.id!r} is probably {near.account!r} (differs by {near.difference}; {_count(near.rows, 'row')})"
    yield "    Write ids in one way, in the export or in a mapping (--mapping)."


def _missing_column(column: MissingColumn) -> str:
    place = f"Missing column {column.table}.{column.column}"
    if not column.features:
        return f"{place}: {column.assumed}."
    shown = ", ".join(column.features[:SHOWN_VALUES])
    if column.changing:
        return (
            f"Column {column.table}.{column.column} is not read, so {shown} is unknown: {column.table} has no "
            "known_at, and its values of today would be read beside cutoffs of the past. Deliver known_at, or set "
            "constant = true for an attribute that never changes."
        )
    more = f" and {len(column.features) - SHOWN_VALUES} more" if len(column.features) > SHOWN_VALUES else ""
    return f"{place}: {_count(len(column.features), 'feature')} unknown: {shown}{more}."


def _rows(table: TableReport) -> Iterator[str]:
    if table.unassigned:
        yield f"{table.name}: {_count(table.unassigned, 'row')} without an account, counted as unassigned"
    if table.not_measured:
        yield f"{table.name}: {_count(table.not_measured, 'row')} without a value: not measured then"
    for rule, count in table.quarantined.items():
        yield f"{table.name}: {count:,} quarantined by rule {rule.value}: {rule.sentence}"
        for bad in table.examples:
            if bad.rule is rule:
                yield f"    {bad.file}, {bad.place}, {bad.column or 'the line'}: {bad.shown}"


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def _is(number: int) -> str:
    return "is" if number == 1 else "are"
