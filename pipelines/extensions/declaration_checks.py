"""What can be said of an extension before any data is read: names, sentences, tables and measures.

An error of SQL, a table without a time or a sentence with a misspelled field would otherwise appear in the middle of a
night, or in a hand-off to a customer.
"""

import re
from collections.abc import Collection, Iterator, Mapping
from datetime import date, datetime
from typing import Any

import duckdb
import pyarrow as pa

from features.catalogue import FEATURES, OPTIONAL, Feature
from features.contract import OF_ACCOUNT, TABLES, Column, ColumnType, Table
from features.definitions.measures import AgainstPortfolio, Aggregate, Measure
from features.definitions.sentences import check_template
from features.engine.function_values import FunctionError
from features.errors import UsageError, suggest_name
from features.frame import build
from features.history.history import History
from models.risks.configuration import configured
from models.risks.defaults import DEFAULTS
from pipelines.extensions.extension import Extension
from pipelines.extensions.rules import NAME, ExtensionError, ExtensionRule, rule_of

RESERVED = ("metric_", "attribute_", "label_", "probability_", "has_")
"""Beginnings of names that other columns have."""
RESERVED_NAMES = frozenset({"account_id", "as_of", "risk", "all"})
RELATIONS = ("timeline",)
"""Relations that are no tables: tickets together with their events."""
TEXT_LITERAL = re.compile(r"'[^']*'")
ELSEWHERE = re.compile(
    r"\b(select|now|today|current_\w+|get_current_\w+|random|gen_random_uuid|uuid|getenv)\b", re.IGNORECASE
)
"""Words of SQL that read other rows, the clock, chance or the machine."""
TIMES = (ColumnType.INSTANT, ColumnType.DAY)
CUTOFF = date(2026, 1, 1)


def check_types(file: str, extension: Extension) -> None:
    """Check that an extension holds features, tables, risks and learners, each where it belongs."""
    for part in ("features", "tables", "learners"):
        if not isinstance(getattr(extension, part), list | tuple):
            problem = f"{part} is {getattr(extension, part)!r}; it has to be a list: {part}=[…]."
            raise ExtensionError(file, ExtensionRule.DECLARATION, problem)
    if not isinstance(extension.risks, Mapping) or not all(isinstance(it, Mapping) for it in extension.risks.values()):
        problem = "risks has to hold settings by name: risks={'late': {'kind': 'overdue', 'horizon': 60}}."
        raise ExtensionError(file, ExtensionRule.DECLARATION, problem)
    for part, kind in (("features", Feature), ("tables", Table)):
        for item in getattr(extension, part):
            if not isinstance(item, kind):
                problem = f"{part} holds {item!r}, which is no {kind.__name__}."
                raise ExtensionError(file, ExtensionRule.DECLARATION, problem)
    for learner in extension.learners:
        missing = [name for name in ("name", "title", "fit", "read") if not hasattr(learner, name)]
        if missing:
            problem = f"learners holds {learner!r}, which is no learner: it has no {' and no '.join(missing)}."
            raise ExtensionError(file, ExtensionRule.DECLARATION, problem)


def check_tables(file: str, tables: Collection[Table], taken: Mapping[str, str]) -> None:
    """Check the entries of tables; ``taken`` are the names of those that exist, with the place of each."""
    for table in tables:
        problem = next(_table_problems(table, taken), None)
        if problem:
            raise ExtensionError(file, ExtensionRule.TABLE, f"the table {table.name}: {problem.rstrip('.')}.")


def _table_problems(table: Table, taken: Mapping[str, str]) -> Iterator[str]:
    if not NAME.fullmatch(table.name):
        yield "its name may have lower-case letters, digits and _ only"
    if table.name in taken or table.name in (*RELATIONS, "metrics"):
        yield f"{taken.get(table.name, 'the contract')} has a table of that name already"
    prefixes = {other.feature_prefix for name, other in TABLES.items() if name != table.name}
    if table.feature_prefix and table.feature_prefix in prefixes:
        yield f"another table has the feature_prefix {table.feature_prefix!r} already"
    yield from _column_problems(table, {column.name: column for column in table.columns})


def _column_problems(table: Table, columns: Mapping[str, Column]) -> Iterator[str]:
    bad = next((name for name in columns if not NAME.fullmatch(name)), None)
    if bad is not None:
        yield f"the name of its column {bad!r} may have lower-case letters, digits and _ only"
    if len(columns) < len(table.columns):
        yield "two of its columns have one name"
    if table.parent != OF_ACCOUNT or not getattr(columns.get("account_id"), "required", False):
        yield "its rows have to belong to accounts: it needs the column ACCOUNT_ID and no other parent"
    if "known_at" not in columns:
        yield "it needs the column KNOWN_AT; a source may lack it"
    yield from _time_problems(table, columns)


def _time_problems(table: Table, columns: Mapping[str, Column]) -> Iterator[str]:
    """What is wrong with the columns that the entry names."""
    named = {"key": table.key, "future_times": table.future_times, "scheduled": table.scheduled}
    for part, names in named.items():
        unknown = next((name for name in names if name not in columns), None)
        if unknown is not None:
            yield f"{part} names {unknown!r}, which is none of its columns; {suggest_name(unknown, columns)}"
    if table.event_time is None or table.event_time not in columns or columns[table.event_time].kind not in TIMES:
        yield "event_time has to name the column that says when a row happened"
    elif not columns[table.event_time].required:
        yield f"the column {table.event_time}, its event_time, has to be required"


