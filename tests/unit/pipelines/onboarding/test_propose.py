"""What ``rescue init`` says of columns that it is not certain of, and the files that it writes."""

import json
from pathlib import Path
from typing import Any

import pytest
from support.export_folders import FOLDERS, table
from typer.testing import CliRunner

from features.errors import DataGateError, UsageError
from pipelines.cli.app import app
from pipelines.cli.output.init_output import churn_lines
from pipelines.onboarding.choose_columns import find_formats
from pipelines.onboarding.propose import name_sources, propose_sources

ACCOUNTS = table("id|name|created_at", 40, lambda i, r: f"c{i}|Firm {i}|2024-01-{i % 28 + 1:02}")


def propose(folder: Path, **files: str) -> Any:
    for name, text in files.items():
        (folder / f"{name}.csv").write_text(text)
    (proposal,) = propose_sources({"source": str(folder)}, folder / "scratch")
    return proposal.proposed


def table_of(proposal: Any, target: str) -> Any:
    return next(made for made in proposal.tables if made.target == target)


def test_days_and_months_that_cannot_be_told_apart_are_not_used(tmp_path: Path) -> None:
    tickets = table("id|customer_id|created_at|closed_at|priority", 30,
                    lambda i, r: f"{i}|c{i}|2024-02-{i % 28 + 1:02}|0{i % 9 + 1}/0{i % 7 + 1}/2024|low")  # fmt: skip
    made = table_of(propose(tmp_path, accounts=ACCOUNTS, tickets=tickets), "tickets")

    assert any("closed_at is not used as closed" in note and "%m/%d/%Y and as %d/%m/%Y" in note for note in made.notes)
    assert find_formats(["13/01/2024", "01/02/2024"]) == ["%d/%m/%Y"]


def test_a_key_that_repeats_is_no_key(tmp_path: Path) -> None:
    tickets = table("ticket_id|customer_id|created_at|priority|subject", 30,
                    lambda i, r: f"{i % 5}|c{i}|2024-02-01|low|a {i}")  # fmt: skip
    proposal = propose(tmp_path, accounts=ACCOUNTS, tickets=tickets)
    assert "tickets" not in {made.target for made in proposal.tables}


def test_scores_cents_and_months_are_scaled(tmp_path: Path) -> None:
    health = table("customer_id|date|health_score", 60, lambda i, r: f"c{i % 40}|2024-02-01|{i % 10 / 10}")
    contracts = table("contract_id|customer_id|start_date|mrr_cents|end_date", 40,
                      lambda i, r: f"k{i}|c{i}|2024-01-01|{i + 100}|2025-01-01")  # fmt: skip
    proposal = propose(tmp_path, accounts=ACCOUNTS, health_scores=health, contracts=contracts)

    (score,) = [it for it in table_of(proposal, "health_scores").columns if it.target == "score"]
    assert (score.sql, score.reason) == ('"health_score" * 100', "shares of 0 to 0.9, in percent")
    made = table_of(proposal, "subscriptions")
    by_target = {it.target: it.sql for it in made.columns}
    assert "ended_at" not in by_target
    assert by_target["renews_at"] == '"end_date"'
    assert any("end of a term" in note for note in made.notes)


def test_ids_in_another_case_are_written_as_those_of_the_accounts(tmp_path: Path) -> None:
    accounts = table("id|name|created_at", 40, lambda i, r: f"CU-{i:04}A|Firm {i}|2024-01-{i % 28 + 1:02}")
    usage = table("account|day|feature|events", 80,
                  lambda i, r: f"{'cu' if i else 'CU'}-{i % 40:04}a|2024-02-{i % 28 + 1:02}|login|{i}")  # fmt: skip
    made = table_of(propose(tmp_path, accounts=accounts, usage_daily=usage), "usage_daily")
    assert 'upper("account") AS "account_id"' in made.sql
    assert "100% of its values are ids of accounts in accounts of source, in upper case" in made.sql


def test_numbers_and_times_are_understood_as_a_night_reads_them(tmp_path: Path) -> None:
    contracts = "contract_id;customer_id;start_date;annual_value;Cancelled To\n" + "".join(
        f"k{i};c{i};2024-01-{i % 28 + 1:02}T07:50:00+02:00;{i + 1}.200,50;{'in Q3' if i % 4 else ''}\n"
        for i in range(40)
    )
    (tmp_path / "accounts.csv").write_text(ACCOUNTS)
    (tmp_path / "contracts.csv").write_text(contracts)
    proposals = propose_sources({"source": str(tmp_path)}, tmp_path / "scratch")
    made = table_of(proposals[0].proposed, "subscriptions")
    reasons = {it.target: it.reason for it in made.columns}
    assert reasons["arr"].startswith("numbers of 1,2")
    assert reasons["started_at"] == "dates and times"
    first = churn_lines(proposals)[0]
    assert first.startswith("Warning: No column says when a contract ended, so churn cannot be learned. ")
    assert "Cancelled To" in first


