"""Several named sources in one night: joined, matched with accounts, cached, and left out as the settings say."""

from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import pytest

from features.errors import DataGateError, UsageError
from pipelines import settings as configuration
from pipelines.settings import Settings
from pipelines.sources.source_check import check_source
from pipelines.sources.validated_source import ValidatedSource, validate_source
from serving.night_report.report_schema import CompaniesNotMatched, SourceLeftOut

ACCOUNTS = "account_id,name,created_at,domain\n" + "".join(
    f"a{number},Firm {number},2024-01-01,firm{number}.example\n" for number in range(20)
)
TICKETS = "ticket_id,account_id,opened_at\n" + "".join(
    f"{number},a{number % 20},2024-03-{number % 28 + 1:02}\n" for number in range(40)
)


def write(folder: Path, **files: str) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in files.items():
        (folder / f"{name}.csv").write_text(text)
    return folder


@pytest.fixture
def company(tmp_path: Path) -> Path:
    write(tmp_path / "crm", accounts=ACCOUNTS)
    write(tmp_path / "desk", tickets=TICKETS)
    return tmp_path


def settings(folder: Path, sources: Mapping[str, Any], **given: Any) -> Settings:
    return configuration.load(home=folder / "home", sources=sources, **given)


def read(folder: Path, sources: Mapping[str, Any], **given: Any) -> ValidatedSource:
    scratch = folder / f"scratch{len(list(folder.iterdir()))}"
    return validate_source(settings(folder, sources, **given), scratch, tonight=date(2024, 3, 29))


def rows(source: ValidatedSource, sql: str) -> list[tuple[Any, ...]]:
    return source.history.connection.cursor().execute(sql).fetchall()


def test_tables_of_two_sources_are_one_night(company: Path) -> None:
    both = read(company, {"crm": {"data": str(company / "crm")}, "desk": {"data": str(company / "desk")}})

    assert rows(both, "SELECT count(*) FROM accounts") == [(20,)]
    assert rows(both, "SELECT count(*), count(DISTINCT account_id) FROM tickets") == [(40, 20)]
    assert both.source.title == "crm (crm), desk (desk)"


def test_a_mapping_over_all_joins_their_tables(company: Path) -> None:
    write(company / "raw", account="Id,Name,Created\nx1,One,2024-01-01\nx2,Two,2024-01-02\n")
    write(company / "help", issue="nr,org,at\n1,One,2024-02-01\n2,Two,2024-02-03\n3,One,2024-02-04\n")
    mapping = company / "joint"
    mapping.mkdir()
    (mapping / "accounts.sql").write_text("SELECT Id AS account_id, Created AS created_at FROM crm.account")
    (mapping / "tickets.sql").write_text(
        "SELECT i.nr AS ticket_id, a.Id AS account_id, i.at AS opened_at "
        "FROM help.issue AS i JOIN crm.account AS a ON a.Name = i.org"
    )
    both = read(
        company,
        {"crm": {"data": str(company / "raw")}, "help": {"data": str(company / "help")}},
        mapping=str(mapping),
    )
    found = rows(both, "SELECT ticket_id, account_id FROM tickets ORDER BY ticket_id")
    assert found == [("1", "x1"), ("2", "x2"), ("3", "x1")]


def test_a_mapping_over_all_sees_the_tables_that_the_mapping_of_a_source_makes(company: Path) -> None:
    own = company / "own"
    own.mkdir()
    (own / "accounts.sql").write_text("SELECT account_id || '!' AS account_id, created_at FROM accounts")
    joint = company / "joint"
    joint.mkdir()
    (joint / "accounts.sql").write_text("SELECT account_id, created_at FROM crm.accounts")
    (joint / "tickets.sql").write_text("SELECT ticket_id, account_id || '!' AS account_id, opened_at FROM desk.tickets")
    sources = {"crm": {"data": str(company / "crm"), "mapping": str(own)}, "desk": {"data": str(company / "desk")}}

    both = read(company, sources, mapping=str(joint))

    assert rows(both, "SELECT count(*) FROM tickets WHERE account_id LIKE '%!'") == [(40,)]


@pytest.mark.parametrize("query", ["SELECT * FROM read_csv('{file}')", "SELECT * FROM '{file}'"])
def test_no_mapping_reads_a_file_of_its_own(company: Path, query: str) -> None:
    secret = company / "secret.csv"
    secret.write_text(ACCOUNTS)
    joint = company / "joint"
    joint.mkdir()
    (joint / "accounts.sql").write_text(query.format(file=secret))

    with pytest.raises((UsageError, DataGateError), match=r"accounts\.sql"):
        read(
            company,
            {"crm": {"data": str(company / "crm")}, "desk": {"data": str(company / "desk")}},
            mapping=str(joint),
        )


