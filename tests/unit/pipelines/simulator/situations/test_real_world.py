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


def _newest_versions(folder: Path) -> pd.DataFrame:
    """The last version of each subscription, by its id."""
    versions = rows(folder, "subscriptions").sort_values("known_at", kind="stable")
    return versions.drop_duplicates("subscription_id", keep="last").set_index("subscription_id")


def test_every_situation_occurs(real: Path) -> None:
    found = Counter(rows(real, "truth_situations")["situation"])
    expected = {
        "started", "leaving", "withdrawn", "returned", "continued", "partial_loss", "renewal_overdue", "renewed_late",
        "downgraded", "acquired", "merged", "trial", "converted", "internal", "test", "free", "partner", "school",
        "bot", "owner_left",
    }  # fmt: skip
    assert expected <= set(found)


def test_a_continued_contract_is_followed_within_the_grace_period(real: Path) -> None:
    last = _newest_versions(real)
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
    before = pd.Timestamp(SimulatorSettings(**WORLD).until) - pd.Timedelta(days=30)  # a pause may be going on after it
    leaving = leaving[leaving["known_at"] < before]
    recorded = {(row.account_id.replace("m-", "a-"), row.known_at) for row in leaving.itertuples()}
    paused = {row.account_id for row in leaving.itertuples() if _returns_within(real, row, days=30)}
    assert {notice for notice in recorded if notice[0] not in paused} <= decided
    assert len(recorded) > 0.8 * len({account for account, _ in decided})


def _returns_within(folder: Path, leaving: tuple[object, ...], days: int) -> bool:
    situations = rows(folder, "truth_situations").query("situation == 'returned'")
    own = situations[situations["account_id"] == leaving.account_id]
    return bool(((own["effective_at"] - leaving.effective_at).dt.days.between(0, days)).any())


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


def test_what_is_written_as_left_has_no_running_contract(real: Path) -> None:
    situations = rows(real, "truth_situations").sort_values("known_at")
    last = _newest_versions(real)
    newest = situations[situations["situation"].isin(["started", "leaving", "withdrawn", "returned"])]
    newest = newest.groupby("account_id").last()
    until = pd.Timestamp(SimulatorSettings(**WORLD).until)
    left = newest[(newest["situation"] == "leaving") & (newest["effective_at"] < until)].index
    running = last[(last["ended_at"].isna() | (last["ended_at"] > until)) & (last["started_at"] <= until)]
    assert len(left) > 50
    assert not set(left) & set(running["account_id"])
    stays = newest[newest["situation"] != "leaving"].index
    merged = set(situations.query("situation == 'merged'")["account_id"])
    assert set(stays) - merged <= set(running["account_id"])


def test_after_a_partial_loss_another_contract_goes_on(real: Path) -> None:
    situations = rows(real, "truth_situations")
    last = _newest_versions(real).reset_index()
    for loss in situations.query("situation == 'partial_loss'").itertuples():
        others = last[(last["account_id"] == loss.account_id) & (last["subscription_id"] != loss.subscription_id)]
        assert (others["ended_at"].isna() | (others["ended_at"] > loss.known_at)).any(), loss


def test_an_overdue_renewal_shows_a_date_that_has_passed(real: Path) -> None:
    versions = rows(real, "subscriptions").sort_values("known_at")
    overdue = rows(real, "truth_situations").query("situation == 'renewal_overdue'")
    for situation in overdue.itertuples():
        shown = versions[
            (versions["subscription_id"] == situation.subscription_id)
            & (versions["known_at"] <= situation.known_at + pd.Timedelta(days=2))
        ].iloc[-1]
        assert shown["renews_at"] == situation.effective_at
    assert len(overdue) > 5


def test_accounts_that_do_not_pay_have_no_invoices_until_they_convert(real: Path) -> None:
    situations, invoices = rows(real, "truth_situations"), rows(real, "invoices")
    converted = situations.query("situation == 'converted'").set_index("account_id")["known_at"]
    free = set(situations[situations["situation"].isin(["trial", "free", "internal", "test"])]["account_id"])
    theirs = invoices[invoices["account_id"].isin(free)]
    assert (theirs["issued_at"] >= theirs["account_id"].map(converted)).all()
    assert theirs["account_id"].nunique() > 0


def test_the_rows_of_a_merged_account_go_on_under_the_new_record(real: Path) -> None:
    merged = rows(real, "truth_situations").query("situation == 'merged'").set_index("account_id")["known_at"]
    for table, column in (("usage_daily", "day"), ("health_scores", "known_at"), ("accounts", "known_at")):
        own = rows(real, table)
        own = own[own["account_id"].isin(merged.index)]
        days = pd.to_datetime(own[column]).dt.normalize()
        assert (days <= own["account_id"].map(merged).dt.normalize()).all(), table
    assert rows(real, "usage_daily")["account_id"].str.startswith("m-").any()


def test_sources_go_on_loading_after_midnight_of_the_last_night(real: Path) -> None:
    until = pd.Timestamp(SimulatorSettings(**WORLD).until)
    known = pd.concat([rows(real, table)["known_at"] for table in ("usage_daily", "ticket_events", "tickets")])
    after = known[known >= until]
    assert len(after) > 10
    assert (after < until + pd.Timedelta(hours=2.5)).all()


def test_intents_are_in_the_texts_and_more_frequent_where_accounts_leave(real: Path) -> None:
    intents = rows(real, "truth_intents").merge(rows(real, "tickets"), on="ticket_id")
    assert set(intents["language"]) == {"en", "de", "fr", "es"}
    assert intents["intent"].nunique() == 6
    said = intents[~intents["negated"] & ~intents["quoted"]]
    assert intents[intents["quoted"]]["body"].str.contains("\n> ").all()
    assert not said["body"].str.contains("\n> ").any()
    assert 0.01 < len(said) / len(rows(real, "tickets")) < 0.12
    leaving = rows(real, "truth_situations").query("situation == 'leaving'").groupby("account_id")["known_at"].min()
    tickets = rows(real, "tickets")
    soon = (tickets["account_id"].map(leaving) - tickets["opened_at"]).dt.days.between(0, 120)
    asks = tickets["ticket_id"].isin(said.query("intent == 'asks_to_cancel'")["ticket_id"])
    assert asks[soon].mean() > 1.5 * asks[~soon].mean()


def test_a_text_without_a_planted_intent_names_no_competitor(real: Path) -> None:
    tickets, intents = rows(real, "tickets"), rows(real, "truth_intents")
    others = tickets[~tickets["ticket_id"].isin(intents["ticket_id"])]
    assert not others["body"].str.contains("Corvex|Planwise|Teamloom|Orbitdesk|Flowbarn").any()
    assert not others["body"].str.contains("terminate the contract|speak to your manager").any()


def test_the_same_seed_gives_the_same_world(real: Path, tmp_path: Path) -> None:
    simulate_world(SimulatorSettings(**WORLD), tmp_path / "again")
    for path in sorted(real.glob("*.parquet")):
        assert pq.read_table(path).equals(pq.read_table(tmp_path / "again" / path.name)), path.name
