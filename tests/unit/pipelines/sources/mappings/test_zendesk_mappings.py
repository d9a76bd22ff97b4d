"""The mappings of Zendesk: merged, deleted and side conversations, replies, hours, and their history."""

from datetime import datetime
from pathlib import Path
from typing import Any

from support.vendor_rows import Rows, read_rows, sql_rows

from features.history.history import History

at = datetime.fromisoformat


ORGANISATION = {
    "id": 7,
    "name": "Seven",
    "created_at": "2024-01-01",
    "url": "https://x.zendesk.com/api/v2/organizations/7.json",
}


def zendesk(folder: Path, **tables: Rows) -> History:
    return read_rows(folder, "zendesk/fivetran", {"organization": [ORGANISATION], **tables})


def ticket(number: int, **values: Any) -> dict[str, Any]:
    url = f"https://x.zendesk.com/api/v2/tickets/{number}.json"
    return {"id": number, "organization_id": 7, "created_at": "2024-02-01T10:00:00Z", "url": url} | values


def test_zendesk_leaves_out_deleted_tickets_and_side_conversations_and_links_merged_ones(tmp_path: Path) -> None:
    history = zendesk(
        tmp_path,
        ticket=[
            ticket(1, merged_ticket_ids="[2]"),
            ticket(2, status="closed", merged_ticket_ids="[]"),
            ticket(3, status="deleted"),
            ticket(4, _fivetran_deleted=True),
            ticket(5, via_channel="side_conversation"),
        ],
    )
    found = sql_rows(history, "SELECT ticket_id, merged_into, url FROM tickets ORDER BY 1")
    agent = "https://x.zendesk.com/agent/tickets/"
    assert found == [("1", None, f"{agent}1"), ("2", "1", f"{agent}2")]


def test_zendesk_takes_the_first_priority_and_the_requesters_organisation(tmp_path: Path) -> None:
    history = zendesk(
        tmp_path,
        ticket=[ticket(1, priority="urgent", organization_id=None, requester_id=9)],
        user=[{"id": 9, "organization_id": 7, "role": "end-user", "name": "Nine"}],
        ticket_field_history=[
            {"ticket_id": 1, "field_name": "priority", "updated": "2024-02-01T10:00:00Z", "value": "low"},
            {
                "ticket_id": 1,
                "field_name": "priority",
                "updated": "2024-02-03T10:00:00Z",
                "value": "urgent",
                "user_id": 9,
            },
        ],
    )
    assert sql_rows(history, "SELECT account_id, priority FROM tickets") == [("7", "low")]
    assert sql_rows(history, "SELECT kind, value, actor FROM ticket_events ORDER BY kind") == [
        ("escalated", None, "customer"),
        ("priority", "urgent", "customer"),
    ]


def test_zendesk_counts_public_replies_custom_fields_and_breaches(tmp_path: Path) -> None:
    def change(field: str, day: int, value: str | None) -> dict[str, Any]:
        return {"ticket_id": 1, "field_name": field, "updated": f"2024-02-{day:02}T10:00:00Z", "value": value}

    history = zendesk(
        tmp_path,
        ticket=[ticket(1)],
        user=[{"id": 9, "role": "end-user", "organization_id": 7}, {"id": 8, "role": "agent"}],
        ticket_comment=[
            {"id": 1, "ticket_id": 1, "created": "2024-02-01T10:00:00Z", "user_id": 9, "public": True, "body": "first"},
            {"id": 2, "ticket_id": 1, "created": "2024-02-02T10:00:00Z", "user_id": 8, "public": False, "body": "note"},
            {"id": 3, "ticket_id": 1, "created": "2024-02-02T11:00:00Z", "user_id": 8, "public": True, "body": "reply"},
        ],
        ticket_field_history=[
            change("status", 1, "new"),
            change("custom_escalated", 3, "true"),
            change("status", 4, "solved"),
            change("status", 5, "open"),
            change("custom_escalated", 6, "false"),
        ],
        ticket_metric_event=[
            {"id": 1, "ticket_id": 1, "metric": "reply_time", "type": "breach", "time": "2024-02-02T12:00:00Z"},
            {"id": 2, "ticket_id": 1, "metric": "reply_time", "type": "breach", "time": "2024-02-09", "deleted": True},
            {"id": 3, "ticket_id": 1, "metric": "reply_time", "type": "fulfill", "time": "2024-02-02T11:00:00Z"},
        ],
    )
    found = sql_rows(history, "SELECT kind, value, actor FROM ticket_events ORDER BY occurred_at")
    assert found == [
        ("comment", "reply", "agent"),
        ("sla_breached", "reply_time", "system"),
        ("escalated", None, "system"),
        ("solved", "solved", "system"),
        ("reopened", "open", "system"),
        ("deescalated", None, "system"),
    ]


def test_zendesk_computes_a_late_first_reply_only_in_calendar_hours(tmp_path: Path) -> None:
    def policy(number: int, business: bool) -> dict[str, Any]:
        day = {"sla_policy_updated_at": "2024-01-01", "metric": "first_reply_time", "priority": "high", "target": 60}
        return {"sla_policy_id": number, "business_hours": business} | day

    priority = {"field_name": "priority", "updated": "2024-02-01T10:00:00Z", "value": "high"}
    applied = {"policy_applied_at": "2024-02-01T10:00:00Z"}
    history = zendesk(
        tmp_path,
        ticket=[ticket(1, updated_at="2024-03-01"), ticket(2, updated_at="2024-03-01")],
        ticket_field_history=[{"ticket_id": 1, **priority}, {"ticket_id": 2, **priority}],
        ticket_sla_policy=[
            {"ticket_id": 1, "sla_policy_id": 5, **applied},
            {"ticket_id": 2, "sla_policy_id": 6, **applied},
        ],
        sla_policy_metric_history=[policy(5, False), policy(6, True)],
    )
    found = sql_rows(history, "SELECT ticket_id, occurred_at FROM ticket_events WHERE kind = 'sla_breached'")
    assert found == [("1", at("2024-02-01T11:00"))]


def test_zendesk_through_dlt_reads_audits_as_history(tmp_path: Path) -> None:
    history = read_rows(
        tmp_path,
        "zendesk/dlt",
        {
            "organizations": [ORGANISATION | {"_dlt_id": "o"}],
            "tickets": [ticket(1, via__channel="email")],
            "ticket_audits": [{"_dlt_id": "x", "ticket_id": 1, "created_at": "2024-02-02T10:00:00Z", "author_id": 8}],
            "ticket_audits__events": [
                {"_dlt_parent_id": "x", "id": 1, "type": "Change", "field_name": "priority", "value": "urgent"},
                {"_dlt_parent_id": "x", "id": 2, "type": "Comment", "body": "hello", "public": True},
            ],
            "users": [{"id": 8, "role": "agent"}],
        },
    )
    assert sql_rows(history, "SELECT ticket_id, channel FROM tickets") == [("1", "email")]
    assert sql_rows(history, "SELECT kind, value, actor FROM ticket_events ORDER BY kind") == [
        ("comment", "hello", "agent"),
        ("escalated", None, "agent"),
        ("priority", "urgent", "agent"),
    ]