def test_companies_are_matched_by_domain_and_the_rest_is_reported(company: Path) -> None:
    write(
        company / "zd",
        accounts="account_id,name,created_at,domain\n"
        "77,Firm number one,2024-01-01,https://www.FIRM1.example/\n"
        "78,Firm Two,2024-01-01,firm2.example\n"
        "79,Firm 3 Inc.,2024-01-01,\n",
        tickets="ticket_id,account_id,opened_at\n1,77,2024-02-01\n2,78,2024-02-01\n3,79,2024-02-01\n4,,2024-02-01\n",
        ticket_events="ticket_id,occurred_at,kind\n1,2024-02-02,comment\n3,2024-02-02,comment\n",
    )
    both = read(company, {"crm": {"data": str(company / "crm")}, "zd": {"data": str(company / "zd")}})

    found = rows(both, "SELECT ticket_id, account_id FROM tickets ORDER BY ticket_id")
    assert found == [("1", "a1"), ("2", "a2"), ("4", None)]
    assert rows(both, "SELECT ticket_id FROM ticket_events") == [("1",)]
    assert rows(both, "SELECT account_id, system, external_id FROM links ORDER BY 1") == [
        ("a1", "zd", "77"),
        ("a2", "zd", "78"),
    ]
    (warning,) = [it for it in both.warnings if isinstance(it, CompaniesNotMatched)]
    assert (warning.companies, warning.matched, warning.rows) == (3, 2, 2)
    assert "79 (Firm 3 Inc.), perhaps a3" in warning.nearest


def test_links_win_over_domains_and_a_way_to_two_accounts_is_no_way(company: Path) -> None:
    write(
        company / "crm",
        accounts=ACCOUNTS + "twin,Firm 2,2024-01-01,firm2.example\n",
        links="account_id,system,external_id\na9,zd,77\n",
    )
    write(
        company / "zd",
        accounts="account_id,created_at,domain\n77,2024-01-01,firm1.example\n78,2024-01-01,firm2.example\n"
        "79,2024-01-01,firm3.example\n",
        tickets="ticket_id,account_id,opened_at\n1,77,2024-02-01\n2,78,2024-02-01\n3,79,2024-02-01\n",
    )
    both = read(company, {"crm": {"data": str(company / "crm")}, "zd": {"data": str(company / "zd")}})

    assert rows(both, "SELECT ticket_id, account_id FROM tickets ORDER BY 1") == [("1", "a9"), ("3", "a3")]


def test_a_crosswalk_that_matches_few_stops_or_leaves_the_source_out(company: Path) -> None:
    write(
        company / "zd",
        accounts="account_id,created_at\n77,2024-01-01\n78,2024-01-01\n",
        tickets="ticket_id,account_id,opened_at\n1,77,2024-02-01\n",
    )
    sources: dict[str, Any] = {
        "crm": {"data": str(company / "crm")},
        "desk": {"data": str(company / "desk")},
        "zd": {"data": str(company / "zd")},
    }
    with pytest.raises(DataGateError, match=r"zd: only 0 of 2 companies \(0%\) match an account of crm"):
        read(company, sources)

    sources["zd"]["when_missing"] = "continue"
    without = read(company, sources)
    assert rows(without, "SELECT count(*) FROM tickets") == [(40,)]
    assert [it.source for it in without.warnings if isinstance(it, SourceLeftOut)] == ["zd"]


def test_a_missing_source_stops_or_is_left_out_but_never_that_of_the_accounts(company: Path) -> None:
    sources: dict[str, Any] = {"crm": {"data": str(company / "crm")}, "desk": {"data": str(company / "gone")}}
    sources["use"] = {
        "data": str(write(company / "use", usage_daily="account_id,day,feature,events\na1,2024-03-01,x,1\n"))
    }
    with pytest.raises(UsageError, match="desk: There is no folder or file"):
        read(company, sources)

    sources["desk"]["when_missing"] = "continue"
    without = read(company, sources)
    assert "tickets" in without.missing
    assert "tickets" in without.tables_left_out  # fewer rows than on other nights are no reason to stop
    assert "accounts" not in without.tables_left_out

    sources["crm"] = {"data": str(company / "gone"), "when_missing": "continue"}
    with pytest.raises((UsageError, DataGateError), match="crm: There is no folder or file"):
        read(company, sources)


def test_a_stale_source_is_noticed_on_a_night_that_nobody_asked_for(company: Path) -> None:
    write(company / "desk", tickets=TICKETS.replace("2024-03-", "2024-01-"))
    sources: dict[str, Any] = {
        "crm": {"data": str(company / "crm")},
        "desk": {"data": str(company / "desk"), "stale_after": 10},
        "use": {"data": str(write(company / "use", usage_daily="account_id,day,feature,events\na1,2024-03-01,x,1\n"))},
    }
    with pytest.raises(DataGateError, match="desk: its newest row is of 28 Jan 2024, 61 days before the night"):
        read(company, sources)

    sources["desk"]["when_missing"] = "continue"
    assert "tickets" in read(company, sources).missing
    later = validate_source(settings(company, sources), company / "asked")
    assert "tickets" not in later.missing


