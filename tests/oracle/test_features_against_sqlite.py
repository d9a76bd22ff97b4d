"""Every feature equals its slow definition in plain SQLite, on generated histories."""

import math

import pytest
from hypothesis import HealthCheck, given, settings
from support.oracle.oracle_answers import DECLARED, DECLARED_METRICS
from support.oracle.sqlite_oracle import Oracle
from support.worlds.generated_histories import Generated, histories

from features.catalogue import select_features
from features.frame import build
from features.history.history import History

FEATURES = select_features(metrics=DECLARED_METRICS)


def test_every_feature_has_an_oracle() -> None:
    assert {feature.name for feature in FEATURES} == DECLARED


def same(value: object, expected: object) -> bool:
    if value is None or expected is None or isinstance(value, str):
        return value == expected
    return math.isclose(float(value), float(expected), rel_tol=1e-9, abs_tol=1e-9)


def compare(generated: Generated) -> None:
    oracle = Oracle(generated.tables)
    rows = build(History.from_tables(generated.tables), generated.cutoffs, features=FEATURES).to_pylist()
    expected = {(account, cutoff): row for cutoff in generated.cutoffs for account, row in oracle.at(cutoff).items()}
    assert {(row["account_id"], row["as_of"]) for row in rows} == set(expected)
    wrong = [
        (row["account_id"], row["as_of"].isoformat(), name, row[name], slow)
        for row in rows
        for name, slow in expected[row["account_id"], row["as_of"]].items()
        if not same(row[name], slow)
    ]
    assert not wrong, wrong


@settings(max_examples=12, deadline=None, suppress_health_check=list(HealthCheck))
@given(histories())
def test_features_equal_the_oracle(generated: Generated) -> None:
    compare(generated)


@pytest.mark.soak
@settings(max_examples=1500, deadline=None, suppress_health_check=list(HealthCheck))
@given(histories())
def test_features_equal_the_oracle_on_many_histories(generated: Generated) -> None:
    compare(generated)
