"""The mappings that Rescue brings: the traps of each vendor's system, on rows in its shape."""

import json
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from pathlib import Path
from typing import Any

import duckdb
import pytest

from features.errors import UsageError
from features.history.history import History
from pipelines.sources import open_source, validate_rows
from pipelines.sources.mappings.mapping_folder import find_mapping, shipped_mappings
from pipelines.sources.mappings.mapping_inputs import read_inputs, read_views

Rows = Sequence[Mapping[str, Any]]
at = datetime.fromisoformat


def read(folder: Path, mapping: str, tables: Mapping[str, Rows]) -> History:
    """The validated history of a source with these tables, whose values are as an API gives them."""
    source = folder / "source"
    source.mkdir()
    for name, rows in tables.items():
        (source / f"{name}.jsonl").write_text("\n".join(json.dumps(row) for row in rows))
    return validate_rows(open_source(str(source), mapping=Path(mapping)), folder / "scratch", tolerance=1.0).history


def rows(history: History, sql: str) -> list[tuple[Any, ...]]:
    return history.connection.cursor().execute(sql).fetchall()


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
        read(tmp_path, "zendesk/fivetran", {"deals": [{"id": 1}]})


def test_a_part_of_a_system_that_nobody_uses_is_a_missing_table(tmp_path: Path) -> None:
    history = read(tmp_path, "salesforce/fivetran", {"account": [{"id": "a", "created_date": "2024-01-01"}]})
    assert history.present == {"accounts"}


ORGANISATION = {
    "id": 7,
    "name": "Seven",
    "created_at": "2024-01-01",
    "url": "https://x.zendesk.com/api/v2/organizations/7.json",
}


