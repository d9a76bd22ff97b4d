"""A table without ``known_at`` shows today's values at past cutoffs: that is said, and the features are named."""

from datetime import date

from support.worlds.factories import Story

from features.catalogue import FEATURES
from features.history.overwritten import columns_of_today
from features.leakage import find_leaks, find_values_of_today
from models.reports.sentences import render_finding
from pipelines.sources.lost_features import find_values_without_versions

CUTOFF = date(2026, 3, 1)
TERMS = {"seats": 20, "arr": 9_000.0, "renews_at": "2026-09-01"}


def current_state() -> Story:
    return Story().account("acme").subscription("acme", "2025-02-01", **TERMS).ticket("acme", "2026-02-01")


def versions() -> Story:
    known = {"known_at": "2025-02-01"}
    told = Story().account("acme", "2025-01-01", segment="mid", known_at="2025-01-01")
    return told.subscription("acme", "2025-02-01", **TERMS, **known).ticket("acme", "2026-02-01")


def test_overwritten_columns_of_a_table_without_versions_are_named() -> None:
    assert columns_of_today(current_state().history()) == {"subscriptions": ("seats", "arr", "renews_at")}
    (finding,) = find_values_without_versions(current_state().history())
    sentence = render_finding(finding)
    assert sentence.startswith(
        "The table subscriptions has no known_at: at past cutoffs its seats, arr and renews_at are those of today"
    )


def test_a_table_with_versions_is_not_warned_of() -> None:
    assert columns_of_today(versions().history()) == {}
    assert find_values_of_today(versions().tables(), FEATURES, [CUTOFF]) == []


def test_the_features_that_would_change_are_found_where_no_feature_leaks() -> None:
    tables = current_state().tables()
    found = {leak.feature for leak in find_values_of_today(tables, FEATURES, [CUTOFF])}
    assert {"contract_arr", "contract_seats", "contract_renews_in_days"} <= found
    assert not {"tickets_open", "account_age_days"} & found
    assert find_leaks(tables, FEATURES, [CUTOFF]) == []
