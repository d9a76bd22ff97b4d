"""``rescue check`` prints what is wrong with the rows, ids, words and columns of a source, and what to do."""

from datetime import date, timedelta
from pathlib import Path

import pytest

from pipelines.cli.output.check_output import show_check
from pipelines.console import out
from pipelines.sources.source_check import check_source


def shown(folder: Path, **tables: str) -> str:
    for name, text in {"accounts": "account_id,created_at\nA001,2025-01-01\nA002,2025-01-01\n", **tables}.items():
        (folder / f"{name}.csv").write_text(text, "utf-8")
    with out.capture() as text:
        show_check(check_source(str(folder)))
    return " ".join(text.get().split())


def test_ids_are_shown_with_the_accounts_that_they_resemble(tmp_path: Path) -> None:
    rows = "ticket_id,account_id,opened_at\nt1,a001,2026-06-01\nt2,,2026-06-02\nt3,Z9,2026-06-03\n"
    text = shown(tmp_path, tickets=rows)
    assert "tickets: 1 row without an account, counted as unassigned" in text
    assert "2 account ids in other tables are not among the accounts: 2 of tickets rows" in text
    assert "1 of them (50%) differ from an account's id in how they are written:" in text
    assert "'a001' is probably 'A001' (differs by upper and lower case; 1 row)" in text


def test_ids_of_removed_accounts_are_said_to_be_that(tmp_path: Path) -> None:
    text = shown(tmp_path, tickets="ticket_id,account_id,opened_at\nt1,Z9,2026-06-01\nt2,A001,2026-06-02\n")
    assert "1 account id in other tables is not among the accounts" in text
    assert "None of them resembles an account's id: probably accounts that left and were removed." in text


def test_an_account_in_quarantine_is_named_with_its_rule_and_bad_rows_with_their_key(tmp_path: Path) -> None:
    accounts = "account_id,created_at\nA001,2025-01-01\nA002,2025-01-01\nA002,2024-01-01\nA003,yesterday\n"
    tickets = "ticket_id,account_id,opened_at\nt1,A002,2026-06-01\nt2,A003,2026-06-02\nt3,A001,2026-06-02\n"
    text = shown(tmp_path, accounts=accounts, tickets=tickets)
    in_quarantine = "2 of them: in accounts, but all rows are quarantined (1 by rule conflicting_rows, 1 by rule"
    assert in_quarantine in text
    assert ": 'A002', 'A003'" in text
    assert "accounts that left" not in text
    assert "accounts.csv, row 4 (account_id 'A003'), created_at: 'yesterday'" in text


def test_that_churn_cannot_be_learned_comes_first(tmp_path: Path) -> None:
    text = shown(tmp_path, subscriptions="subscription_id,account_id,started_at\ns1,A001,2026-06-01\n")
    warning = "Warning: Missing column subscriptions.ended_at: no subscription ends"
    assert text.count("subscriptions.ended_at") == 1
    assert text.index(warning) < text.index("Missing column accounts.")


def test_a_night_that_would_stop_is_told_how_to_accept_the_rows(tmp_path: Path) -> None:
    scores = "account_id,measured_at,score\nA001,2026-06-01,180\nA001,2026-06-02,\nA001,2026-06-03,20\n"
    text = shown(tmp_path, health_scores=scores)
    assert "health_scores: 1 row without a value: not measured then" in text
    assert "accept this share in rescue.toml: [tolerance] health_scores = 0.34." in text
    assert "A night would stop on this source." in text


@pytest.mark.parametrize(("stray", "said"), [(0, "nothing"), (1, "only 1 row")])
def test_a_late_feed_is_named_with_its_newest_delivery(tmp_path: Path, stray: int, said: str) -> None:
    days = [date(2026, 5, 1) + timedelta(days=number) for number in range(91)]
    usage = [f"A001,{day},f{number},4\n" for day in days[:-8] for number in range(30)]
    usage += [f"A001,{days[-3]},f1,4\n"] * stray
    tickets = [f"t{day},A001,{day}\n" for day in days]
    text = shown(
        tmp_path,
        usage_daily=f"account_id,day,feature,events\n{''.join(usage)}",
        tickets=f"ticket_id,account_id,opened_at\n{''.join(tickets)}",
    )
    assert f"Warning: usage_daily has delivered {said} since 22 Jul 2026; on this weekday that is usually" in text
    assert "tickets has delivered" not in text


def test_missing_columns_and_the_page_of_the_contract_are_named(tmp_path: Path) -> None:
    text = shown(tmp_path, tickets="ticket_id,account_id,opened_at\nt1,A001,2026-06-01\n")
    assert "Missing column tickets.channel: 1 feature unknown: ticket_channels_90d." in text
    assert "Missing column tickets.merged_into: no ticket was merged, unless an event says so." in text
    assert "What each table and column means: docs/data-contract.md" in text
