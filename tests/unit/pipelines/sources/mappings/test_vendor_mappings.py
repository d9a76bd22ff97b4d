"""The mappings that Rescue brings: the traps of each vendor's system, on rows in its shape."""

from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import pytest
from support.vendor_rows import read_rows, sql_rows

from features.errors import UsageError
from pipelines.sources import open_source, validate_rows
from pipelines.sources.mappings.mapping_folder import find_mapping, shipped_mappings
from pipelines.sources.mappings.mapping_inputs import read_inputs, read_views


@pytest.mark.parametrize("name", shipped_mappings())
def test_every_query_of_every_shape_is_valid_on_its_inputs(name: str) -> None:
    mapping = find_mapping(Path(name))
    with duckdb.connect() as connection:
        for declared in read_inputs(mapping.settings).values():
            connection.execute(f'CREATE VIEW "{declared.name}" AS {declared.empty()}')
        for view, sql in read_views(mapping.settings).items():
            connection.execute(f'CREATE VIEW "{view}" AS {sql}')
        for file in mapping.query_files():
            assert connection.sql(file.read_text()).fetchall() == []


def test_a_wrong_name_of_a_mapping_names_the_nearest() -> None:
    with pytest.raises(UsageError, match=r"no mapping folder zendesk; did you mean zendesk/dlt or zendesk/fivetran"):
        find_mapping(Path("zendesk"))
    with pytest.raises(UsageError, match="did you mean hubspot/fivetran"):
        find_mapping(Path("hubspott/fivetran"))


def test_a_source_of_another_system_is_refused_with_its_tables(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"has no table .*which the mapping zendesk/fivetran reads"):
        read_rows(tmp_path, "zendesk/fivetran", {"deals": [{"id": 1}]})


def test_a_part_of_a_system_that_nobody_uses_is_a_missing_table(tmp_path: Path) -> None:
    history = read_rows(tmp_path, "salesforce/fivetran", {"account": [{"id": "a", "created_date": "2024-01-01"}]})
    assert history.present == {"accounts"}


def test_jira_reads_the_company_from_a_custom_field(tmp_path: Path) -> None:
    history = read_rows(
        tmp_path,
        "jira/fivetran",
        {
            "issue": [
                {"id": 1, "key": "SD-1", "created": "2024-02-01T10:00:00Z", "reporter": "r",
                 "self": "https://acme.atlassian.net/rest/api/2/issue/1"},
                {"id": 2, "key": "SD-2", "created": "2024-02-02", "reporter": "r"},
                {"id": 3, "key": "SD-3", "created": "2024-02-03", "_fivetran_deleted": True},
            ],
            "field": [{"id": "customfield_1", "name": "Organizations"}],
            "organization": [{"id": 77, "name": "Seven"}],
            "issue_multiselect_history": [
                {"issue_id": 1, "field_id": "customfield_1", "time": "2024-02-01", "value": "77", "is_active": True}
            ],
            "issue_field_history": [
                {"issue_id": 1, "field_id": "status", "time": "2024-02-03", "value": "9", "author_id": "agent"},
                {"issue_id": 1, "field_id": "status", "time": "2024-02-04", "value": "8", "author_id": "r"},
            ],
            "status": [{"id": 9, "name": "Resolved", "status_category_id": 3}, {"id": 8, "name": "Open"}],
            "status_category": [{"id": 3, "name": "Done"}],
            "issue_link": [{"issue_id": 2, "related_issue_id": 1, "relationship": "duplicates"}],
            "comment": [
                {"id": 1, "issue_id": 1, "created": "2024-02-05", "author_id": "r", "body": "hi", "is_public": True},
                {"id": 2, "issue_id": 1, "created": "2024-02-05", "author_id": "x", "body": "note", "is_public": False},
            ],
        },
    )  # fmt: skip
    assert sql_rows(history, "SELECT account_id, name FROM accounts") == [("77", "Seven")]
    found = sql_rows(history, "SELECT ticket_id, account_id, merged_into, record_id, url FROM tickets ORDER BY 1")
    assert found == [
        ("1", "77", None, "SD-1", "https://acme.atlassian.net/browse/SD-1"),
        ("2", None, "1", "SD-2", None),
    ]
    events = sql_rows(history, "SELECT kind, actor FROM ticket_events ORDER BY occurred_at")
    assert events == [("solved", "agent"), ("reopened", "customer"), ("comment", "customer")]