def test_without_accounts_the_tables_are_listed(tmp_path: Path) -> None:
    (tmp_path / "notes.csv").write_text("text\nhello\n")
    with pytest.raises(UsageError, match=r"No table looks like accounts .* source: notes"):
        propose_sources({"source": str(tmp_path)}, tmp_path / "scratch")


def test_what_cannot_be_read_is_named_with_the_reason(tmp_path: Path) -> None:
    (tmp_path / "clients.csv").write_text('id,name\n1,"never closed\n')
    (tmp_path / "notes.csv").write_text("text\nhello\n")
    (tmp_path / "picture.png").write_bytes(b"\x89PNG")
    with pytest.raises(UsageError, match=r"clients.csv, line 2: a quoted value is never closed") as error:
        propose_sources({"source": str(tmp_path)}, tmp_path / "scratch")
    assert "picture.png was not read" in str(error.value)

    (tmp_path / "accounts.csv").write_text(ACCOUNTS)
    (proposal,) = propose_sources({"source": str(tmp_path)}, tmp_path / "again")
    assert {"clients", "picture.png"} <= proposal.failures.keys()


CLIENTS = table(
    "Client No.|Company Nm|Onboarded|Vibe", 40, lambda i, r: f"CL{i}|Firm {i}|2024-01-{i % 28 + 1:02}|{i % 3}"
)


def test_columns_of_unusual_names_are_recognised_and_the_others_listed(tmp_path: Path) -> None:
    desk = table("Case#|Cust Ref|Raised On|Shut On|Subject Line", 90,
                 lambda i, r: f"{i}|CL{i % 40}|2024-02-{i % 28 + 1:02}|2024-03-{i % 28 + 1:02}|slow {i}")  # fmt: skip
    proposal = propose(tmp_path, export1=CLIENTS, export2=desk)

    accounts, tickets = table_of(proposal, "accounts"), table_of(proposal, "tickets")
    assert {it.target: it.column for it in accounts.columns} == {
        "account_id": "Client No.", "name": "Company Nm", "created_at": "Onboarded"
    }  # fmt: skip
    assert (accounts.left_out, accounts.notes, tickets.left_out) == (["Vibe"], [], [])
    assert {it.target: it.column for it in tickets.columns} == {
        "ticket_id": "Case#", "account_id": "Cust Ref", "opened_at": "Raised On", "subject": "Subject Line"
    }  # fmt: skip
    assert [it.column for it in table_of(proposal, "ticket_events").columns] == ["Shut On"]


def test_ids_of_accounts_make_one_mark_enough(tmp_path: Path) -> None:
    rows = table("nr|who|logged_on|headline", 90, lambda i, r: f"{i}|CL{i % 40}|2024-02-{i % 28 + 1:02}|slow {i}")
    found = propose(tmp_path, export1=CLIENTS, export2=rows)
    assert [it.column for it in table_of(found, "tickets").columns] == ["nr", "who", "logged_on", "headline"]

    (tmp_path / "export2.csv").write_text(rows.replace("|CL", "|ZZ").replace(",CL", ",ZZ"))
    (without,) = propose_sources({"source": str(tmp_path)}, tmp_path / "again")
    assert without.proposed is not None
    assert "tickets" not in {made.target for made in without.proposed.tables}


def test_dates_that_may_be_the_creation_of_accounts_are_used_or_named(tmp_path: Path) -> None:
    table_with = "id|name|{}"
    rows = [(f"c{i}|Firm {i}|2024-01-{i % 28 + 1:02}") for i in range(40)]
    notes = {}
    for header in ("first_contract", "checked"):
        folder = tmp_path / header
        folder.mkdir()
        made = table_of(
            propose(folder, accounts=table(table_with.format(header), 40, lambda i, r: rows[i])), "accounts"
        )
        notes[header] = (next(it.column for it in made.columns if it.target == "created_at"), made.notes[-1])
    assert notes["first_contract"][0] == "first_contract"
    assert "check this column" in notes["first_contract"][1]
    assert notes["checked"][0] == ""
    assert "If it is checked, write that column" in notes["checked"][1]


