"""Sentences that can be said to a customer: impossible ones cannot be produced, whatever the values."""

import math
import re
from datetime import date

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from features.catalogue import FEATURES, OPTIONAL
from features.definitions.feature import Feature
from features.definitions.sentences import render_sentence

ALL = (*FEATURES, *(feature for features in OPTIONAL.values() for feature in features))
AS_OF = date(2026, 2, 14)
VALUES = st.one_of(
    st.none(),
    st.floats(-3, 3),
    st.floats(-3000, 3000),
    st.integers(-400, 400).map(float),
    st.sampled_from([-1.0, -1.09, -521.0, 0.0, -0.0, 1.0, math.inf, -math.inf, math.nan]),
)


def fall_of_more_than_all(sentence: str) -> bool:
    return any(float(number.replace(",", "")) > 100 for number in re.findall(r"fell ([\d,.]+)%", sentence))


def negative_amount(sentence: str) -> bool:
    return bool(re.search(r"(?<![\w.])[-−]\d", sentence))


@settings(max_examples=300, deadline=None)
@given(VALUES, VALUES)
def test_no_sentence_has_a_negative_amount_or_a_fall_of_more_than_all(even: float | None, odd: float | None) -> None:
    row = {f.name: (even, odd)[place % 2] if f.kind == "number" else "mid" for place, f in enumerate(ALL)}
    for feature in ALL:
        sentence = feature.sentence_of(row, AS_OF)
        plain_number = ":num}" in feature.sentence or "{" + feature.name + "}" in feature.sentence
        if sentence is not None and not plain_number:
            assert not fall_of_more_than_all(sentence), sentence
            assert not negative_amount(sentence), sentence
            assert not re.search(r"\b(?:nan|inf)\b", sentence), sentence
        assert feature.describe(row, AS_OF)


@pytest.mark.parametrize(
    ("template", "value", "sentence"),
    [
        ("Use {x:moved}", -1.0, "Use fell 100%"),
        ("Use {x:moved}", -1.09, None),
        ("Use {x:moved}", 4.0, "Use rose 400%"),
        ("{x:hours} to a first answer", -521.0, None),
        ("{x:hours} to a first answer", 3.0, "3 hours to a first answer"),
        ("{x:hours} to a first answer", 296.0, "12 days to a first answer"),
        ("{x:n ticket}", -1.0, None),
        ("{x:days} late", -2.0, None),
        ("{x:money} overdue", -150.0, None),
        ("{x:pct} of all use", -0.1, None),
        ("Last used on {x:ago}", 256.0, "Last used on 3 Jun 2025"),
        ("Last used on {x:ago}", -3.0, None),
        ("Health {x:points}", -22.0, "Health fell 22 points"),
        ("Score {x:num}", math.nan, None),
        ("Renewal {x:later}", math.inf, None),
    ],
)
def test_a_value_out_of_range_has_no_sentence(template: str, value: float, sentence: str | None) -> None:
    assert render_sentence(template, {"x": value}, AS_OF) == sentence


def test_an_optional_part_with_an_impossible_value_is_left_out() -> None:
    row = {"x": -0.4, "y": -2.0}
    assert render_sentence("Use {x:moved}[; last one on {y:ago}]", row, AS_OF) == "Use fell 40%"


def test_a_feature_with_an_impossible_value_is_not_known() -> None:
    feature = Feature("x", FEATURES[0].measure, "change of use", "share", "Use {x:moved}")
    assert feature.sentence_of({"x": -1.4}, AS_OF) is None
    assert feature.describe({"x": -1.4}, AS_OF) == "Change of use: not known"


@pytest.mark.parametrize(("currency", "text"), [("EUR", "54,342 EUR overdue"), (None, "54,342 overdue")])
def test_money_has_its_currency_where_it_is_known(currency: str | None, text: str) -> None:
    assert render_sentence("{x:money} overdue", {"x": 54_342.0, "currency": currency}, date(2026, 3, 1)) == text


def test_whether_a_sentence_exists_is_known_without_rendering_it() -> None:
    """For every feature, with values that are missing, usual, impossible and infinite."""
    random = np.random.default_rng(5)
    values = [None, 0.0, 1.0, 3.5, 90.0, -0.4, -1.5, -3.0, float("inf"), "small"]
    for _ in range(60):
        row = {feature.name: values[random.integers(len(values))] for feature in FEATURES} | {"currency": "EUR"}
        for feature in FEATURES:
            if feature.kind == "category" or not isinstance(row[feature.name], str):
                assert feature.has_sentence(row) == (feature.sentence_of(row, date(2026, 3, 1)) is not None)