def test_pendo_sums_hours_to_days_and_reads_nps(tmp_path: Path) -> None:
    def event(hour: int, **values: Any) -> dict[str, Any]:
        return {"account_id": "p", "feature_id": "f", "visitor_id": "v", "timestamp": f"2024-02-01T{hour:02}:00:00Z",
                "num_events": 2, "num_minutes": 1} | values  # fmt: skip

    history = read_rows(
        tmp_path,
        "pendo/fivetran",
        {
            "account_history": [
                {"id": "p", "last_updated_at": "2024-01-05", "agent_name": "Old", "first_visit": "2024-01-01"},
                {"id": "p", "last_updated_at": "2024-02-05", "agent_name": "New", "first_visit": "2024-01-01"},
            ],
            "feature_event": [event(8), event(9), event(9, visitor_id="w"), event(9, account_id=None)],
            "feature_history": [{"id": "f", "name": "Export", "last_updated_at": "2024-01-01"}],
            "event": [event(8)],
            "poll": [{"id": "q", "attribute_type": "NPSRating"}],
            "poll_event": [
                {"account_id": "p", "poll_id": "q", "timestamp": "2024-02-02", "poll_response": "9"},
                {"account_id": "p", "poll_id": "q", "timestamp": "2024-02-03", "poll_response": "thanks"},
            ],
        },
    )
    assert sql_rows(history, "SELECT name FROM accounts") == [("New",)]
    found = sql_rows(history, "SELECT day, feature, user_id, events, minutes FROM usage_daily ORDER BY user_id")
    assert found == [(date(2024, 2, 1), "Export", "v", 4, 2.0), (date(2024, 2, 1), "Export", "w", 2, 1.0)]
    assert sql_rows(history, "SELECT metric, value FROM metrics") == [("nps", 9.0)]


def test_mixpanel_reads_the_company_from_properties_and_drops_repeats(tmp_path: Path) -> None:
    first = {
        "name": "open",
        "time": 1_706_781_600,
        "distinct_id": "d",
        "insert_id": "i",
        "properties": '{"company_id": "m"}',
    }
    history = read_rows(tmp_path, "mixpanel/fivetran", {"event": [first, first, first | {"insert_id": "j"}]})
    found = sql_rows(history, "SELECT account_id, day, feature, user_id, events FROM usage_daily")
    assert found == [("m", date(2024, 2, 1), "open", "d", 2)]


def test_intercom_reads_conversations_of_a_contact_in_two_companies(tmp_path: Path) -> None:
    history = read_rows(
        tmp_path,
        "intercom/fivetran",
        {
            "company_history": [{"id": "k1", "created_at": "2024-01-01", "company_id": "A"},
                                {"id": "k2", "created_at": "2024-01-01"}],
            "contact_company_history": [{"contact_id": "p", "company_id": "k2"},
                                        {"contact_id": "p", "company_id": "k1"}],
            "conversation_history": [
                {"id": "v", "created_at": "2024-02-01", "updated_at": "2024-02-01", "priority": "not_priority"},
                {"id": "v", "created_at": "2024-02-01", "updated_at": "2024-02-02", "priority": "priority",
                 "sla_status": "missed"},
            ],
            "conversation_contact_history": [{"conversation_id": "v", "contact_id": "p"}],
            "conversation_part_history": [
                {"id": 1, "conversation_id": "v", "created_at": "2024-02-03", "part_type": "comment",
                 "author_type": "user",
                 "body": "<p>Hello</p>"},
                {"id": 2, "conversation_id": "v", "created_at": "2024-02-03", "part_type": "note",
                 "author_type": "admin"},
            ],
        },
    )  # fmt: skip
    assert sql_rows(history, "SELECT ticket_id, account_id, priority FROM tickets") == [("v", "k1", None)]
    events = sql_rows(history, "SELECT kind, actor FROM ticket_events ORDER BY occurred_at, kind")
    assert events == [("escalated", "agent"), ("sla_breached", "system"), ("comment", "customer")]


