"""The source of a run after validation: its history, the validation report, and the settings that came with it."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

from features.contract import TABLES
from features.errors import DataGateError, RescueError
from pipelines import assembly
from pipelines.extensions.load_extensions import Extensions, check_on_source, load_extensions, own_features
from pipelines.settings import Settings
from pipelines.sources import validate_rows
from pipelines.sources.currency_conversion import convert_currencies
from pipelines.sources.lost_parents import refuse_lost_parents
from pipelines.sources.mappings.mapping_errors import MissingInputError
from pipelines.sources.mappings.mapping_settings import merged_risk_settings, reading_rules
from pipelines.sources.named.open_sources import open_configured_source
from pipelines.sources.named.source_set import SourceSet, near_text
from pipelines.sources.queue_outcomes import SourceWithQueueOutcomes, with_queue_outcomes
from serving.night_report.report_schema import (
    AccountsNotInSource,
    CompaniesNotMatched,
    CurrencyWithoutRate,
    ExtensionNotUsed,
    ExtensionReport,
    FileInterpretation,
    NightWarning,
    SourceLeftOut,
    TableRows,
    TimestampOutliers,
    UnknownTable,
    UnreadFile,
)

if TYPE_CHECKING:
    from features.history.history import History
    from features.validation.validate import Validation
    from features.validation.validation_report import TableReport
    from pipelines.console import Steps
    from pipelines.sources import Source


@dataclass(frozen=True)
class ValidatedSource:
    """A source that was read and validated.

    ``settings`` are those of the command without the extensions that do not meet the rules on these rows;
    ``without_rate`` are the currencies that cannot be compared.
    """

    source: Source
    validation: Validation
    settings: Settings
    without_rate: tuple[str, ...] = ()
    extensions: Extensions = field(default_factory=Extensions)

    @property
    def history(self) -> History:
        """Every accepted row of the source, with the time at which it became known."""
        return self.validation.history

    @property
    def risk_settings(self) -> dict[str, dict[str, Any]]:
        """The settings of the risks: those of the operator win over those of the mapping."""
        return merged_risk_settings(self.settings)

    @property
    def missing(self) -> tuple[str, ...]:
        """The contract's tables that the source does not have."""
        return self.validation.report.missing

    @property
    def warnings(self) -> tuple[NightWarning, ...]:
        """What a night's report warns of: tables with a wrong name, rows that were left out, wrong timestamps."""
        report = self.validation.report
        misnamed = [UnknownTable(table=name, nearest=near) for name, near in report.unknown.items()]
        unread = [UnreadFile(file=file, reason=reason) for file, reason in report.unread_files]
        notes = [FileInterpretation.model_validate(asdict(note)) for note in report.file_notes]
        money = [CurrencyWithoutRate(currencies=self.without_rate)] if self.without_rate else []
        unused = [ExtensionNotUsed(file=it.file, reason=it.reason) for it in self.extensions.unused]
        left_out = self.source.warnings if isinstance(self.source, SourceWithQueueOutcomes) else ()
        rows: tuple[NightWarning, ...] = (*self._accounts_not_in_source(), *left_out, *self.outliers)
        return (*unused, *self._of_sources(), *misnamed, *unread, *notes, *money, *rows)

    @property
    def tables_left_out(self) -> frozenset[str]:
        """The tables of the sources that were left out, as the settings allow; a night does not miss their rows.

        Which tables a source without a mapping would have given is not known: all that are absent, and the links.
        """
        named = self._source_set
        if named is None or not named.left_out:
            return frozenset()
        absent = TABLES.keys() - self.validation.report.tables.keys()
        return frozenset({*absent, "links", *(table for left in named.left_out for table in left.tables)})

    @property
    def _source_set(self) -> SourceSet | None:
        source = self.source.inner if isinstance(self.source, SourceWithQueueOutcomes) else self.source
        return source if isinstance(source, SourceSet) else None

    def _of_sources(self) -> tuple[SourceLeftOut | CompaniesNotMatched, ...]:
        """Sources of several that were left out, and companies that match no account."""
        named = self._source_set
        if named is None:
            return ()
        return (
            *(SourceLeftOut(source=left.source, reason=left.reason) for left in named.left_out),
            *(
                CompaniesNotMatched(
                    source=result.source,
                    companies=result.companies,
                    matched=result.matched,
                    rows=sum(result.rows_left_out.values()),
                    nearest=near_text(result) if result.near else "",
                )
                for result in named.crosswalks
                if not result.same_ids and result.matched < result.companies
            ),
        )

    def extension_reports(self) -> tuple[ExtensionReport, ...]:
        """The extensions in use, for reports."""
        return tuple(ExtensionReport(**it.described()) for it in self.extensions.used)

    def _accounts_not_in_source(self) -> tuple[AccountsNotInSource, ...]:
        unknown = self.validation.report.unknown_accounts
        if not unknown.ids:
            return ()
        rows = unknown.rows
        return (
            AccountsNotInSource(
                accounts=unknown.ids,
                rows=sum(rows.values()),
                tables=tuple(rows),
                resembling=unknown.near_ids,
                quarantined=unknown.quarantined_ids,
            ),
        )

    @property
    def outliers(self) -> tuple[TimestampOutliers, ...]:
        """Rows with timestamps long after all others, by table."""
        rows = self.validation.report.timestamp_outliers
        return tuple(TimestampOutliers.model_validate(outliers.as_json()) for outliers in rows)

    def table_rows(self, newest: Mapping[str, date | None] | None = None) -> tuple[TableRows, ...]:
        """What happened to the rows of each table, for the night's report; ``newest`` are the days of the newest."""
        return tuple(self._rows(table, newest or {}) for table in self.validation.report.tables.values())

    def _rows(self, table: TableReport, newest: Mapping[str, date | None]) -> TableRows:
        files = self.validation.files.get(table.name)
        back = self.source if isinstance(self.source, SourceWithQueueOutcomes) else None
        return TableRows(
            name=table.name,
            rows=table.rows,
            accepted=table.accepted,
            duplicates=table.duplicates,
            quarantined={rule.value: count for rule, count in table.quarantined.items()},
            files_read=files.read if files else 0,
            files_cached=files.cached if files else 0,
            newest_on=newest.get(table.name),
            of_queue=back is not None and table.name in back.files and table.name not in back.inner.tables(),
        )

    def facts(self) -> Mapping[str, object]:
        """What a training run records of its data: name, one fingerprint of all its tables, span and rows by table."""
        return {
            "name": self.source.title,
            "fingerprint": _of_all(self.source.fingerprint()),
            "first": self.history.first.isoformat(),
            "until": self.history.until.isoformat(),
            "rows": {name: table.accepted for name, table in self.validation.report.tables.items()},
        }


