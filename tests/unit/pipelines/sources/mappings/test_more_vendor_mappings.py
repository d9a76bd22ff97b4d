"""Freshdesk and Segment, and the shapes of dlt: the traps of each, on rows in its shape."""

from collections.abc import Mapping
from datetime import date, datetime
from pathlib import Path

import pytest
from support.vendor_rows import Rows, read_rows, sql_rows

at = datetime.fromisoformat

COMPANY = {"id": 7, "name": "Seven", "created_at": "2024-01-01T00:00:00Z", "account_tier": "Premium"}
DAY = "2024-02-01T10:00:00Z"
TICKET = {"id": 1, "company_id": 7, "created_at": DAY, "source": 2, "priority": 4, "subject": "Slow"}
NOTES: Rows = [
    {"id": 1, "ticket_id": 1, "created_at": "2024-02-02", "incoming": True, "private": False, "body_text": "still"},
    {"id": 2, "ticket_id": 1, "created_at": "2024-02-02", "incoming": False, "private": True, "body_text": "note"},
]
FRESHDESK: Mapping[str, Mapping[str, Rows]] = {
    "fivetran": {
        "company": [COMPANY | {"domains": '["seven.example", "7.example"]'}],
        "contact": [{"id": 9, "company_id": 7, "name": "Nina", "job_title": "CTO"}],
        "ticket": [
            TICKET | {"fr_escalated": True, "fr_due_by": "2024-02-01T12:00:00Z", "stats_resolved_at": "2024-02-03",
                      "stats_reopened_at": "2024-02-04", "custom_cf_escalated_at": "2024-02-02"},
            TICKET | {"id": 2, "company_id": None, "requester_id": 9},
            TICKET | {"id": 3, "spam": True},
            TICKET | {"id": 4, "deleted": True},
            TICKET | {"id": 5, "source": 10},
        ],
        "conversation": [
            *NOTES,
            {"id": 3, "ticket_id": 2, "created_at": "2024-02-02", "incoming": False, "private": True,
             "body_text": "This ticket is closed and merged into ticket 1"},
        ],
        "satisfaction_rating": [
            {"id": 1, "ticket_id": 1, "created_at": "2024-02-05", "ratings_default_question": -102}
        ],
    },
    "dlt": {
        "companies": [COMPANY | {"_dlt_id": "k"}],
        "companies__domains": [{"_dlt_parent_id": "k", "value": "seven.example"},
                               {"_dlt_parent_id": "k", "value": "7.example"}],
        "contacts": [{"id": 9, "company_id": 7, "name": "Nina", "job_title": "CTO"}],
        "tickets": [
            TICKET | {"fr_escalated": True, "fr_due_by": "2024-02-01T12:00:00Z", "stats__resolved_at": "2024-02-03",
                      "stats__reopened_at": "2024-02-04", "custom_fields__cf_escalated_at": "2024-02-02"},
            TICKET | {"id": 2, "company_id": None, "requester_id": 9},
            TICKET | {"id": 3, "spam": True},
            TICKET | {"id": 4, "_deleted": True},
            TICKET | {"id": 5, "source": 10},
        ],
        "conversations": [
            *NOTES,
            {"id": 3, "ticket_id": 2, "created_at": "2024-02-02", "incoming": False, "private": True,
             "body_text": "Ticket closed and merged into ticket # 1"},
        ],
        "satisfaction_ratings": [
            {"id": 1, "ticket_id": 1, "created_at": "2024-02-05", "ratings__default_question": -102}
        ],
    },
}  # fmt: skip