@pytest.mark.shared
@pytest.mark.parametrize(
    ("vendor", "accounts"), [("zendesk", 10), ("salesforce", 1), ("stripe", 11), ("pendo", 5), ("intercom", 9)]
)
def test_rows_in_fivetrans_own_shape_are_read(vendor: str, accounts: int, shared_data: Path, tmp_path: Path) -> None:
    seeds = shared_data / "connectors" / f"fivetran_dbt_{vendor}" / "integration_tests" / "seeds"
    source = open_source(str(seeds), mapping=Path(f"{vendor}/fivetran"))
    validation = validate_rows(source, tmp_path, tolerance=1.0)
    assert validation.report.tables["accounts"].accepted == accounts
    for table in validation.report.tables.values():
        assert set(table.quarantined) <= {"unknown_account"}, table.name  # the seeds' ids are of no one company


def test_servicenow_reads_audits_and_the_callers_company(tmp_path: Path) -> None:
    history = read_rows(
        tmp_path,
        "servicenow/fivetran",
        {
            "core_company": [{"sys_id": "c", "name": "Cee", "sys_created_on": "2024-01-01", "customer": True},
                             {"sys_id": "v", "name": "Vendor", "sys_created_on": "2024-01-01", "customer": False}],
            "sys_user": [{"sys_id": "u", "company_value": "c", "name": "Uma"}],
            "incident": [{"sys_id": "i", "caller_id_value": "u", "sys_created_on": "2024-02-01",
                          "resolved_at": "2024-02-04"},
                         {"sys_id": "d", "sys_created_on": "2024-02-01", "_fivetran_deleted": True}],
            "task": [{"sys_id": "i", "number": "INC1", "opened_at": "2024-02-01", "priority": 1}],
            "task_sla": [{"task_value": "i", "has_breached": True, "original_breach_time": "2024-02-03",
                          "sla_value": "s"}],
            "sys_audit": [
                {"sys_id": "1", "documentkey": "i", "fieldname": "priority", "oldvalue": "3", "newvalue": "1",
                 "sys_created_on": "2024-02-02"},
                {"sys_id": "2", "documentkey": "i", "fieldname": "escalation", "oldvalue": "0", "newvalue": "1",
                 "sys_created_on": "2024-02-02"},
            ],
        },
    )  # fmt: skip
    assert sql_rows(history, "SELECT account_id FROM accounts") == [("c",)]
    assert sql_rows(history, "SELECT ticket_id, account_id, priority, record_id FROM tickets") == [
        ("i", "c", "normal", "INC1")
    ]
    events = sql_rows(history, "SELECT kind FROM ticket_events ORDER BY occurred_at, kind")
    assert [kind for (kind,) in events] == ["escalated", "priority", "sla_breached", "solved"]


def test_amplitude_reads_the_group_of_an_event(tmp_path: Path) -> None:
    first = {"uuid": "a", "event_type": "open", "event_time": "2024-02-01T10:00:00Z", "user_id": "u",
             "groups": '{"company": ["acme"]}'}  # fmt: skip
    second = first | {"uuid": "b", "groups": "{}", "user_properties": '{"account_id": "acme"}'}
    history = read_rows(
        tmp_path, "amplitude/fivetran", {"event": [first, first, second, first | {"uuid": "c", "groups": "{}"}]}
    )
    found = sql_rows(history, "SELECT account_id, feature, user_id, events FROM usage_daily")
    assert found == [("acme", "open", "u", 2)]
