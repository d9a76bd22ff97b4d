"""Spark gives the same frame as the embedded engine, to a billionth, for every feature."""

import math
from datetime import date

import numpy as np
import pytest
from support.oracle.oracle_answers import DECLARED_METRICS
from support.worlds.factories import Story
from support.worlds.generated_crowd import crowd

from features.catalogue import Attribute, Feature, attribute_feature, select_features
from features.contract import TABLES, Table, declare_attributes, declare_tables
from features.contract.table_schema import ACCOUNT_ID, KNOWN_AT, instant, text
from features.definitions.measures import Stream, calculate
from features.engine.spark.spark_engine import SparkEngine
from features.engine.spark.spark_session import java_is_missing
from features.errors import UsageError
from features.frame import build
from features.history.history import History

FEATURES = select_features(metrics=DECLARED_METRICS)
CUTOFFS = [date(2024, 3, 1), date(2024, 4, 20)]
VERSIONED = frozenset({"subscriptions", "tickets", "ticket_events", "usage_daily"})

needs_java = pytest.mark.skipif(java_is_missing(), reason="Spark needs Java 17, and there is none: run `make system`")


@pytest.fixture(scope="module")
def engine() -> SparkEngine:
    """The engine of this process, which a night's tests use too; it ends with the process."""
    pytest.importorskip("pyspark", reason="the extra `spark` is not installed: uv sync --all-extras")
    return SparkEngine.connect("local[2]")


def differences(history: History, engine: SparkEngine) -> list[tuple[object, ...]]:
    """Where the two engines say different things, to a billionth."""
    embedded, to_spark = (build(history, CUTOFFS, features=FEATURES, engine=one) for one in (None, engine))
    keys = ["account_id", "as_of"]
    assert embedded.select(keys).equals(to_spark.select(keys))
    return [
        (row["account_id"], row["as_of"], feature.name, row[feature.name], other[feature.name])
        for row, other in zip(embedded.to_pylist(), to_spark.to_pylist(), strict=True)
        for feature in FEATURES
        if not same(row[feature.name], other[feature.name])
    ]


def same(value: object, other: object) -> bool:
    if isinstance(value, float) and isinstance(other, float):
        return math.isclose(value, other, rel_tol=1e-9, abs_tol=1e-9)
    return value == other


@pytest.mark.spark
@needs_java
def test_every_feature_of_a_crowd_is_the_same(engine: SparkEngine) -> None:
    history = History.from_tables(crowd(150, VERSIONED))
    assert len(history.accounts) > 60
    assert not differences(history, engine)


@pytest.mark.spark
@pytest.mark.soak
@pytest.mark.parametrize("versioned", [VERSIONED, TABLES.keys() - VERSIONED], ids=["usage", "accounts"])
@needs_java
def test_every_feature_of_a_large_crowd_is_the_same(engine: SparkEngine, versioned: frozenset[str]) -> None:
    assert not differences(History.from_tables(crowd(300, versioned)), engine)


@pytest.mark.spark
@needs_java
def test_a_source_with_little_in_it(engine: SparkEngine) -> None:
    story = Story().account("acme").account("bare").usage("acme", "2024-02-20", days=9, minutes=2.5)
    assert not differences(story.history(), engine)


@pytest.mark.spark
@needs_java
def test_the_cluster_holds_the_rows_of_the_last_history(engine: SparkEngine) -> None:
    first = Story().account("acme").usage("acme", "2024-02-20", events=3).history()
    second = Story().account("acme").usage("acme", "2024-02-20", events=4).history()
    assert not differences(first, engine)
    assert not differences(second, engine)
    assert not differences(first, engine)


def test_spark_connect_without_its_client_says_what_is_missing() -> None:
    pytest.importorskip("pyspark", reason="the extra `spark` is not installed: uv sync --all-extras")
    with pytest.raises(
        UsageError, match=r"^Spark at sc://127.0.0.1:9 cannot be reached without its client: pip install"
    ):
        SparkEngine.connect("sc://127.0.0.1:9")


def test_databricks_without_its_client_says_what_to_install() -> None:
    with pytest.raises(UsageError, match="pip install databricks-connect"):
        SparkEngine.connect("databricks")


@pytest.mark.spark
@needs_java
@pytest.mark.usefixtures("own_contract")
def test_a_company_s_own_features_are_the_same(engine: SparkEngine) -> None:
    columns = (text("visit_id", required=True), ACCOUNT_ID, instant("visited_at", required=True), KNOWN_AT)
    declare_tables([Table("visits", "visits", "?", columns, ("visit_id",), "visited_at")])
    plan = Attribute("plan", "Plan", "category", "", "neither", "plan", constant=False)
    declare_attributes([plan])
    visits = Stream("visits", "visits", "visited_at")
    own = [
        attribute_feature(plan),
        Feature("visits_28d", visits.count(28), "visits", "visits", "{visits_28d:n visit}"),
        Feature("visits_log", calculate(np.log1p, visits.count(90)), "log", "log", "{visits_log:num}"),
    ]
    told = Story().account("a", "2024-01-01", plan="free").account("b", "2024-01-01")
    told.account("a", "2024-01-01", plan="pro", known_at="2024-03-10")
    for place, day in enumerate(("2024-02-20", "2024-03-30", "2024-04-02")):
        told.row("visits", visit_id=f"V{place}", account_id="a", visited_at=day)
    embedded, spark = (build(told.history(), CUTOFFS, features=own, engine=one) for one in (None, engine))
    assert embedded.to_pylist() == spark.to_pylist()
    assert embedded.column("attribute_plan").to_pylist() == ["free", None, "pro", None]
    assert embedded.column("visits_28d").to_pylist() == [1.0, 0.0, 2.0, 0.0]
