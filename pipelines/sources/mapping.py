"""A mapping: each of the contract's tables as one SELECT over the source's own tables, and nothing else.

A mapping is somebody's SQL, perhaps copied from the web, so it runs in a DuckDB of its own that can read the source's
tables and no other file, and has no network. Its results are Parquet files that are validated like any others.
"""

import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import duckdb

from features.contract import TABLES
from features.errors import UsageError, suggest_name
from features.quoting import quote_name
from features.source_table import SourceTable
from models.risks.defaults import DEFAULTS
from pipelines.settings import Settings
from pipelines.sources.base import Source
from pipelines.sources.read_source import connect_duckdb

SETTINGS_FILE = "mapping.toml"


@dataclass(frozen=True)
class MappedSource:
    """A source seen through a folder of ``<table>.sql`` files; ``mapping.toml`` may set the risks' settings."""

    origin: Source
    folder: Path

    @property
    def name(self) -> str:
        """The origin and the mapping."""
        return f"{self.origin.name} through {self.folder}"

    @property
    def title(self) -> str:
        """The titles of both."""
        return f"{self.origin.title} through {self.folder.resolve().name}"

    def tables(self) -> tuple[str, ...]:
        """The tables that the mapping makes."""
        return tuple(self._queries)

    def stage(self, names: Sequence[str], scratch: Path, *, as_typed: bool = False) -> list[SourceTable]:
        """The results of the queries as Parquet files under ``scratch``."""
        scratch.mkdir(parents=True, exist_ok=True)
        targets = {name: scratch / f"{name}.parquet" for name in names}
        connection = self._locked(targets, scratch)
        try:
            return [self._run(connection, name, target) for name, target in targets.items()]
        finally:
            connection.close()

    def fingerprint(self) -> dict[str, str]:
        """The origin's tables and the mapping's text: any change of either may change any table."""
        content = repr((sorted(self.origin.fingerprint().items()), sorted(self._queries.items())))
        return dict.fromkeys(self.tables(), content)

    @cached_property
    def _queries(self) -> dict[str, str]:
        if not self.folder.is_dir():
            raise UsageError(f"There is no mapping folder {self.folder}.")
        files = sorted(self.folder.glob("*.sql"))
        if not files:
            raise UsageError(f"The mapping folder {self.folder} holds no <table>.sql.")
        return {file.stem: _query(file) for file in files}

    def _locked(self, targets: Mapping[str, Path], scratch: Path) -> duckdb.DuckDBPyConnection:
        """A DuckDB that has the source's tables as views, and can open their files and the targets only."""
        words = set(re.findall(r"\w+", " ".join(self._queries.values()).lower()))
        wanted = [name for name in self.origin.tables() if set(re.findall(r"\w+", name.lower())) <= words]
        natives = self.origin.stage(wanted, scratch / "native", as_typed=True)
        connection = connect_duckdb(scratch)
        for table in natives:
            connection.execute(f"CREATE VIEW {quote_name(table.name)} AS SELECT * FROM {table.relation}")
        files = [file for table in natives for file in table.files]
        connection.execute("SET GLOBAL TimeZone = 'UTC'")
        connection.execute("SET allowed_paths = ?", [[*files, *(str(target) for target in targets.values())]])
        connection.execute("SET enable_external_access = false")
        connection.execute("SET lock_configuration = true")
        return connection

    def _run(self, connection: duckdb.DuckDBPyConnection, name: str, target: Path) -> SourceTable:
        try:
            connection.sql(self._queries[name]).write_parquet(str(target))
        except duckdb.PermissionException:
            raise UsageError(f"{name}.sql reads more than the source's own tables, which no mapping may.") from None
        except duckdb.Error as error:
            raise UsageError(f"{name}.sql of {self.folder} fails: {' '.join(str(error).split())[:300]}") from None
        return SourceTable(name, (str(target),), {str(target): f"{name}.sql"})


def read_risk_settings(folder: Path) -> dict[str, dict[str, Any]]:
    """The settings of risks that a mapping brings in its ``mapping.toml``, by risk.

    Raises:
        UsageError: the file is not TOML, or holds something other than settings by risk.
    """
    file = folder / SETTINGS_FILE
    if not file.is_file():
        return {}
    try:
        settings = tomllib.loads(file.read_text("utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UsageError(f"{file} is not TOML: {error}.") from None
    for risk, values in settings.items():
        if not isinstance(values, dict):
            raise UsageError(f"{file} may hold tables of risk settings only, such as [{DEFAULTS[0].name}], not {risk}.")
    return {risk: {name: _value(value) for name, value in values.items()} for risk, values in settings.items()}


def merged_risk_settings(settings: Settings) -> dict[str, dict[str, Any]]:
    """The settings of the risks, by risk: those of the operator win over those of the mapping."""
    given = read_risk_settings(settings.mapping) if settings.mapping else {}
    names = sorted({*given, *settings.risks})
    return {name: {**given.get(name, {}), **settings.risks.get(name, {})} for name in names}


def _query(file: Path) -> str:
    """The file's one SELECT.

    Raises:
        UsageError: the file is not named after a table of the contract, or does not hold exactly one SELECT.
    """
    if file.stem not in TABLES:
        raise UsageError(f"{file}: there is no table {file.stem!r} in the contract; {suggest_name(file.stem, TABLES)}")
    try:
        statements = duckdb.extract_statements(file.read_text("utf-8"))
    except (duckdb.Error, UnicodeDecodeError) as error:
        raise UsageError(f"{file} is not SQL: {' '.join(str(error).split())[:300]}") from None
    if len(statements) != 1 or statements[0].type != duckdb.StatementType.SELECT:
        raise UsageError(f"{file} must hold one SELECT and nothing else.")
    return str(statements[0].query)


def _value(value: Any) -> Any:
    """TOML's arrays are tuples for us, like every list of names in the risks' settings."""
    return tuple(value) if isinstance(value, list) else value
