"""The extensions of a company: loaded, checked, and only then part of contract, catalogue, risks and learners.

Checks come in two parts. What can be said without data is checked here, with every command that needs an extension;
what needs rows is checked by :func:`check_on_source` once the source is validated. Where the settings allow it, an
extension that breaks a rule is left out with its reason, else the command ends.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import PurePath
from typing import Any

from features.catalogue import Attribute, Feature, attribute_feature, declare_features, metric_features
from features.contract import TABLES, Metric, Table, declare_attributes, declare_tables, declare_ticket_columns
from features.definitions.feature import ExtensionFile
from features.definitions.source_presence import presence_features
from features.errors import UsageError, suggest_name
from features.history.history import History
from pipelines.extensions import declaration_checks as checks
from pipelines.extensions.extension import Extension
from pipelines.extensions.read_files import FileContent, list_files, read_extension
from pipelines.extensions.rules import ExtensionError, ExtensionRule, rule_of
from pipelines.extensions.source_checks import check_features_on_rows
from pipelines.settings import Settings


@dataclass(frozen=True)
class LoadedExtension:
    """An extension that meets the rules, with its file; its features carry the file and include those of its feeds."""

    file: ExtensionFile
    content: Extension

    def described(self) -> dict[str, Any]:
        """Its file, and the names of what it declares, for reports."""
        return {
            "file": self.file.name,
            "digest": self.file.digest,
            "features": tuple(feature.name for feature in self.content.features),
            "tables": tuple(table.name for table in self.content.tables),
            "risks": tuple(self.content.risks),
            "learners": tuple(learner.name for learner in self.content.learners),
        }


@dataclass(frozen=True)
class UnusedExtension:
    """An extension that is left out, and the sentence that says why."""

    file: str
    reason: str


@dataclass(frozen=True)
class Extensions:
    """The extensions of one run: those in use, and those that are left out."""

    used: tuple[LoadedExtension, ...] = ()
    unused: tuple[UnusedExtension, ...] = ()

    @property
    def features(self) -> tuple[Feature, ...]:
        """The features of all extensions, in the order of their files."""
        return tuple(feature for extension in self.used for feature in extension.content.features)

    def settings(self, settings: Settings) -> Settings:
        """The settings without the extensions that are left out."""
        off = {PurePath(extension.file).name for extension in self.unused} | set(settings.extensions_off)
        return settings.model_copy(update={"extensions_off": tuple(sorted(off))})

    def with_checked_risks(self, required: bool) -> "Extensions":
        """Those whose risks fit: they are checked last, because they may name tables and features of other files.

        Raises:
            ExtensionError: one does not, and extensions are required.
        """
        used, unused, taken = [], list(self.unused), set[str]()
        for extension in self.used:
            try:
                checks.check_risks(extension.file.name, extension.content.risks, taken)
            except ExtensionError as error:
                if required:
                    raise
                unused.append(UnusedExtension(extension.file.name, str(error)))
                continue
            used.append(extension)
            taken |= set(extension.content.risks)
        return Extensions(tuple(used), tuple(unused))

    @property
    def risks(self) -> dict[str, Mapping[str, Any]]:
        """The settings of the risks that extensions declare."""
        return {name: risk for extension in self.used for name, risk in extension.content.risks.items()}


def own_features(settings: Settings) -> tuple[Feature, ...]:
    """The features of declared attributes and of extensions; contract and catalogue know them from then on.

    Raises:
        UsageError: an extension cannot be used, and the settings do not allow to leave it out.
    """
    attributes = settings.declared_attributes
    features = (*map(attribute_feature, attributes), *load_extensions(settings).features)
    declare_attributes(attributes)
    declare_ticket_columns(settings.declared_ticket_columns)
    declare_features(
        (*(feature for metric in settings.declared_metrics for feature in metric_features(metric)), *features)
    )
    return features


def load_extensions(settings: Settings) -> Extensions:
    """The extensions that the settings name, checked as far as that is possible without rows.

    Raises:
        UsageError: one cannot be used, and the settings do not allow to leave it out; or one that is to be left out
            does not exist.
    """
    folder = settings.extensions_folder
    if folder is None:
        return Extensions()
    files = list_files(folder)
    names = {content.path.name for content in files}
    for name in settings.extensions_off:
        if name not in names:
            raise UsageError(
                f"extensions_off names {name!r}, which is no file of {folder}; {suggest_name(name, names)}"
            )
    chosen = tuple(content for content in files if content.path.name not in settings.extensions_off)
    return _load(chosen, settings.declared_metrics, settings.declared_attributes, settings.extensions_required)


@lru_cache(maxsize=8)
def _load(
    files: tuple[FileContent, ...], metrics: tuple[Metric, ...], attributes: tuple[Attribute, ...], required: bool
) -> Extensions:
    """Load each file; a second command of the same process gets the same objects, so nothing is executed twice."""
    names = checks.names_of_catalogue()
    names |= {feature.name: "a metric" for metric in metrics for feature in metric_features(metric)}
    names |= {attribute_feature(attribute).name: "an attribute" for attribute in attributes}
    known = _Known(names, {name: "the contract" for name in TABLES if name not in _declared_tables})
    used, unused = [], []
    for content in files:
        try:
            extension = known.check(content)
        except ExtensionError as error:
            if required:
                raise
            unused.append(UnusedExtension(content.name, str(error)))
            continue
        used.append(LoadedExtension(content.file, extension))
    return Extensions(tuple(used), tuple(unused)).with_checked_risks(required)


_declared_tables: set[str] = set()
"""Names of tables that extensions of this process declared before; they are no tables of the contract itself."""


@dataclass
class _Known:
    """The names that are taken while file after file is checked."""

    features: dict[str, str]
    tables: dict[str, str]
    learners: tuple[str, ...] = ()

    def check(self, content: FileContent) -> Extension:
        """The extension of a file; its names are taken from then on.

        Raises:
            ExtensionError: it breaks a rule.
        """
        declared = read_extension(content)
        with rule_of(content.name, ExtensionRule.DECLARATION):
            return self._checked(content, declared)

    def _checked(self, content: FileContent, declared: Extension) -> Extension:
        file = content.name
        checks.check_types(file, declared)
        checks.check_tables(file, declared.tables, self.tables)
        features = tuple(_features(declared, content.file))
        checks.check_names(file, declared.features, self.features)
        checks.check_wording(file, features, {*self.features, *(feature.name for feature in features)})
        _declare(declared.tables)
        checks.check_measures(file, features)
        declare_features(features)
        self._register(content, declared)
        self.features |= {feature.name: file for feature in features}
        self.tables |= {table.name: file for table in declared.tables}
        return replace(declared, features=features)

    def _register(self, content: FileContent, declared: Extension) -> None:
        if not declared.learners:
            return
        from models.learners.estimators import register_estimator
        from pipelines.extensions.learner_checks import check_learner

        for learner in declared.learners:
            check_learner(content.name, learner, self.learners)
            register_estimator(learner, content.file)
            self.learners += (learner.name,)


def _declare(tables: Sequence[Table]) -> None:
    declare_tables(tables)
    _declared_tables.update(table.name for table in tables)


def _features(declared: Extension, file: ExtensionFile) -> Iterator[Feature]:
    """The features of an extension with their file, and those of presence and age of its tables."""
    for feature in declared.features:
        yield replace(feature, extension=file)
    for table in declared.tables:
        for feature in presence_features(table):
            yield replace(feature, extension=file)


def check_on_source(settings: Settings, extensions: Extensions, history: History) -> Extensions:
    """The extensions whose features also meet the rules on rows of the source.

    Raises:
        ExtensionError: one does not, and the settings do not allow to leave it out.
    """
    used, unused = [], list(extensions.unused)
    for extension in extensions.used:
        try:
            check_features_on_rows(extension.file.name, extension.content.features, history)
        except ExtensionError as error:
            if settings.extensions_required:
                raise
            unused.append(UnusedExtension(extension.file.name, str(error)))
            continue
        used.append(extension)
    return Extensions(tuple(used), tuple(unused))
