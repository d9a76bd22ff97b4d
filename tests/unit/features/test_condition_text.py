"""A condition is said as what it tests, and nothing of it is lost."""

import pytest

from features.condition_text import say_condition
from features.conditions import compile_condition

MEANINGS = {"tickets_open": "tickets open now", "use_change": "change of use", "arr": "yearly revenue"}
COLUMNS = {name: (name, "number") for name in ("tickets_open", "use_change", "arr", "other")} | {
    name: (name, "text") for name in ("segment", "region")
}


@pytest.mark.parametrize(
    ("condition", "text"),
    [
        ("tickets_open >= 5", "tickets open now: 5 or more"),
        ("ARR > 1200000 AND use_change <= -0.3", "yearly revenue: more than 1,200,000; change of use: −30% or less"),
        ("use_change < 2.5 OR arr = 0", "change of use: less than 2.5, or yearly revenue: 0"),
        (
            "(arr > 1 OR other > 1) AND segment <> 'smb'",
            "(yearly revenue: more than 1, or other: more than 1); segment: not smb",
        ),
        (
            "arr > 1 AND other > 1 AND arr < 9",
            "yearly revenue: more than 1; other: more than 1; yearly revenue: less than 9",
        ),
        ("segment IN ('mid', 'smb')", "segment: mid or smb"),
        ("segment NOT IN ('mid', 'smb')", "not (segment: mid or smb)"),
        ("other BETWEEN 0 AND 90", "other: 0 to 90"),
        ("arr IS NULL", "yearly revenue: unknown"),
        ("arr IS NOT NULL", "yearly revenue: known"),
        ("NOT (arr > 1 AND other > 1)", "not (yearly revenue: more than 1; other: more than 1)"),
        ("5 < arr", "5 < arr"),
        ("arr + other > 3", "arr + other > 3"),
        ("coalesce(arr, 0) > 1 AND arr > other", "COALESCE(arr, 0) > 1; arr > other"),
        ("segment LIKE 'x%'", "segment LIKE 'x%'"),
    ],
)
def test_a_condition_in_words(condition: str, text: str) -> None:
    compile_condition(condition, COLUMNS)
    assert say_condition(condition, MEANINGS, {"use_change"}) == text