def test_a_table_that_is_not_used_is_listed_with_what_it_lacks(tmp_path: Path) -> None:
    proposal = propose(tmp_path, clients=CLIENTS, bills=table("Invoice No|Note", 5, lambda i, r: f"{i}|a"),
                       products=table("id|name|price", 5, lambda i, r: f"{i}|Thing {i}|{i}"),
                       misc=table("colour|weight", 5, lambda i, r: f"red {i}|w{i}"))  # fmt: skip
    unused = dict(proposal.unused)
    assert unused["bills"] == (
        "it is nearest to invoices, but no column was found for issued_at and amount (found: invoice_id = Invoice No)"
    )
    assert unused["misc"].startswith("none of its columns (colour, weight) was recognised")
    assert "products" in unused
    assert "clients" not in unused


def test_init_ends_with_3_where_a_night_would_stop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "accounts.csv").write_text("account_id,created_at\n" + "a,not a date\n" * 40)

    result = CliRunner().invoke(app, ["init", "data", "--into", "out"])

    assert isinstance(result.exception, DataGateError)
    assert "A night would stop on this source." in result.output
    assert "Next: correct this in the source, then run" in " ".join(result.output.split())
    assert "read the queries" not in result.output


def test_a_source_in_which_nothing_is_recognised_leaves_no_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "accounts.csv").write_text(ACCOUNTS)
    (tmp_path / "nutzung.csv").write_text("kunde;monat;wert\nx;Jan;rot\ny;Feb;blau\n")

    result = CliRunner().invoke(app, ["init", "crm=accounts.csv", "usage=nutzung.csv"])

    assert isinstance(result.exception, DataGateError)
    start = "usage: nothing was recognised in nutzung.csv (columns kunde, monat, wert)."
    assert str(result.exception).startswith(start)
    assert {file.name for file in tmp_path.iterdir()} == {"accounts.csv", "nutzung.csv"}
    CliRunner().invoke(app, ["init", "crm=accounts.csv"])
    assert (tmp_path / "rescue.toml").is_file()


def test_a_wrong_use_that_the_check_finds_leaves_no_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("RESCUE_ROW_TOLERANCE", "much")
    (tmp_path / "customers.csv").write_text(ACCOUNTS)

    result = CliRunner().invoke(app, ["init", "crm=customers.csv", "--into", "out"])

    assert isinstance(result.exception, UsageError)
    assert list((tmp_path / "out").iterdir()) == []


@pytest.mark.parametrize("name", ["CRM", "main"])
def test_a_name_that_no_source_can_have_is_refused(name: str) -> None:
    with pytest.raises(UsageError, match=f"cannot be called '{name}'"):
        name_sources([f"{name}=/x"])


def test_sources_are_named_after_their_folders_and_files() -> None:
    named = name_sources(["/data/Salesforce Export/", "usage.csv.gz", "crm=/x", "postgresql://u@h/main"])
    assert list(named) == ["salesforce_export", "usage", "crm", "source_main"]
    with pytest.raises(UsageError, match="Two sources are called 'crm'"):
        name_sources(["crm=/x", "crm=/y"])


def test_a_newcomer_gets_files_that_a_night_can_run_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    files, _ = FOLDERS["help desk by name"]
    for name, text in files.items():
        (tmp_path / name).write_text(text)
    monkeypatch.chdir(tmp_path)
    command = ["init", "crm=accounts.csv", "desk=tickets.csv", "--json"]

    result = CliRunner().invoke(app, command)

    assert result.exit_code == 0, result.output
    report = json.loads(result.stdout)
    assert "rescue.toml" in report["files"]
    accepted = {name: rows["accepted"] for name, rows in report["check"]["tables"].items()}
    assert accepted == {"accounts": 40, "tickets": 90, "ticket_events": 90}
    (crosswalk,) = report["check"]["crosswalks"]
    assert (crosswalk["source"], crosswalk["companies"], crosswalk["by_way"]) == ("desk", 40, {"name": 40})
    assert CliRunner().invoke(app, ["check"]).exit_code == 0

    again = CliRunner().invoke(app, command)
    assert again.exit_code != 0
    assert isinstance(again.exception, UsageError)
    assert "rescue.toml exists already" in str(again.exception)


def test_the_next_step_names_the_night_of_an_old_export(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    usage = table("account_id|day|feature|events", 60, lambda i, r: f"c{i % 40}|2024-03-{i % 28 + 1:02}|search|{i + 1}")
    (tmp_path / "accounts.csv").write_text(ACCOUNTS)
    (tmp_path / "usage_daily.csv").write_text(usage)
    monkeypatch.chdir(tmp_path)
    result = CliRunner().invoke(app, ["init", "data=."])
    shown = " ".join(result.output.split())
    assert "`rescue nightly --as-of 2024-03-29` in the folder of rescue.toml. The newest row is of 28 Mar 2024" in shown
    assert "While a risk has none, rules of the policy fill the queue" in shown