def _of_all(fingerprints: Mapping[str, str]) -> str:
    """One fingerprint, which changes with any table's."""
    return hashlib.sha256(repr(sorted(fingerprints.items())).encode()).hexdigest()[:32]


def validate_source(
    settings: Settings,
    scratch: Path,
    earlier: Sequence[Mapping[str, int]] = (),
    tonight: date | None = None,
    *,
    training: bool = False,
) -> ValidatedSource:
    """Open and validate the source that the settings name, together with the outcomes of the queue, if there is one.

    ``scratch`` must outlive what is returned. ``earlier`` are the rows of each table on earlier nights, oldest first:
    where accounts have become fewer, this is the cause of rows without an account. ``tonight`` is the day of a night
    that nobody asked for, on which none of several sources may be stale; ``training`` is whether models are fitted.

    Raises:
        UsageError: there is no such source.
        DataGateError: it cannot be read, or is not fit for a night.
    """
    own_features(settings)  # the tables and columns of extensions are part of the contract from here on
    source = with_queue_outcomes(open_configured_source(settings, tonight), settings, scratch)
    try:
        validation = validate_rows(
            source,
            scratch,
            state=_state(settings),
            memory=settings.memory,
            tolerance=settings.row_tolerance,
            reading=reading_rules(settings),
            cluster=assembly.open_cluster(settings),
            training=training,
        )
    except MissingInputError as error:
        raise _as_data_problem(error, earlier) from None
    refuse_lost_parents(validation.report, earlier, settings.row_tolerance)
    history = validation.require_fit().history
    without_rate = convert_currencies(history, settings.currency)
    extensions = check_on_source(settings, load_extensions(settings), history)
    return ValidatedSource(source, validation, extensions.settings(settings), without_rate, extensions)


def _as_data_problem(error: MissingInputError, earlier: Sequence[Mapping[str, int]]) -> RescueError:
    """A table that queries read is missing: a problem of the data where earlier nights had what they make of it."""
    if not any(error.target in rows or not error.target for rows in earlier):
        return error
    if not error.target:
        return DataGateError(f"{error} Earlier nights had it: export it again.")
    return DataGateError(
        f"{error} Earlier nights had rows of {error.target}: export them again. If they are gone for good, remove the "
        f"query {error.target}.sql and accept it in rescue.toml: [least_rows] {error.target} = 0."
    )


def validate_source_step(settings: Settings, scratch: Path, steps: Steps, *, training: bool = False) -> ValidatedSource:
    """Like :func:`validate_source`, as a step of a command."""
    with steps.step("validate", reading_text(settings)):
        return validate_source(settings, scratch, training=training)


def reading_text(settings: Settings) -> str:
    """The progress line of the step that reads and validates the source."""
    return f"Reading and validating {settings.source_text}"


def _state(settings: Settings) -> Path | None:
    """The folder with cached validation results; None where there is no home folder yet."""
    return settings.home / "state" if settings.home.is_dir() else None
