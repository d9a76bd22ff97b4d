"""The numbers of contracts are those of one cutoff, however many cutoffs are asked at once."""

from datetime import date

import pytest
from support.worlds.factories import Story

from features.frame import build
from features.succession.succession import FEW_CUTOFFS, ask_contracts, succession_at

FEATURES = ("contract_notices", "contract_notice_ends_in_days", "contract_renews_in_days")
BEFORE, AFTER = date(2024, 2, 1), date(2024, 2, 7)
CUTOFFS = [BEFORE, AFTER, date(2024, 3, 12), date(2024, 3, 19)]


@pytest.mark.parametrize("owner", ["bolt", "outside"], ids=["in the source", "outside the source"])
def test_a_contract_that_moved_to_another_account_leaves_nothing_behind(owner: str) -> None:
    story = Story().accounts("acme", "bolt", created_at="2023-07-11")
    terms = {"renews_at": "2024-06-02", "ended_at": "2024-12-16"}
    story.subscription("acme", "2023-12-17", "S3", known_at="2023-12-19", **terms)
    story.subscription(owner, "2023-12-17", "S3", known_at="2024-02-05", **terms)
    assert len(CUTOFFS) > FEW_CUTOFFS
    many = {row["as_of"]: row for row in build(story.history(), CUTOFFS).to_pylist() if row["account_id"] == "acme"}
    for cutoff in CUTOFFS:
        (alone,) = (row for row in build(story.history(), [cutoff]).to_pylist() if row["account_id"] == "acme")
        assert [many[cutoff][name] for name in FEATURES] == [alone[name] for name in FEATURES]
    assert [many[day]["contract_notices"] for day in CUTOFFS] == [1, 0, 0, 0]
    assert many[AFTER]["contract_notice_ends_in_days"] is None


def test_a_contract_that_is_older_than_its_account_has_not_moved() -> None:
    story = Story().account("acme", "2024-01-09").subscription("acme", "2023-06-01", renews_at="2024-05-01")
    for cutoffs in ([AFTER], CUTOFFS):
        rows = build(story.history(), cutoffs).to_pylist()
        assert {row["contract_renewal_moved_60d"] for row in rows} == {0}


def test_a_contract_that_another_account_replaces_keeps_its_numbers() -> None:
    story = Story().accounts("acme", "bolt", created_at="2023-04-03")
    story.subscription("acme", "2023-06-01", "S2", ended_at="2024-10-29", replaces=None)
    story.subscription("bolt", "2023-07-01", "S1", replaces="S2", known_at="2023-07-02")
    rows = build(story.history(), CUTOFFS).to_pylist()
    assert {row["contract_notices"] for row in rows if row["account_id"] == "acme"} == {1}


def test_cutoffs_that_are_asked_together_have_the_answers_of_each_alone() -> None:
    story = Story().accounts("acme", "bolt", created_at="2023-07-11")
    story.subscription("acme", "2023-12-17", "S3", renews_at="2024-06-02", known_at="2023-12-19")
    story.subscription("acme", "2023-12-17", "S3", ended_at="2024-03-15", known_at="2024-02-05")
    together = story.subscription("bolt", "2024-03-01", "S4", renews_at="2025-03-01").history()
    ask_contracts(together, CUTOFFS)
    together.connection.close()
    for cutoff in CUTOFFS:
        assert succession_at(together, cutoff).equals(succession_at(story.history(), cutoff))
