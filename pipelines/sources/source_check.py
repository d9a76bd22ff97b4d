"""``rescue check``: the result of validating a source, before a night depends on it.

For every table its rows, span, what was accepted and what was rejected by which rule with examples; for every table
and column that is missing, what the night cannot know without it; the values that are not understood; the ids that no
account has; and the files that were not read. Nothing is scored, and nothing is written.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from features.catalogue import FEATURES, Metric
from features.contract import TABLES
from features.errors import DataGateError
from features.history.feed_rhythm import feed_rhythms
from features.history.history import History
from features.validation.tolerance import TOLERANCE, Tolerance
from features.validation.validate import Validation, validate_tables
from features.validation.validation_report import ValidationReport
from features.validation.values.reading_rules import ReadingRules
from models.data.findings import Finding
from pipelines import assembly
from pipelines.extensions.load_extensions import Extensions, check_on_source, load_extensions, own_features
from pipelines.scratch import scratch_folder
from pipelines.settings import Settings
from pipelines.sources import open_source, validate_rows
from pipelines.sources.lost_features import MissingColumn, find_missing_columns, find_values_without_versions
from pipelines.sources.named.crosswalk import CrosswalkResult
from pipelines.sources.named.open_sources import open_configured_source
from pipelines.sources.named.source_set import LeftOut, SourceSet
from pipelines.sources.read_source import connect_duckdb
from pipelines.sources.unused_values import UnusedValue, find_unmeasured, find_unused_values
from pipelines.system_clock import today
from serving.night_report.report_schema import ExtensionReport, FeedReport, UnknownPolicyName
from serving.policy.definition.policy_file import Policy
from serving.policy.definition.unknown_names import find_unknown_names


@dataclass(frozen=True)
class CheckReport:
    """The result of validating one source."""

    source: str
    validation: ValidationReport
    unused: tuple[UnusedValue, ...] = ()
    unmeasured: tuple[str, ...] = ()
    missing_columns: tuple[MissingColumn, ...] = ()
    extensions: tuple[ExtensionReport, ...] = ()
    unused_extensions: tuple[str, ...] = ()
    left_out: tuple[LeftOut, ...] = ()
    crosswalks: tuple[CrosswalkResult, ...] = ()
    without_versions: tuple[Finding, ...] = ()
    late_feeds: tuple[FeedReport, ...] = ()

    @property
    def costs(self) -> Mapping[str, str]:
        """By table that the source lacks, what a night cannot know without it."""
        missing = set(self.validation.missing) | {table.name for table in TABLES.values() if table.optional}
        return {name: TABLES[name].cost for name in TABLES if name in missing - self.validation.tables.keys()}

    @property
    def problems(self) -> tuple[str, ...]:
        """What would stop a night, the cause first."""
        return self.validation.problems

    @property
    def exit_code(self) -> int:
        """3 where a night would stop, else 0."""
        return 3 if self.problems else 0

    def as_json(self) -> dict[str, Any]:
        """The report as plain JSON values, with what each missing table costs."""
        return {
            "source": self.source,
            **self.validation.as_json(),
            "missing_tables": dict(self.costs),
            "late_feeds": [feed.model_dump(mode="json") for feed in self.late_feeds],
            "unused_values": [asdict(value) for value in self.unused],
            "metrics_without_rows": list(self.unmeasured),
            "missing_columns": [asdict(column) for column in self.missing_columns],
            "without_versions": [dict(finding.parameters) for finding in self.without_versions],
            "extensions": [extension.model_dump(mode="json") for extension in self.extensions],
            "unused_extensions": list(self.unused_extensions),
            "sources_left_out": [asdict(left) for left in self.left_out],
            "crosswalks": [{**asdict(result), "matched": result.matched} for result in self.crosswalks],
        }


def check_source(
    source: str,
    *,
    mapping: Path | None = None,
    tolerance: Tolerance | float = TOLERANCE,
    metrics: Sequence[Metric] = (),
    reading: ReadingRules | None = None,
    settings: Settings | None = None,
) -> CheckReport:
    """Validate a source as a night would; with ``settings``, also their attributes and extensions.

    Raises:
        UsageError: there is no such source.
        DataGateError: a file of it cannot be read.
    """
    lenient = settings.model_copy(update={"extensions_required": False}) if settings else None  # to list every problem
    own = own_features(lenient) if lenient else ()
    named = settings is not None and settings.source_places
    opened = open_configured_source(settings) if settings and named else open_source(source, mapping=mapping)
    cluster = assembly.open_cluster(settings) if settings else None
    with scratch_folder() as scratch:
        validation = validate_rows(opened, scratch, tolerance=tolerance, reading=reading, cluster=cluster)
        unused = find_unused_values(validation.history, metrics)
        unmeasured = find_unmeasured(validation.history, metrics)
        missing = find_missing_columns(validation.history, (*FEATURES, *own))
        without_versions = find_values_without_versions(validation.history)
        late = _late_feeds(validation.history, settings)
        extensions = _check_extensions(lenient, validation) if lenient else Extensions()
        validation.history.connection.close()
    return CheckReport(
        opened.name,
        validation.report,
        unused,
        unmeasured,
        missing,
        tuple(ExtensionReport(**extension.described()) for extension in extensions.used),
        tuple(extension.reason for extension in extensions.unused),
        tuple(opened.left_out) if isinstance(opened, SourceSet) else (),
        tuple(opened.crosswalks) if isinstance(opened, SourceSet) else (),
        without_versions,
        late,
    )


def _late_feeds(history: History, settings: Settings | None) -> tuple[FeedReport, ...]:
    """The feeds that are late at the end of the data, or today where rows have a later date."""
    as_of = min(history.until, today(settings.timezone)) if settings else history.until
    limits = {table.name: table.stopped_after for table in TABLES.values() if table.stopped_after}
    return tuple(
        FeedReport(table=table, age_days=age, max_age_days=limit, stale=age > limit, late=True, **asdict(rhythm))
        for table, rhythm in feed_rhythms(history, as_of, limits).items()
        if rhythm.newest_on and rhythm.is_late(as_of)
        for age, limit in (((as_of - rhythm.newest_on).days, limits[table]),)
    )


def _check_extensions(settings: Settings, validation: Validation) -> Extensions:
    """The extensions, checked on the rows of the source where it has any that a night would take."""
    extensions = load_extensions(settings)
    return extensions if validation.report.problems else check_on_source(settings, extensions, validation.history)


def unknown_policy_names(policy: Policy, settings: Settings) -> tuple[UnknownPolicyName, ...]:
    """The segments and regions that a policy names and no account of the settings' source has.

    Raises:
        UsageError: there is no such source.
        DataGateError: its accounts cannot be read.
    """
    own_features(settings)  # a mapping may have queries of an extension's tables
    source = open_configured_source(settings)
    with scratch_folder() as scratch:
        staged = source.stage([name for name in source.tables() if name == "accounts"], scratch / "source")
        with connect_duckdb(scratch) as connection:
            validation = validate_tables(connection, staged, scratch=scratch / "accepted", tolerance=1.0)
            if "accounts" not in validation.history.present:
                raise DataGateError(validation.report.problems[0])
            rows = validation.history.as_of(validation.history.until).rows("accounts")
            return find_unknown_names(policy.rules, rows["segment"].to_pylist(), rows["region"].to_pylist())