def check_names(file: str, features: Collection[Feature], taken: Mapping[str, str]) -> None:
    """Check the names of features; ``taken`` are those that exist, with the place of each."""
    seen = dict(taken)
    for feature in features:
        if not NAME.fullmatch(feature.name) or feature.name in RESERVED_NAMES or feature.name.startswith(RESERVED):
            problem = (
                f"a feature cannot be named {feature.name!r}: lower-case letters, digits and _, and none of the "
                f"beginnings {', '.join(RESERVED)}."
            )
            raise ExtensionError(file, ExtensionRule.NAME, problem)
        if feature.name in seen:
            problem = f"{seen[feature.name]} has a feature {feature.name} already: choose another name."
            raise ExtensionError(file, ExtensionRule.NAME, problem)
        seen[feature.name] = "the same file"


def names_of_catalogue() -> dict[str, str]:
    """The names of the catalogue's features and of the contract's tables, with their places."""
    features = (*FEATURES, *(feature for group in OPTIONAL.values() for feature in group))
    return {feature.name: "the catalogue" for feature in features}


def check_wording(file: str, features: Collection[Feature], known: Collection[str]) -> None:
    """Check meanings, units and sentences; a sentence may use the features ``known``."""
    for feature in features:
        place = f"the feature {feature.name}: "
        if not feature.meaning.strip() or not feature.unit.strip():
            raise ExtensionError(file, ExtensionRule.SENTENCE, f"{place}it needs a meaning and a unit.")
        with rule_of(file, ExtensionRule.SENTENCE, place):
            check_template(feature.sentence, known)
        if feature.name not in feature.sentence_fields:
            problem = f"{place}its sentence does not say its value: use {{{feature.name}:num}} in it."
            raise ExtensionError(file, ExtensionRule.SENTENCE, problem)


def check_measures(file: str, features: Collection[Feature]) -> None:
    """Check that every measure can be computed, on tables without rows: an error of SQL names its feature."""
    history = _empty_history()
    for feature in features:
        place = f"the feature {feature.name}: "
        with rule_of(file, ExtensionRule.MEASURE, place):
            _check_parts(feature)
        with rule_of(file, ExtensionRule.MEASURE, place):
            _compute(history, feature)


def _compute(history: History, feature: Feature) -> None:
    try:
        build(history, [CUTOFF], features=[feature])
    except FunctionError:
        pass  # with the values of real rows it is checked once there is a source
    except duckdb.Error as error:
        raise UsageError(f"its SQL cannot be run: {_first_line(error)}") from error


def _check_parts(feature: Feature) -> None:
    if not isinstance(feature.measure, Measure):
        raise UsageError(f"its measure is {feature.measure!r}; take one of a stream, such as count(28).")
    for part in feature.measure.parts:
        if isinstance(part, Aggregate):
            tables = (*TABLES, *RELATIONS)
            unknown = next((name for name in (part.stream.table, part.stream.relation) if name not in tables), None)
            if unknown is not None:
                raise UsageError(f"there is no table {unknown!r}; {suggest_name(unknown, tables)}")
            _check_sql(part)
        if isinstance(part, AgainstPortfolio) and part is not feature.measure:
            raise UsageError("a comparison with the portfolio cannot be a part of another measure.")
    text = isinstance(feature.measure, Aggregate) and feature.measure.how == "text"
    if (feature.kind == "category") != text:
        raise UsageError("a category needs the measure text(COLUMN), and only a category may have it.")


def _check_sql(part: Aggregate) -> None:
    """Refuse SQL that reads anything but the row: no slice of the source could show what else it sees."""
    texts = (part.of, part.where, part.by, part.stream.only, part.stream.at, part.stream.by, part.stream.until)
    for text in texts:
        word = ELSEWHERE.search(TEXT_LITERAL.sub("", text or ""))
        if word:
            raise UsageError(f"its SQL uses {word[0]}, and may read nothing but the columns of its own rows: {text!r}.")


def _empty_history() -> History:
    """A history of one account, with every table there and empty."""
    tables = {name: _schema(table).empty_table() for name, table in TABLES.items()}
    row = {"account_id": "A", "created_at": datetime(2025, 1, 1), "known_at": datetime(2025, 1, 1)}  # noqa: DTZ001
    tables["accounts"] = pa.Table.from_pylist([row], schema=_schema(TABLES["accounts"]))
    return History.from_tables(tables)


def _schema(table: Table) -> pa.Schema:
    kinds = {
        ColumnType.TEXT: pa.string(),
        ColumnType.NUMBER: pa.float64(),
        ColumnType.WHOLE: pa.int64(),
        ColumnType.FLAG: pa.bool_(),
        ColumnType.INSTANT: pa.timestamp("us"),
        ColumnType.DAY: pa.date32(),
    }
    return pa.schema([(column.name, kinds[column.kind]) for column in table.columns])


def check_risks(file: str, risks: Mapping[str, Mapping[str, Any]], taken: Collection[str]) -> None:
    """Check the settings of risks; a default risk, or one of another extension, cannot be declared again."""
    defaults = {risk.name for risk in DEFAULTS}
    for name, settings in risks.items():
        if name in defaults:
            problem = f"the risk {name} exists already: change it in rescue.toml, in the section [risks.{name}]."
            raise ExtensionError(file, ExtensionRule.RISK, problem)
        if name in taken:
            raise ExtensionError(file, ExtensionRule.RISK, f"another extension declares the risk {name} already.")
        with rule_of(file, ExtensionRule.RISK):
            configured({name: settings})


def _first_line(error: Exception) -> str:
    text = " ".join(str(error).split())
    return text.split(" LINE 1:")[0].removesuffix(".") + "."
