"""What Rescue writes into other systems is not read as a customer's ticket, comment or measured health."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from support.vendor_rows import Rows, read_rows, sql_rows

from features.errors import UsageError
from serving.delivery.channel_settings import open_channels
from serving.delivery.records.marks import marked_subject, note_mark

CASE = "abcdefghijklm"
OURS = marked_subject("Seven: Seven may leave, its escalation risk is 43%", CASE)
NOTE = f"1 Jul 2026, 09:05 UTC: ann commented.\n\nThey want to escalate.\n\n{note_mark(CASE, 7)}"
DAY, LATER = "2024-02-01T10:00:00Z", "2024-02-03T10:00:00Z"

SHAPES: Mapping[str, Mapping[str, Rows]] = {
    "zendesk/fivetran": {
        "organization": [{"id": 7, "name": "Seven", "created_at": "2024-01-01T00:00:00Z"}],
        "user": [{"id": 9, "name": "Nina", "role": "end-user", "organization_id": 7},
                 {"id": 8, "name": "Bo", "role": "agent"}],
        "ticket": [
            {"id": 1, "organization_id": 7, "created_at": DAY, "status": "open", "subject": "Slow", "requester_id": 9},
            {"id": 2, "organization_id": 7, "created_at": DAY, "status": "solved", "subject": OURS, "requester_id": 9},
        ],
        "ticket_field_history": [
            {"ticket_id": 2, "field_name": "tags", "updated": LATER, "value": "rescue escalation", "user_id": 8},
            {"ticket_id": 2, "field_name": "status", "updated": LATER, "value": "solved", "user_id": 8},
        ],
        "ticket_comment": [
            {"id": 1, "ticket_id": 1, "created": DAY, "user_id": 9, "public": True, "body": "It is slow."},
            {"id": 2, "ticket_id": 1, "created": LATER, "user_id": 8, "public": True, "body": NOTE},
            {"id": 3, "ticket_id": 1, "created": LATER, "user_id": 9, "public": True, "body": f"> {NOTE}\nReally?"},
        ],
    },
    "salesforce/fivetran": {
        "account": [{"id": "001", "name": "Seven", "created_date": "2024-01-01T00:00:00Z"}],
        "user": [{"id": "005", "name": "Bo", "is_active": True}],
        "contract": [{"id": "800", "account_id": "001", "start_date": "2024-01-01", "contract_term": 12}],
        "opportunity": [{"id": "006", "account_id": "001", "is_won": False, "close_date": "2024-01-01"}],
        "case": [
            {"id": "500a", "account_id": "001", "created_date": DAY, "subject": "Slow"},
            {"id": "500b", "account_id": "001", "created_date": DAY, "closed_date": LATER, "subject": OURS},
        ],
        "case_comment": [
            {"id": "1", "parent_id": "500a", "comment_body": "It is slow.", "is_published": True, "created_date": DAY},
            {"id": "2", "parent_id": "500a", "comment_body": NOTE, "is_published": True, "created_date": LATER},
        ],
        "case_history": [
            {"id": "1", "case_id": "500b", "field": "IsEscalated", "old_value": "false", "new_value": "true",
             "created_date": LATER, "created_by_id": "005"},
        ],
    },
    "hubspot/fivetran": {
        "company": [{"id": 7, "property_name": "Seven", "property_createdate": "2024-01-01T00:00:00Z", "portal_id": 1}],
        "deal": [{"deal_id": 1, "property_amount": 1, "property_closedate": "2024-01-01"}],
        "ticket": [
            {"id": 1, "property_createdate": DAY, "property_subject": "Slow"},
            {"id": 2, "property_createdate": DAY, "property_closed_date": LATER, "property_subject": OURS},
        ],
        "ticket_company": [{"ticket_id": 1, "company_id": 7}, {"ticket_id": 2, "company_id": 7}],
    },
    "jira/dlt": {
        "issues": [
            {"id": "1", "key": "A-1", "fields__created": DAY, "fields__summary": "Slow", "_dlt_id": "a"},
            {"id": "2", "key": "A-2", "fields__created": DAY, "fields__summary": OURS, "_dlt_id": "b",
             "fields__resolutiondate": LATER},
        ],
        "issues__fields__organizations": [{"_dlt_parent_id": "a", "id": "7", "name": "Seven"},
                                          {"_dlt_parent_id": "b", "id": "7", "name": "Seven"}],
        "comments": [
            {"id": "1", "issue_id": "1", "created": DAY, "body": "It is slow.", "author__account_id": "x"},
            {"id": "2", "issue_id": "1", "created": LATER, "body": "{noformat}" + NOTE + "{noformat}",
             "author__account_id": "y"},
        ],
    },
    "servicenow/dlt": {
        "core_company": [{"sys_id": "7", "name": "Seven", "customer": True, "sys_created_on": "2024-01-01 00:00:00"}],
        "customer_account": [{"sys_id": "7", "name": "Seven", "sys_created_on": "2024-01-01 00:00:00"}],
        "incident": [
            {"sys_id": "1", "number": "INC1", "company": "7", "opened_at": DAY, "short_description": "Slow"},
            {"sys_id": "2", "number": "INC2", "company": "7", "opened_at": DAY, "resolved_at": LATER,
             "short_description": OURS},
        ],
    },
}  # fmt: skip


@pytest.mark.parametrize("mapping", SHAPES)
def test_a_record_of_ours_is_no_ticket_of_the_customer(mapping: str, tmp_path: Path) -> None:
    history = read_rows(tmp_path, mapping, SHAPES[mapping])
    subjects = [subject for (subject,) in sql_rows(history, "SELECT subject FROM tickets")]
    assert subjects == ["Slow"]
    kinds = [kind for (kind,) in sql_rows(history, "SELECT kind FROM ticket_events ORDER BY occurred_at")]
    assert "escalated" not in kinds
    assert "closed" not in kinds
    assert "solved" not in kinds


@pytest.mark.parametrize("mapping", ["zendesk/fivetran", "salesforce/fivetran", "jira/dlt"])
def test_a_note_of_ours_is_no_comment(mapping: str, tmp_path: Path) -> None:
    history = read_rows(tmp_path, mapping, SHAPES[mapping])
    values = [value for (value,) in sql_rows(history, "SELECT value FROM ticket_events WHERE kind = 'comment'")]
    assert not any(str(value).replace("{noformat}", "").endswith(note_mark(CASE, 7)) for value in values)
    if mapping == "zendesk/fivetran":
        assert any(str(value).endswith("Really?") for value in values)  # a quotation is the customer's own


def salesforce(**fields: Any) -> dict[str, Any]:
    return {"kind": "salesforce", "url": "https://example.my.salesforce.com", "token": "t", "account_fields": fields}


def test_the_adjusted_health_is_not_written_where_the_mapping_reads_a_measured_one() -> None:
    with pytest.raises(UsageError, match="is read as a measured score"):
        open_channels({"crm": salesforce(health="Health_Score__c")})
    open_channels({"crm": salesforce(health="Rescue_Health__c")})
