"""Each system's file against a server of its published form: pages, the question for changes, and the mapping."""

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pytest
from support.rest_server import Answer, serving
from typer.testing import CliRunner

from pipelines.cli import app
from pipelines.setting_sections.sync_settings import SyncSettings
from pipelines.sync.run_sync import sync_system, synced_file
from pipelines.sync.vendor_files import read_vendor

NOW = datetime(2026, 3, 1, 2, tzinfo=UTC)


def pages_of(records: list[dict[str, Any]], place: int, size: int = 2) -> tuple[list[dict[str, Any]], int | None]:
    """A page of records, and the place of the next one."""
    return records[place : place + size], place + size if place + size < len(records) else None


COMPANIES = [
    {"id": str(n), "properties": {"name": f"C{n}", "domain": f"c{n}.example", "createdate": "2026-01-01T00:00:00Z"}}
    for n in range(1, 6)
]
ISSUES = [
    {
        "id": str(n),
        "key": f"S-{n}",
        "fields": {"updated": f"2026-02-0{n}T10:00:00.000+0000", "created": "2026-01-01T00:00:00.000+0000"}
        | {"summary": f"I{n}", "organizations": [{"id": "7", "name": "Org"}]},
    }
    for n in range(1, 6)
]
INCIDENTS = [{"sys_id": f"x{n}", "number": f"INC{n}", "sys_updated_on": f"2026-02-0{n} 10:00:00"} for n in range(1, 6)]
CUSTOMERS = [{"id": f"cus_{n}", "name": f"C{n}", "created": 1_760_000_000 + n, "livemode": True} for n in range(1, 6)]
ACCOUNTS = [
    {"Id": f"001{n}", "Name": f"A{n}", "CreatedDate": "2026-01-01T00:00:00.000+0000", "IsDeleted": n == 5}
    | {"SystemModstamp": f"2026-02-0{n}T10:00:00.000+0000", "attributes": {"type": "Account"}}
    for n in range(1, 6)
]


def hubspot(path: str, query: dict[str, str], headers: dict[str, str]) -> Answer:
    assert headers["Authorization"] == "Bearer secret"
    page, after = pages_of(COMPANIES if path.endswith("companies") else [], int(query.get("after", 0)))
    return 200, {}, {"results": page} | ({"paging": {"next": {"after": str(after)}}} if after else {})


def jira(path: str, query: dict[str, str], headers: dict[str, str]) -> Answer:
    assert headers["Authorization"].startswith("Basic ")
    if not path.endswith("/search/jql"):
        return 200, {}, []
    day = query["jql"].split('"')[1]
    changed = [issue for issue in ISSUES if issue["fields"]["updated"][:10] >= day]  # type: ignore[index]
    page, after = pages_of(changed, int(query.get("nextPageToken", 0)))
    return 200, {}, {"issues": page} | ({"nextPageToken": str(after)} if after else {})


def servicenow(path: str, query: dict[str, str], headers: dict[str, str]) -> Answer:
    if path.endswith("/core_company"):
        return 200, {}, {"result": [{"sys_id": "c1", "name": "Org", "sys_created_on": "2026-01-01 00:00:00"}]}
    if not path.endswith("/incident"):
        return 200, {}, {"result": []}
    since = query["sysparm_query"].removeprefix("sys_updated_on>=").partition("^")[0]
    changed = [row for row in INCIDENTS if row["sys_updated_on"] >= since]
    page, after = pages_of(changed, int(query.get("sysparm_offset", 0)))
    address = f"http://{headers['Host']}{path}?sysparm_query={query['sysparm_query']}&sysparm_offset={after}"
    return 200, {"Link": f'<{address}>; rel="next"'} if after else {}, {"result": page}


def stripe(path: str, query: dict[str, str], headers: dict[str, str]) -> Answer:
    rows = CUSTOMERS if path == "/v1/customers" else []
    place = next((n + 1 for n, row in enumerate(rows) if row["id"] == query.get("starting_after")), 0)
    page, after = pages_of(rows, place)
    return 200, {}, {"object": "list", "data": page, "has_more": after is not None}


