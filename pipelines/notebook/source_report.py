"""The result of validation as data frames: what was accepted, what was not and why, and what a night would lack."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from features.catalogue import FEATURES
from pipelines.cli.output.check_output import report_lines
from pipelines.notebook import html_parts
from pipelines.sources.lost_features import find_missing_columns, find_values_without_versions
from pipelines.sources.mappings.mapping_settings import reading_rules
from pipelines.sources.source_check import CheckReport, check_source
from pipelines.sources.unused_values import find_unmeasured, find_unused_values

if TYPE_CHECKING:
    import pandas as pd

    from pipelines.notebook.notebook_source import NotebookSource


@dataclass(frozen=True, repr=False)
class SourceReport:
    """The validation report of a source; it shows itself in a notebook."""

    check: CheckReport

    @property
    def fit(self) -> bool:
        """Whether a night can run on this source."""
        return not self.check.problems

    @cached_property
    def tables(self) -> pd.DataFrame:
        """The rows of each table: accepted, duplicates and quarantined, and the days that they span."""
        import pandas as pd

        rows = [
            {
                "table": table.name,
                "rows": table.rows,
                "accepted": table.accepted,
                "duplicates": table.duplicates,
                "quarantined": sum(table.quarantined.values()),
                "first": table.first,
                "last": table.last,
            }
            for table in self.check.validation.tables.values()
        ]
        return pd.DataFrame(rows).set_index("table")

    @cached_property
    def quarantined(self) -> pd.DataFrame:
        """Examples of quarantined rows: file and row, column, the rule that was broken, and the value."""
        import pandas as pd

        examples = [
            {
                "table": table.name,
                "rule": bad.rule.value,
                "file": bad.file,
                "row": bad.row,
                "key": bad.key,
                "column": bad.column,
                "value": bad.shown,
            }
            for table in self.check.validation.tables.values()
            for bad in table.examples
        ]
        return pd.DataFrame(examples, columns=["table", "rule", "file", "row", "key", "column", "value"])

    @property
    def sentences(self) -> list[str]:
        """What `rescue check` prints below its table, a line each."""
        return list(report_lines(self.check))

    @property
    def conclusion(self) -> str:
        """Whether a night can run, and why not."""
        problems = " ".join(self.check.problems)
        return f"{problems} A night would stop on this source." if problems else "A night can run on this source."

    def __repr__(self) -> str:
        return f"Source {self.check.source}: {len(self.tables)} tables. {self.conclusion}"

    def _repr_html_(self) -> str:
        return "".join(
            [
                html_parts.title(f"Source: {self.check.source}"),
                html_parts.table(self.tables),
                html_parts.paragraph(self.conclusion),
                html_parts.details("What else was noticed", html_parts.bullets(self.sentences)),
            ]
        )


def report_source(source: NotebookSource) -> SourceReport:
    """The report of an open source; one on which a night would stop is read again, because nothing of it was kept.

    Raises:
        DataGateError: a file of it cannot be read.
    """
    settings = source.settings
    if source.validated is None:
        return SourceReport(
            check_source(
                settings.data,
                mapping=settings.mapping,
                tolerance=settings.row_tolerance,
                metrics=settings.declared_metrics,
                reading=reading_rules(settings),
                settings=settings if settings.source_places else None,
            )
        )
    validation, metrics = source.validated.validation, settings.declared_metrics
    return SourceReport(
        CheckReport(
            source.validated.source.name,
            validation.report,
            find_unused_values(validation.history, metrics),
            find_unmeasured(validation.history, metrics),
            find_missing_columns(validation.history, FEATURES),
            without_versions=find_values_without_versions(validation.history),
        )
    )