@pytest.mark.parametrize("shape", FRESHDESK)
def test_freshdesk(shape: str, tmp_path: Path) -> None:
    """Spam, deleted tickets and mails that an agent sent first are left out; the present priority is not read."""
    history = read_rows(tmp_path, f"freshdesk/{shape}", FRESHDESK[shape])
    assert sql_rows(history, "SELECT account_id, name, segment FROM accounts") == [("7", "Seven", "Premium")]
    found = sql_rows(history, "SELECT ticket_id, account_id, merged_into, channel, priority FROM tickets ORDER BY 1")
    assert found == [("1", "7", None, "portal", None), ("2", "7", "1", "portal", None)]
    events = sql_rows(history, "SELECT kind, actor FROM ticket_events ORDER BY occurred_at, kind")
    assert events == [
        ("sla_breached", "system"), ("comment", "customer"), ("escalated", "agent"), ("solved", "agent"),
        ("reopened", "customer"), ("csat", "customer"),
    ]  # fmt: skip
    assert sql_rows(history, "SELECT role FROM contacts") == [("CTO",)]


SEGMENT_EVENTS = [
    {"id": "a", "user_id": "u", "timestamp": "2024-02-01T10:00:00Z", "received_at": "2024-02-01T10:00:01Z"},
    {"id": "a", "user_id": "u", "timestamp": "2024-02-01T10:00:00Z", "received_at": "2024-02-02T10:00:01Z"},
    {"id": "b", "user_id": "u", "timestamp": "2024-03-01T10:00:00Z", "received_at": "2024-03-01T10:00:01Z"},
    {"id": "c", "user_id": "u", "timestamp": "2030-01-01T10:00:00Z", "received_at": "2024-03-02T10:00:01Z"},
    {"id": "d", "anonymous_id": "x", "timestamp": "2024-03-01T10:00:00Z", "received_at": "2024-03-01T10:00:01Z"},
]
JOINED = [
    {"user_id": "u", "group_id": "one", "timestamp": "2024-01-10", "received_at": "2024-01-10"},
    {"user_id": "u", "group_id": "two", "timestamp": "2024-02-15", "received_at": "2024-02-15"},
]
SEGMENT: Mapping[str, Mapping[str, Rows]] = {
    "fivetran": {
        "tracks": [*(row | {"event_text": "Export"} for row in SEGMENT_EVENTS),
                   SEGMENT_EVENTS[4] | {"id": "e", "event_text": "Export", "context_group_id": "two"}],
        "groups": [row | {"name": row["group_id"].upper()} for row in JOINED],
        "users": [{"id": "u", "email": "u@two.example", "received_at": "2024-01-10"}],
    },
    "dlt": {
        "tracks": [*(row | {"event": "Export"} for row in SEGMENT_EVENTS),
                   SEGMENT_EVENTS[4] | {"id": "e", "event": "Export", "context__group_id": "two"}],
        "groups": [row | {"traits__name": row["group_id"].upper()} for row in JOINED],
        "identifies": [{"user_id": "u", "traits__email": "u@two.example", "received_at": "2024-01-10"}],
    },
}  # fmt: skip


@pytest.mark.parametrize("shape", SEGMENT)
def test_segment(shape: str, tmp_path: Path) -> None:
    """An event is of the company that the user belonged to then; repeats and clocks that are ahead do not count."""
    history = read_rows(tmp_path, f"segment/{shape}", SEGMENT[shape])
    assert sql_rows(history, "SELECT account_id, name FROM accounts ORDER BY 1") == [("one", "ONE"), ("two", "TWO")]
    found = sql_rows(history, "SELECT account_id, day, feature, user_id, events FROM usage_daily ORDER BY 1, 2, 4")
    assert found == [
        ("one", date(2024, 2, 1), "Export", "u", 1),
        ("two", date(2024, 3, 1), "Export", "u", 1),
        ("two", date(2024, 3, 1), "Export", "x", 1),
        ("two", date(2024, 3, 2), "Export", "u", 1),
    ]
    assert sql_rows(history, "SELECT account_id, email FROM contacts") == [("two", "u@two.example")]