def test_ids_of_two_sources_stay_apart(company: Path) -> None:
    write(company / "jira", tickets="ticket_id,account_id,opened_at\n1,a1,2024-02-01\n")
    both = read(
        company,
        {name: {"data": str(company / name)} for name in ("crm", "desk", "jira")},
    )
    assert rows(both, "SELECT ticket_id, source FROM tickets WHERE account_id = 'a1' ORDER BY 1") == [
        ("1", "desk"),
        ("21", "desk"),
        ("jira:1", "jira"),
    ]


def test_unchanged_tables_are_not_validated_again_and_a_changed_one_is(company: Path) -> None:
    sources = {"crm": {"data": str(company / "crm")}, "desk": {"data": str(company / "desk")}}
    (company / "home").mkdir()
    first = read(company, sources).facts()["fingerprint"]
    again = read(company, sources)
    assert again.facts()["fingerprint"] == first
    assert {table.name: table.files_cached for table in again.table_rows()} == {"accounts": 1, "tickets": 1}

    write(company / "desk", tickets=TICKETS + "99,a1,2024-03-20\n")
    changed = read(company, sources)
    assert {table.name: table.files_cached for table in changed.table_rows()} == {"accounts": 1, "tickets": 0}
    assert rows(changed, "SELECT count(*) FROM tickets") == [(41,)]
    assert changed.facts()["fingerprint"] != first


def test_local_times_of_a_source_are_read_in_its_zone(company: Path) -> None:
    write(
        company / "desk",
        tickets="ticket_id,account_id,opened_at\n1,a1,2024-02-01 23:30:00\n"
        "2,a1,2024-02-01T23:30:00Z\n3,a1,2024-07-01\n",
    )
    sources = {
        "crm": {"data": str(company / "crm")},
        "desk": {"data": str(company / "desk"), "timezone": "America/New_York"},
    }
    found = rows(read(company, sources), "SELECT CAST(opened_at AS VARCHAR) FROM tickets ORDER BY ticket_id")
    assert [text for (text,) in found] == ["2024-02-02 04:30:00", "2024-02-01 23:30:00", "2024-07-01 00:00:00"]


def test_tables_in_a_schema_of_a_duckdb_file_are_read(company: Path) -> None:
    with duckdb.connect(str(company / "dlt.duckdb")) as connection:
        connection.execute("CREATE SCHEMA zendesk")
        connection.execute(
            "CREATE TABLE zendesk.tickets AS SELECT 't' AS ticket_id, 'a1' AS account_id, now() AS opened_at"
        )
        connection.execute("CREATE SCHEMA other")
        connection.execute("CREATE TABLE other.issue AS SELECT 'u' AS nr")
    crm = {"data": str(company / "crm")}

    alone = read(company, {"crm": crm, "desk": {"data": str(company / "dlt.duckdb"), "schema": "zendesk"}})
    assert rows(alone, "SELECT ticket_id FROM tickets") == [("t",)]

    joint = company / "joint"
    joint.mkdir()
    (joint / "tickets.sql").write_text(
        "SELECT t.ticket_id || i.nr AS ticket_id, t.account_id, t.opened_at "
        "FROM desk.zendesk.tickets AS t CROSS JOIN desk.issue AS i"
    )
    both = read(company, {"crm": crm, "desk": {"data": str(company / "dlt.duckdb")}}, mapping=str(joint))
    assert rows(both, "SELECT ticket_id FROM tickets") == [("tu",)]

    with pytest.raises(UsageError, match="no schema 'zendex' that this user may see; did you mean 'zendesk'"):
        read(company, {"crm": crm, "desk": {"data": str(company / "dlt.duckdb"), "schema": "zendex"}})


def test_check_shows_how_companies_match(company: Path) -> None:
    chosen = settings(company, {"crm": {"data": str(company / "crm")}, "desk": {"data": str(company / "desk")}})
    report = check_source(chosen.data, settings=chosen)

    (crosswalk,) = report.as_json()["crosswalks"]
    assert (crosswalk["source"], crosswalk["companies"], crosswalk["by_way"]) == ("desk", 20, {"same_id": 20})


def test_one_file_is_a_source_of_its_table(company: Path) -> None:
    sources = {"crm": {"data": str(company / "crm")}, "desk": {"data": str(company / "desk" / "tickets.csv")}}
    assert rows(read(company, sources), "SELECT count(*) FROM tickets") == [(40,)]
