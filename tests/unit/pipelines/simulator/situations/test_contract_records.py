"""How a contract is recorded, way by way: what versions of the plain world become."""

from datetime import date, datetime, timedelta
from typing import Any

import numpy as np
import pytest

from pipelines.simulator.situations.contract_records import ContractRecords
from pipelines.simulator.situations.truth_log import TruthLog

BEGIN, RENEWAL = datetime(2025, 1, 1, 6), datetime(2026, 1, 1, 6)  # noqa: DTZ001 - naive UTC throughout
AFTER = datetime(2026, 6, 1)  # noqa: DTZ001


def version(known: datetime, **changes: Any) -> dict[str, Any]:
    row = {
        "subscription_id": "s-000001-0001", "account_id": "a-000001", "plan": "team", "seats": 10, "arr": 1000.0,
        "auto_renew": True, "started_at": BEGIN, "renews_at": RENEWAL, "ended_at": None, "known_at": known,
    }  # fmt: skip
    return {**row, **changes}


RENEWED = version(RENEWAL, renews_at=RENEWAL + timedelta(days=365))


def recorded(way: str, *versions: dict[str, Any], kind: str = "usual") -> tuple[list[dict[str, Any]], list[str]]:
    """The rows of the account under a way of recording, and the situations of the truth."""
    log = TruthLog()
    records = ContractRecords(
        {"a-000001": way}, {"a-000001": kind}, {"a-000001": "EUR"}, {}, {"a-000001": date(2025, 6, 1)}, frozenset(),
        np.random.default_rng(1), log,
    )  # fmt: skip
    rows = records.rewrite(list(versions), AFTER)
    return rows, [str(row["situation"]) for row in sorted(log.rows, key=lambda row: str(row["known_at"]))]


def newest(rows: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    return {row["subscription_id"]: row for row in sorted(rows, key=lambda row: row["known_at"])}


def test_a_renewal_as_a_new_contract_ends_the_old_one_on_the_day_the_new_one_begins() -> None:
    rows, situations = recorded("term_records", version(BEGIN), RENEWED)
    old, new = newest(rows).values()
    assert old["ended_at"] == new["started_at"] == RENEWAL
    assert new["ended_at"] is None
    assert situations == ["started", "continued"]


def test_an_early_renewal_is_known_before_the_next_term_begins() -> None:
    rows, _ = recorded("term_records", version(BEGIN), {**RENEWED, "known_at": RENEWAL - timedelta(days=60)})
    old, new = newest(rows).values()
    assert old["ended_at"] == new["started_at"] == RENEWAL
    assert new["known_at"] == RENEWAL - timedelta(days=60)


def test_a_late_renewal_shows_the_date_that_has_passed_until_it_is_entered() -> None:
    later = RENEWAL + timedelta(days=1)
    rows, situations = recorded("late_renewal", version(BEGIN), RENEWED, {**RENEWED, "known_at": later, "seats": 12})
    shown = [(row["renews_at"], row["seats"]) for row in rows]
    assert shown == [(RENEWAL, 10), (RENEWAL, 12), (RENEWED["renews_at"], 12)]
    assert situations == ["started", "renewal_overdue", "renewed_late"]


def test_after_a_pause_the_next_term_begins_within_the_grace_period() -> None:
    rows, situations = recorded("pause", version(BEGIN), RENEWED)
    old, new = newest(rows).values()
    assert old["ended_at"] == RENEWAL
    assert timedelta(days=14) <= new["started_at"] - RENEWAL < timedelta(days=30)
    assert situations == ["started", "leaving", "returned", "continued"]


def test_a_notice_during_a_pause_that_ends_before_the_next_term_leaves_no_new_contract() -> None:
    notice = version(RENEWAL + timedelta(days=2), ended_at=RENEWAL + timedelta(days=3))
    rows, situations = recorded("pause", version(BEGIN), RENEWED, notice)
    assert list(newest(rows)) == ["s-000001-0001"]
    assert situations == ["started", "leaving"]


def test_co_terming_merges_the_second_contract_into_the_next_term() -> None:
    rows, situations = recorded("co_term", version(BEGIN), RENEWED)
    contracts = newest(rows)
    second = contracts["s-000001-0001-x"]
    assert second["ended_at"] == contracts["s-000001-0001"]["ended_at"] == RENEWAL
    assert contracts["s-000001-0001-2"]["arr"] == 1000.0 + second["arr"]
    assert situations == ["started", "continued", "continued"]


def test_an_add_on_ends_with_the_main_contract_and_goes_on_when_the_notice_is_withdrawn() -> None:
    at = datetime(2025, 7, 1)  # noqa: DTZ001
    noticed = version(at, ended_at=RENEWAL)
    rows, situations = recorded("add_on", version(BEGIN), noticed)
    assert newest(rows)["s-000001-0001-x"]["ended_at"] == RENEWAL
    assert situations == ["started", "leaving"]
    rows, situations = recorded("add_on", version(BEGIN), noticed, version(at + timedelta(days=9)))
    assert situations[:3] == ["started", "leaving", "withdrawn"]
    assert [row["ended_at"] for row in rows if row["known_at"] == at + timedelta(days=9)] == [None, None]


def test_a_downgrade_keeps_the_contract_and_a_small_part_of_its_revenue() -> None:
    rows, situations = recorded("downgrade", version(BEGIN), RENEWED)
    assert 0 < rows[-1]["arr"] < 500
    assert rows[-1]["ended_at"] is None
    assert situations == ["started", "downgraded"]


@pytest.mark.parametrize("kind", ["trial", "internal", "test", "free"])
def test_an_account_that_does_not_pay_has_no_revenue(kind: str) -> None:
    rows, _ = recorded("usual", version(BEGIN), RENEWED, kind=kind)
    assert {row["arr"] for row in rows} == {0.0}


def test_an_add_on_of_the_plain_world_is_a_partial_loss_only_while_the_main_contract_goes_on() -> None:
    addon = {"subscription_id": "s-000001-0090", "plan": "analytics_addon", "arr": 100.0}
    end = {"ended_at": RENEWAL}
    at = datetime(2025, 7, 1)  # noqa: DTZ001
    _, dropped = recorded("usual", version(BEGIN), version(BEGIN, **addon), version(at, **addon, **end))
    assert dropped == ["started", "partial_loss"]
    _, left = recorded(
        "usual", version(BEGIN), version(BEGIN, **addon), version(at, **end), version(at, **addon, **end)
    )
    assert left == ["started", "leaving"]
