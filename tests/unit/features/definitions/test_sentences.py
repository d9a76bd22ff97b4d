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
from features.definitions.sentences import check_template, render_sentence
from features.errors import UsageError

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
        ("Use {x:moved}", 4.0, "Use rose more than 200%"),
        ("Use {x:moved}", 2.0, "Use rose 200%"),
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


@pytest.mark.parametrize(
    ("template", "share", "count", "sentence"),
    [
        ("New tickets {x:moved n}", 20.71, 4, "New tickets rose from 0.2 to 4"),
        ("New tickets {x:moved n}", 4.0, 50, "New tickets rose from 10 to 50"),
        ("New tickets {x:moved n}", 0.4, 14, "New tickets rose 40% to 14"),
        ("New tickets {x:moved n}", 1 / 3, 4, "New tickets rose from 3 to 4"),
        ("New tickets {x:moved n}", -0.75, 2, "New tickets fell from 8 to 2"),
        ("New tickets {x:moved n}", -0.8, 2, "New tickets fell 80% to 2"),  # ten before
        ("New tickets {x:moved n}", 199.0, 1, "New tickets rose from less than 0.1 to 1"),
        ("New tickets {x:moved n}", 0.0, 4, "New tickets did not change"),
        ("New tickets {x:moved n}", -1.0, 0, "New tickets fell 100%"),
        ("New tickets {x:moved n}", 0.4, None, "New tickets rose 40%"),
        ("New tickets {x:moved n}", 0.4, -3, "New tickets rose 40%"),
        ("New tickets {x:moved n}", 5.0, None, "New tickets rose more than 200%"),
        ("Use {x:moved n event}", 19.0, 40, "Use rose from 2 to 40 events"),
        ("Use {x:moved n event}", -0.43, 4000, "Use fell 43%"),
        ("Use {x:moved n event a week|events a week}", 1.0, 2, "Use rose from 1 to 2 events a week"),
        ("Revenue {x:moved n money}", 3.0, 4000, "Revenue rose from 1,000 to 4,000 EUR"),
        ("Revenue {x:moved n money}", 0.3, 4000, "Revenue rose 30%"),
    ],
)
def test_a_share_that_misleads_is_said_with_counts(
    template: str, share: float, count: float | None, sentence: str
) -> None:
    row = {"x": share, "n": count, "currency": "EUR"}
    assert render_sentence(template, row, AS_OF) == sentence
    assert render_sentence(f"[{template}]", row, AS_OF) == sentence  # the count is not required


def test_the_count_of_a_change_has_to_be_a_feature() -> None:
    check_template("Use {x:moved n event}", {"x", "n"})
    with pytest.raises(UsageError, match="uses 'm', which is no feature"):
        check_template("Use {x:moved m}", {"x", "n"})


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