def salesforce(path: str, query: dict[str, str], headers: dict[str, str]) -> Answer:
    if path.endswith("/next"):
        return 200, {}, {"records": ACCOUNTS[2:], "done": True}
    asked = query["q"]
    if "FROM Account " not in asked:
        return 200, {}, {"records": [], "done": True}
    since = asked.partition(">= ")[2].partition(" ")[0]
    changed = [row for row in ACCOUNTS if f"{row['SystemModstamp'][:19]}Z" >= since]  # type: ignore[index]
    if len(changed) < len(ACCOUNTS):
        return 200, {}, {"records": changed, "done": True}
    return 200, {}, {"records": ACCOUNTS[:2], "done": False, "nextRecordsUrl": f"{path}/next"}


SYSTEMS: dict[str, tuple[Callable[..., Answer], str, str]] = {
    "hubspot": (hubspot, "companies", "/crm/v3/objects/companies"),
    "jira": (jira, "issues", "/rest/api/3/search/jql"),
    "servicenow": (servicenow, "incident", "/api/now/table/incident"),
    "stripe": (stripe, "customers", "/v1/customers"),
    "salesforce": (salesforce, "account", "/services/data/v62.0/queryAll"),
}
CHANGES = {
    "jira": {"jql": 'updated >= "2026-02-04" ORDER BY updated'},
    "servicenow": {"sysparm_query": "sys_updated_on>=2026-02-05 10:00:00^ORDERBYsys_updated_on"},
    "salesforce": {
        "q": "SELECT FIELDS(STANDARD), ARR__c FROM Account WHERE SystemModstamp >= 2026-02-05T10:00:00Z "
        "ORDER BY SystemModstamp"
    },
}
"""The question of the second sync: from the newest row of the first, which changed on 5 Feb."""


@pytest.mark.parametrize("kind", SYSTEMS)
def test_a_system_is_read_page_by_page_and_then_by_its_changes(tmp_path: Path, kind: str) -> None:
    respond, table, path = SYSTEMS[kind]
    with serving(respond) as server:
        settings = SyncSettings(
            kind=kind,  # type: ignore[arg-type]
            address=server.address,
            user="ann",
            token="secret",
            fields={"account": ("ARR__c",)},
        )
        first = sync_system(tmp_path, "it", settings, clock=lambda: NOW)
        assert {it.name: it.rows for it in first.tables}[table] == 5
        server.requests.clear()
        second = sync_system(tmp_path, "it", settings, clock=lambda: NOW + timedelta(days=1))
    assert {it.name: it.rows for it in second.tables}[table] == 5
    asked = next(query for sent, query in server.requests if sent == path)
    assert asked.items() >= CHANGES.get(kind, {}).items()
    with duckdb.connect(str(synced_file(tmp_path, "it")), read_only=True) as connection:
        key = next(it.key for it in read_vendor(kind).tables if it.name == table)
        column = {"Id": "id"}.get(key, key)
        assert connection.execute(f"SELECT count(DISTINCT {column}) FROM {kind}.{table}").fetchone() == (5,)


@pytest.mark.parametrize(
    ("kind", "accounts"), [("hubspot", 5), ("stripe", 5), ("salesforce", 4), ("servicenow", 1), ("jira", 1)]
)
def test_the_mapping_that_is_printed_reads_the_file(tmp_path: Path, kind: str, accounts: int) -> None:
    with serving(SYSTEMS[kind][0]) as server:
        settings = SyncSettings(kind=kind, address=server.address, user="ann", token="secret")  # type: ignore[arg-type]
        report = sync_system(tmp_path, "it", settings, clock=lambda: NOW)
    given = ["check", "--data", str(report.file), "--mapping", str(report.mapping)]
    result = CliRunner().invoke(app.app, given)
    assert re.search(rf"(?m)^accounts +{accounts} +{accounts} ", result.stdout), result.output


def test_the_files_of_all_systems_are_valid_and_name_each_table_once() -> None:
    for kind in ("zendesk", *SYSTEMS):
        names = [table.name for table in read_vendor(kind).tables]
        assert len(names) == len(set(names)) > 0
