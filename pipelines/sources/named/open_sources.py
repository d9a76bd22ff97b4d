"""From the settings to the source of a night: one source, or several with names."""

from datetime import date
from functools import partial
from pathlib import Path

from features.errors import DataGateError, RescueError, UsageError
from pipelines import assembly
from pipelines.setting_sections.source_settings import SourceSettings
from pipelines.settings import Settings
from pipelines.sources.base import Source
from pipelines.sources.lakes.cluster_source import open_cluster_source
from pipelines.sources.mappings.mapping import MappedSource
from pipelines.sources.mappings.mapping_folder import find_mapping
from pipelines.sources.named.local_times import LocalTimeSource
from pipelines.sources.named.source_set import LeftOut, NamedSource, SourceSet, refuse_missing_source
from pipelines.sources.opening import open_source

KEPT = Path("state") / "sources"
"""The folder of the home in which parts of databases and copies of remote files are kept."""


def open_configured_source(settings: Settings, tonight: date | None = None) -> Source:
    """The source that the settings name: ``data``, all of ``[sources]``, or ``[spark_tables]``.

    ``tonight`` is the day of a night that nobody asked for: a source that is stale on it is left out, or stops the
    night, as its settings say.

    Raises:
        UsageError: there is no such source.
        DataGateError: one of several sources cannot be read, and its settings say to stop.
    """
    if settings.spark_tables:
        return open_cluster_source(settings.spark_tables, partial(assembly.open_cluster, settings))
    kept = settings.home / KEPT if settings.home.is_dir() else None
    if not settings.sources:
        return open_source(settings.data, mapping=settings.mapping, kept=kept)
    members: list[NamedSource] = []
    left_out: list[LeftOut] = []
    for name, source in settings.sources.items():
        try:
            members.append(_open_named(name, source, kept))
        except (UsageError, DataGateError) as error:
            left_out.append(_left_out(name, source, error, members))
    if not members:
        raise DataGateError(f"None of the sources can be read. {left_out[0].reason}")
    joint = find_mapping(settings.mapping) if settings.mapping is not None else None
    return SourceSet(tuple(members), joint, tonight, left_out)


def _open_named(name: str, settings: SourceSettings, kept: Path | None) -> NamedSource:
    """One source; its tables are listed, so that what is not there is detected here."""
    raw = open_source(settings.data, schema=settings.db_schema, partition_by=settings.partition_by, kept=kept)
    if settings.timezone is not None:
        raw = LocalTimeSource(raw, settings.timezone)
    raw.tables()
    mapped = MappedSource(raw, find_mapping(settings.mapping)) if settings.mapping is not None else raw
    mapped.tables()
    return NamedSource(name, settings, raw, mapped)


def _left_out(name: str, settings: SourceSettings, error: RescueError, members: list[NamedSource]) -> LeftOut:
    """A source that is not there; it may be the one of the accounts unless one before it gives them.

    What it would have given is known where it has a mapping.
    """
    tables: tuple[str, ...] | None = None
    if settings.mapping is not None:
        tables = tuple(file.stem for file in find_mapping(settings.mapping).query_files())
    owned = any("accounts" in member.contract_tables for member in members)
    gives_accounts = not owned and (tables is None or "accounts" in tables)
    missing = refuse_missing_source(name, settings, error, gives_accounts)
    return LeftOut(missing.source, missing.reason, tables or ())