def test_intercom_through_dlt(tmp_path: Path) -> None:
    history = read_rows(
        tmp_path,
        "intercom/dlt",
        {
            "companies": [{"id": "k1", "created_at": 1_704_067_200, "company_id": "A"}, {"id": "k2", "created_at": 1}],
            "contacts": [{"id": "p", "_dlt_id": "c"}],
            "contacts__companies__data": [{"_dlt_parent_id": "c", "id": "k2"}, {"_dlt_parent_id": "c", "id": "k1"}],
            "conversations": [{"id": "v", "_dlt_id": "d", "created_at": 1_706_781_600, "updated_at": 1_706_781_600,
                               "priority": "priority", "source__subject": "<b>Slow</b>"}],
            "conversations__contacts__contacts": [{"_dlt_parent_id": "d", "id": "p"}],
            "conversations__conversation_parts__conversation_parts": [
                {"id": 1, "_dlt_parent_id": "d", "created_at": 1_706_868_000, "part_type": "comment",
                 "author__type": "user", "body": "hi"},
                {"id": 2, "_dlt_parent_id": "d", "created_at": 1_706_868_000, "part_type": "note"},
            ],
        },
    )  # fmt: skip
    found = sql_rows(history, "SELECT ticket_id, account_id, priority, subject FROM tickets")
    assert found == [("v", "k1", "high", "Slow")]
    assert sql_rows(history, "SELECT kind, actor FROM ticket_events") == [("comment", "customer")]


def test_amplitude_through_dlt(tmp_path: Path) -> None:
    first = {"uuid": "a", "_dlt_id": "1", "event_type": "open", "event_time": "2024-02-01T10:00:00Z", "user_id": "u"}
    history = read_rows(
        tmp_path,
        "amplitude/dlt",
        {
            "events": [first, first, first | {"uuid": "b", "_dlt_id": "2", "user_properties__account_id": "acme"},
                       first | {"uuid": "c", "_dlt_id": "3"}],
            "events__groups__company": [{"_dlt_parent_id": "1", "_dlt_list_idx": 1, "value": "other"},
                                        {"_dlt_parent_id": "1", "_dlt_list_idx": 0, "value": "acme"}],
        },
    )  # fmt: skip
    assert sql_rows(history, "SELECT account_id, feature, user_id, events FROM usage_daily") == [
        ("acme", "open", "u", 2)
    ]


def test_chargebee_through_dlt_reads_wrapped_objects_and_items(tmp_path: Path) -> None:
    history = read_rows(
        tmp_path,
        "chargebee/dlt",
        {
            "customers": [{"customer__id": "c", "customer__company": "Cee", "customer__created_at": 1_704_067_200}],
            "subscriptions": [
                {"_dlt_id": "k", "subscription__id": "s", "subscription__customer_id": "c",
                 "subscription__status": "active", "subscription__started_at": 1_704_067_200,
                 "subscription__mrr": 5000, "subscription__currency_code": "EUR",
                 "subscription__current_term_end": 1_714_521_600}],
            "subscriptions__subscription__subscription_items": [
                {"_dlt_parent_id": "k", "item_price_id": "gold-EUR", "item_type": "plan", "quantity": 7},
                {"_dlt_parent_id": "k", "item_price_id": "extra", "item_type": "addon", "quantity": 90},
            ],
            "invoices": [{"invoice__id": "i", "invoice__customer_id": "c", "invoice__date": 1_706_781_600,
                          "invoice__total": 5000, "invoice__currency_code": "EUR", "invoice__status": "not_paid"}],
        },
    )  # fmt: skip
    assert sql_rows(history, "SELECT plan, seats, arr, renews_at FROM subscriptions") == [
        ("gold-EUR", 7, 600.0, at("2024-05-01"))
    ]
    assert sql_rows(history, "SELECT amount, status FROM invoices") == [(50.0, "open")]


def test_gainsight_through_dlt(tmp_path: Path) -> None:
    history = read_rows(
        tmp_path,
        "gainsight/dlt",
        {
            "companies": [{"gsid": "g", "name": "Gee", "created_date": "2023-01-01", "csm__name": "Ann"}],
            "scorecard_history": [
                {"company_id": "g", "measure_name": "Adoption", "score": 4, "score_modified_date": "2024-02-01"}
            ],
        },
    )
    assert sql_rows(history, "SELECT account_id, owner FROM accounts") == [("g", "Ann")]
    assert sql_rows(history, "SELECT source, score FROM health_scores") == [("gainsight Adoption", 80.0)]
