"""Situations of the real world: each occurs, each is in the truth, and who leaves is the same as in the plain world."""

from collections import Counter
from pathlib import Path

import pandas as pd
import pyarrow.parquet as pq
import pytest

from pipelines.simulator import SimulatorSettings, simulate_world

WORLD = {"accounts": 600, "months": 18, "seed": 5, "by_user": True, "flaws": 0.0}


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("plain") / "world"
    simulate_world(SimulatorSettings(**WORLD, world="plain"), folder)
    return folder


@pytest.fixture(scope="module")
def real(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("real") / "world"
    simulate_world(SimulatorSettings(**WORLD), folder)
    return folder


def rows(folder: Path, table: str) -> pd.DataFrame:
    return pq.read_table(folder / f"{table}.parquet").to_pandas()


def test_every_situation_occurs(real: Path) -> None:
    found = Counter(rows(real, "truth_situations")["situation"])
    expected = {
        "leaving", "withdrawn", "continued", "partial_loss", "renewal_overdue", "acquired", "merged", "trial",
        "internal", "test", "free", "partner", "school", "bot",
    }  # fmt: skip
    assert expected <= set(found)


def test_a_continued_contract_is_followed_within_the_grace_period(real: Path) -> None:
    subscriptions = rows(real, "subscriptions")
    last = subscriptions.sort_values("known_at").groupby("subscription_id").last()
    continued = rows(real, "truth_situations").query("situation == 'continued' and subscription_id.notna()")
    followed = 0
    for row in continued.itertuples():
        old = last.loc[row.subscription_id]
        if pd.isna(old.ended_at) or abs(old.ended_at - row.effective_at).days > 31:
            continue  # a late renewal continues the same record
        others = last[last.index != row.subscription_id]
        same = others[(others.account_id == old.account_id) | (others.replaces == row.subscription_id)]
        gap = (same.started_at - old.ended_at).dt.days
        assert ((gap >= -31) & (gap <= 30)).any(), row
        followed += 1
    assert followed > 30


def test_who_decides_to_leave_and_when_is_the_same_as_in_the_plain_world(plain: Path, real: Path) -> None:
    notices = rows(plain, "subscriptions").query("ended_at.notna() and plan != 'analytics_addon'")
    decided = {(row.account_id, row.known_at) for row in notices.itertuples()}
    leaving = rows(real, "truth_situations").query("situation == 'leaving'")
    told = {(row.account_id.replace("m-", "a-"), row.known_at) for row in leaving.itertuples()}
    assert told <= decided
    assert len(told) > 0.9 * len({account for account, _ in decided})


def test_tickets_are_unassigned_merged_and_imported_at_realistic_rates(real: Path) -> None:
    tickets = rows(real, "tickets")
    assert 0.02 < tickets["account_id"].isna().mean() < 0.07
    assert 0.002 < tickets["merged_into"].notna().mean() < 0.1
    assert tickets["opened_at"].value_counts().iloc[0] > 5


def test_help_desks_write_status_events_and_whole_days(real: Path) -> None:
    events = rows(real, "ticket_events")
    assert (events["value"] == "Closed").any()
    at_midnight = events["occurred_at"] == events["occurred_at"].dt.normalize()
    assert 0.02 < at_midnight.mean() < 0.15


def test_scores_are_sometimes_not_measured_and_two_sources_share_an_instant(real: Path) -> None:
    scores = rows(real, "health_scores")
    assert 0.04 < scores["score"].isna().mean() < 0.08
    assert scores.groupby(["account_id", "measured_at"])["source"].nunique().max() == 2


def test_invoices_have_currencies_and_states(real: Path) -> None:
    invoices = rows(real, "invoices")
    assert set(invoices["currency"]) == {"EUR", "USD"}
    assert {"open", "paid", "void", "draft"} <= set(invoices["status"])
    assert (invoices["amount"] == 0).any()
    credit = invoices[invoices["amount"] < 0]
    assert credit["paid_at"].isna().any()


def test_holidays_are_quiet_and_schools_close_in_summer(real: Path) -> None:
    usage = rows(real, "usage_daily")
    situations = rows(real, "truth_situations")
    bots = set(situations.query("situation == 'bot'")["account_id"])
    people = usage[~usage["account_id"].isin(bots)]
    days = pd.to_datetime(people["day"])
    christmas = people[(days.dt.month == 12) & (days.dt.day >= 22)].groupby("day").size().mean()
    usual = people[(days.dt.month == 12) & (days.dt.day <= 15)].groupby("day").size().mean()
    assert christmas < 0.2 * usual
    schools = set(situations.query("situation == 'school'")["account_id"])
    theirs = people[people["account_id"].isin(schools)].assign(month=days.dt.month)
    assert (theirs["month"] == 7).sum() < 0.3 * (theirs["month"] == 5).sum()


def test_a_feed_stops_and_comes_back_at_once(real: Path) -> None:
    known = rows(real, "health_scores")["known_at"].dt.date.value_counts()
    days = pd.date_range(min(known.index), max(known.index)).date
    silent = [day for day in days if day not in known.index]
    assert len(silent) >= 4


def test_the_same_seed_gives_the_same_world(real: Path, tmp_path: Path) -> None:
    simulate_world(SimulatorSettings(**WORLD), tmp_path / "again")
    for path in sorted(real.glob("*.parquet")):
        assert pq.read_table(path).equals(pq.read_table(tmp_path / "again" / path.name)), path.name