def zendesk(folder: Path, **tables: Rows) -> History:
    return read(folder, "zendesk/fivetran", {"organization": [ORGANISATION], **tables})


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
    found = rows(history, "SELECT ticket_id, merged_into, url FROM tickets ORDER BY 1")
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
    assert rows(history, "SELECT account_id, priority FROM tickets") == [("7", "low")]
    assert rows(history, "SELECT kind, value, actor FROM ticket_events ORDER BY kind") == [
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
    found = rows(history, "SELECT kind, value, actor FROM ticket_events ORDER BY occurred_at")
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
    found = rows(history, "SELECT ticket_id, occurred_at FROM ticket_events WHERE kind = 'sla_breached'")
    assert found == [("1", at("2024-02-01T11:00"))]


def test_zendesk_through_dlt_reads_audits_as_history(tmp_path: Path) -> None:
    history = read(
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
    assert rows(history, "SELECT ticket_id, channel FROM tickets") == [("1", "email")]
    assert rows(history, "SELECT kind, value, actor FROM ticket_events ORDER BY kind") == [
        ("comment", "hello", "agent"),
        ("escalated", None, "agent"),
        ("priority", "urgent", "agent"),
    ]


def test_salesforce_merged_accounts_and_deactivated_owners(tmp_path: Path) -> None:
    history = read(
        tmp_path,
        "salesforce/fivetran",
        {
            "account": [
                {"id": "A", "name": "Alive", "created_date": "2023-01-01", "owner_id": "u1"},
                {"id": "B", "created_date": "2023-01-01", "is_deleted": True, "master_record_id": "A"},
                {"id": "C", "created_date": "2023-01-01", "is_deleted": True, "master_record_id": "B"},
                {"id": "D", "name": "Deleted", "created_date": "2023-01-01", "is_deleted": True},
                {"id": "E", "name": "Owned", "created_date": "2023-01-01", "owner_id": "u2",
                 "number_of_employees": 500},
            ],
            "user": [{"id": "u1", "name": "Gone", "is_active": False}, {"id": "u2", "name": "Here", "is_active": True}],
            "contact": [{"id": "c", "account_id": "C", "name": "Cleo", "no_longer_at_company_c": True,
                         "last_modified_date": "2024-01-05"}],
        },
    )  # fmt: skip
    found = rows(history, "SELECT account_id, owner, segment FROM accounts ORDER BY 1")
    assert found == [("A", None, None), ("E", "Here", "mid")]
    assert rows(history, "SELECT account_id, left_at FROM contacts") == [("A", at("2024-01-05"))]


def test_salesforce_renewals_are_opportunities_in_several_currencies(tmp_path: Path) -> None:
    def won(number: int, account: str, day: str, amount: float, **values: Any) -> dict[str, Any]:
        return {"id": f"o{number}", "account_id": account, "close_date": day, "amount": amount, "is_won": True,
                "is_closed": True, "type": "Existing Business", "currency_iso_code": "EUR"} | values  # fmt: skip

    history = read(
        tmp_path,
        "salesforce/fivetran",
        {
            "account": [{"id": name, "created_date": "2021-01-01"} for name in ("A", "B")],
            "opportunity": [
                won(1, "A", "2022-01-10", 1200),
                won(2, "A", "2023-01-05", 3600, contract_term_c=24, currency_iso_code="USD"),
                won(3, "B", "2022-03-01", 500),
                {"id": "o4", "account_id": "B", "close_date": "2023-02-10", "is_won": False, "is_closed": True,
                 "type": "Renewal"},
                won(5, "A", "2022-06-01", 9, is_deleted=True),
            ],
        },
    )  # fmt: skip
    columns = "subscription_id, arr, currency, replaces, renews_at, ended_at, known_at"
    found = rows(history, f"SELECT {columns} FROM subscriptions ORDER BY subscription_id, known_at")
    assert found == [
        ("o1", 1200.0, "EUR", None, at("2023-01-10"), None, at("2022-01-10")),
        ("o1", 1200.0, "EUR", None, at("2023-01-10"), at("2023-01-05"), at("2023-01-05")),
        ("o2", 1800.0, "USD", "o1", at("2025-01-05"), None, at("2023-01-05")),
        ("o3", 500.0, "EUR", None, at("2023-03-01"), None, at("2022-03-01")),
        ("o3", 500.0, "EUR", None, at("2023-03-01"), at("2023-03-01"), at("2023-02-10")),
    ]


def test_salesforce_contracts_win_over_opportunities_and_show_no_end_before_its_day(tmp_path: Path) -> None:
    history = read(
        tmp_path,
        "salesforce/fivetran",
        {
            "account": [{"id": "A", "created_date": "2021-01-01"}],
            "contract": [{"id": "k", "account_id": "A", "start_date": "2022-01-01", "end_date": "2023-01-01",
                          "status": "Terminated", "arr_c": 900}],
            "opportunity": [{"id": "o", "account_id": "A", "close_date": "2021-12-01", "amount": 5, "is_won": True}],
        },
    )  # fmt: skip
    found = rows(history, "SELECT subscription_id, ended_at, known_at FROM subscriptions ORDER BY known_at")
    assert found == [("k", None, at("2022-01-01")), ("k", at("2023-01-01"), at("2023-01-01"))]


def test_stripe_counts_items_in_minor_units_from_epoch_seconds(tmp_path: Path) -> None:
    start = 1_704_067_200  # 1 Jan 2024
    history = read(
        tmp_path,
        "stripe/fivetran",
        {
            "customer": [{"id": "c", "created": start}, {"id": "t", "created": start, "livemode": False}],
            "subscription": [
                {"id": "s", "customer_id": "c", "start_date": start, "status": "active",
                 "current_period_start": start + 60 * 86_400, "current_period_end": start + 91 * 86_400},
                {"id": "trial", "customer_id": "c", "start_date": start, "status": "trialing",
                 "trial_end": start + 999},
                {"id": "never", "customer_id": "c", "start_date": start, "status": "canceled",
                 "trial_end": start + 14 * 86_400, "canceled_at": start + 86_400, "ended_at": start + 86_400},
            ],
            "subscription_item": [
                {"subscription_id": "s", "plan_id": "monthly", "quantity": 3},
                {"subscription_id": "s", "plan_id": "yearly", "quantity": 1},
            ],
            "plan": [
                {"id": "monthly", "amount": 1050, "currency": "usd", "interval": "month", "interval_count": 1},
                {"id": "yearly", "amount": 120000, "currency": "usd", "interval": "year", "interval_count": 1},
            ],
            "invoice": [
                {"id": "yen", "customer_id": "c", "created": start, "total": 5000, "currency": "jpy", "status": "open"},
                {"id": "usd", "customer_id": "c", "created": start, "total": 5000, "currency": "usd", "status": "paid",
                 "status_transitions_paid_at": start + 3600},
            ],
            "credit_note": [{"id": "cn", "invoice_id": "usd", "created": start + 86_400, "total": 1000,
                             "currency": "usd"}],
        },
    )  # fmt: skip
    assert rows(history, "SELECT account_id FROM accounts") == [("c",)]
    newest = rows(history, "SELECT subscription_id, arr, seats FROM subscriptions ORDER BY known_at DESC LIMIT 1")
    assert newest == [("s", 3 * 10.5 * 12 + 1200, 4)]
    assert rows(history, "SELECT count(*) FROM subscriptions WHERE subscription_id <> 's'") == [(0,)]
    found = rows(history, "SELECT invoice_id, amount, paid_at FROM invoices ORDER BY 1")
    assert found == [
        ("cn", -10.0, at("2024-01-02")),
        ("usd", 50.0, at("2024-01-01T01:00")),
        ("yen", 5000.0, None),
    ]


def test_stripe_shows_a_cancellation_from_the_day_on_which_it_was_received(tmp_path: Path) -> None:
    history = read(
        tmp_path,
        "stripe/fivetran",
        {
            "customer": [{"id": "c", "created": "2024-01-01"}],
            "subscription": [
                {"id": "s", "customer_id": "c", "start_date": "2024-01-01", "status": "active",
                 "current_period_start": "2024-03-01", "current_period_end": "2024-04-01", "cancel_at_period_end": True,
                 "canceled_at": "2024-03-10"},
            ],
        },
    )  # fmt: skip
    found = rows(history, "SELECT renews_at, ended_at, known_at FROM subscriptions ORDER BY known_at")
    assert found == [
        (at("2024-02-01"), None, at("2024-01-01")),
        (at("2024-03-01"), None, at("2024-02-01")),
        (at("2024-04-01"), None, at("2024-03-01")),
        (None, at("2024-04-01"), at("2024-03-10")),
    ]


def test_hubspot_merged_companies_and_renewals_as_deals(tmp_path: Path) -> None:
    history = read(
        tmp_path,
        "hubspot/fivetran",
        {
            "company": [
                {"id": 1, "property_name": "One", "property_createdate": "2022-01-01",
                 "property_hs_merged_object_ids": "5"},
                {"id": 5, "property_name": "Old", "property_createdate": "2021-01-01"},
            ],
            "deal": [
                {"deal_id": 10, "deal_pipeline_stage_id": "won", "property_amount": 100,
                 "property_closedate": "2022-02-01"},
                {"deal_id": 11, "deal_pipeline_stage_id": "lost", "property_closedate": "2023-01-20",
                 "property_dealtype": "renewal"},
                {"deal_id": 12, "deal_pipeline_stage_id": "won", "property_closedate": "2022-02-01"},
            ],
            "merged_deal": [{"deal_id": 10, "merged_deal_id": 12}],
            "deal_company": [{"deal_id": number, "company_id": 5} for number in (10, 11, 12)],
            "deal_pipeline_stage": [
                {"stage_id": "won", "closed_won": True, "is_closed": True},
                {"stage_id": "lost", "closed_won": False, "is_closed": True},
            ],
            "ticket": [{"id": 3, "property_createdate": "2022-05-01"}],
            "ticket_company": [{"ticket_id": 3, "company_id": 5}, {"ticket_id": 3, "company_id": 9}],
            "ticket_pipeline_stage": [{"stage_id": "s1", "label": "New"}, {"stage_id": "s2", "label": "Escalated"},
                                      {"stage_id": "s3", "label": "Done", "is_closed": True}],
            "ticket_property_history": [
                {"ticket_id": 3, "name": "hs_pipeline_stage", "timestamp_instant": f"2022-05-0{day}", "value": stage}
                for day, stage in ((1, "s1"), (2, "s2"), (3, "s3"), (4, "s1"))
            ],
        },
    )  # fmt: skip
    assert rows(history, "SELECT account_id, name FROM accounts") == [("1", "One")]
    found = rows(
        history, "SELECT subscription_id, account_id, arr, ended_at, known_at FROM subscriptions ORDER BY known_at"
    )
    assert found == [
        ("10", "1", 100.0, None, at("2022-02-01")),
        ("10", "1", 100.0, at("2023-02-01"), at("2023-01-20")),
    ]
    assert rows(history, "SELECT account_id FROM tickets") == [("1",)]
    events = rows(history, "SELECT kind FROM ticket_events ORDER BY occurred_at, kind")
    assert [kind for (kind,) in events] == ["escalated", "closed", "reopened"]


def test_jira_reads_the_company_from_a_custom_field(tmp_path: Path) -> None:
    history = read(
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
    assert rows(history, "SELECT account_id, name FROM accounts") == [("77", "Seven")]
    found = rows(history, "SELECT ticket_id, account_id, merged_into, record_id, url FROM tickets ORDER BY 1")
    assert found == [
        ("1", "77", None, "SD-1", "https://acme.atlassian.net/browse/SD-1"),
        ("2", None, "1", "SD-2", None),
    ]
    events = rows(history, "SELECT kind, actor FROM ticket_events ORDER BY occurred_at")
    assert events == [("solved", "agent"), ("reopened", "customer"), ("comment", "customer")]


def test_pendo_sums_hours_to_days_and_reads_nps(tmp_path: Path) -> None:
    def event(hour: int, **values: Any) -> dict[str, Any]:
        return {"account_id": "p", "feature_id": "f", "visitor_id": "v", "timestamp": f"2024-02-01T{hour:02}:00:00Z",
                "num_events": 2, "num_minutes": 1} | values  # fmt: skip

    history = read(
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
    assert rows(history, "SELECT name FROM accounts") == [("New",)]
    found = rows(history, "SELECT day, feature, user_id, events, minutes FROM usage_daily ORDER BY user_id")
    assert found == [(date(2024, 2, 1), "Export", "v", 4, 2.0), (date(2024, 2, 1), "Export", "w", 2, 1.0)]
    assert rows(history, "SELECT metric, value FROM metrics") == [("nps", 9.0)]


def test_mixpanel_reads_the_company_from_properties_and_drops_repeats(tmp_path: Path) -> None:
    first = {
        "name": "open",
        "time": 1_706_781_600,
        "distinct_id": "d",
        "insert_id": "i",
        "properties": '{"company_id": "m"}',
    }
    history = read(tmp_path, "mixpanel/fivetran", {"event": [first, first, first | {"insert_id": "j"}]})
    found = rows(history, "SELECT account_id, day, feature, user_id, events FROM usage_daily")
    assert found == [("m", date(2024, 2, 1), "open", "d", 2)]


def test_intercom_reads_conversations_of_a_contact_in_two_companies(tmp_path: Path) -> None:
    history = read(
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
    assert rows(history, "SELECT ticket_id, account_id, priority FROM tickets") == [("v", "k1", None)]
    events = rows(history, "SELECT kind, actor FROM ticket_events ORDER BY occurred_at, kind")
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
    history = read(
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
    assert rows(history, "SELECT account_id FROM accounts") == [("c",)]
    assert rows(history, "SELECT ticket_id, account_id, priority, record_id FROM tickets") == [
        ("i", "c", "normal", "INC1")
    ]
    events = rows(history, "SELECT kind FROM ticket_events ORDER BY occurred_at, kind")
    assert [kind for (kind,) in events] == ["escalated", "priority", "sla_breached", "solved"]


def test_amplitude_reads_the_group_of_an_event(tmp_path: Path) -> None:
    first = {"uuid": "a", "event_type": "open", "event_time": "2024-02-01T10:00:00Z", "user_id": "u",
             "groups": '{"company": ["acme"]}'}  # fmt: skip
    second = first | {"uuid": "b", "groups": "{}", "user_properties": '{"account_id": "acme"}'}
    history = read(
        tmp_path, "amplitude/fivetran", {"event": [first, first, second, first | {"uuid": "c", "groups": "{}"}]}
    )
    found = rows(history, "SELECT account_id, feature, user_id, events FROM usage_daily")
    assert found == [("acme", "open", "u", 2)]


def test_gainsight_scales_scores_and_shows_an_end_on_its_day(tmp_path: Path) -> None:
    history = read(
        tmp_path,
        "gainsight/fivetran",
        {
            "company": [
                {
                    "gsid": "g",
                    "name": "Gee",
                    "original_contract_date": "2023-01-01",
                    "arr": 900,
                    "csm": "Ann",
                    "renewal_date": "2025-01-01",
                    "sfdc_account_id": "001",
                    "churn_date": "2024-06-01",
                },
            ],
            "account_scorecard_history": [
                {"company_id": "g", "measure_name": "Adoption", "score": 4, "score_modified_date": "2024-02-01"},
                {"company_id": "g", "measure_name": "Overall", "score": 80, "score_modified_date": "2024-02-01"},
            ],
        },
    )
    assert rows(history, "SELECT source, score FROM health_scores ORDER BY source") == [
        ("gainsight Adoption", 80.0),
        ("gainsight Overall", 80.0),
    ]
    found = rows(history, "SELECT arr, ended_at, known_at FROM subscriptions ORDER BY known_at")
    assert found == [(900.0, None, at("2023-01-01")), (900.0, at("2024-06-01"), at("2024-06-01"))]


def test_chargebee_reads_cents_trials_and_scheduled_cancellations(tmp_path: Path) -> None:
    history = read(
        tmp_path,
        "chargebee/fivetran",
        {
            "customer": [{"id": "c", "company": "Cee", "created_at": 1_704_067_200}],
            "subscription": [
                {"id": "s", "customer_id": "c", "status": "non_renewing", "started_at": "2024-01-01", "mrr": 5000,
                 "currency_code": "EUR", "current_term_end": "2024-05-01", "cancelled_at": "2024-05-01",
                 "cancel_schedule_created_at": "2024-04-02", "trial_end": "2024-01-15"},
                {"id": "t", "customer_id": "c", "status": "cancelled", "started_at": "2024-01-01",
                 "trial_end": "2024-01-15", "cancelled_at": "2024-01-10"},
            ],
            "invoice": [{"id": "i", "customer_id": "c", "date": "2024-02-01", "total": 5000, "currency_code": "EUR",
                         "status": "payment_due"}],
            "credit_note": [{"id": "n", "customer_id": "c", "date": "2024-02-03", "total": 1000,
                             "currency_code": "EUR"}],
        },
    )  # fmt: skip
    found = rows(
        history, "SELECT subscription_id, arr, started_at, ended_at, known_at FROM subscriptions ORDER BY known_at"
    )
    start = at("2024-01-15")
    assert found == [("s", 600.0, start, None, start), ("s", 600.0, start, at("2024-05-01"), at("2024-04-02"))]
    assert rows(history, "SELECT invoice_id, amount, status FROM invoices ORDER BY 1") == [
        ("i", 50.0, "open"),
        ("n", -10.0, "paid"),
    ]
