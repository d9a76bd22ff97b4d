"""The mappings of CRMs and of billing: merged accounts, renewals, currencies and scheduled ends."""

from datetime import datetime
from pathlib import Path
from typing import Any

from support.vendor_rows import read_rows, sql_rows

at = datetime.fromisoformat


def test_salesforce_merged_accounts_and_deactivated_owners(tmp_path: Path) -> None:
    history = read_rows(
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
    found = sql_rows(history, "SELECT account_id, owner, segment FROM accounts ORDER BY 1")
    assert found == [("A", None, None), ("E", "Here", "mid")]
    assert sql_rows(history, "SELECT account_id, left_at FROM contacts") == [("A", at("2024-01-05"))]


def test_salesforce_renewals_are_opportunities_in_several_currencies(tmp_path: Path) -> None:
    def won(number: int, account: str, day: str, amount: float, **values: Any) -> dict[str, Any]:
        return {"id": f"o{number}", "account_id": account, "close_date": day, "amount": amount, "is_won": True,
                "is_closed": True, "type": "Existing Business", "currency_iso_code": "EUR"} | values  # fmt: skip

    history = read_rows(
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
    found = sql_rows(history, f"SELECT {columns} FROM subscriptions ORDER BY subscription_id, known_at")
    assert found == [
        ("o1", 1200.0, "EUR", None, at("2023-01-10"), None, at("2022-01-10")),
        ("o1", 1200.0, "EUR", None, at("2023-01-10"), at("2023-01-05"), at("2023-01-05")),
        ("o2", 1800.0, "USD", "o1", at("2025-01-05"), None, at("2023-01-05")),
        ("o3", 500.0, "EUR", None, at("2023-03-01"), None, at("2022-03-01")),
        ("o3", 500.0, "EUR", None, at("2023-03-01"), at("2023-03-01"), at("2023-02-10")),
    ]


def test_salesforce_contracts_win_over_opportunities_and_show_no_end_before_its_day(tmp_path: Path) -> None:
    history = read_rows(
        tmp_path,
        "salesforce/fivetran",
        {
            "account": [{"id": "A", "created_date": "2021-01-01"}],
            "contract": [{"id": "k", "account_id": "A", "start_date": "2022-01-01", "end_date": "2023-01-01",
                          "status": "Terminated", "arr_c": 900}],
            "opportunity": [{"id": "o", "account_id": "A", "close_date": "2021-12-01", "amount": 5, "is_won": True}],
        },
    )  # fmt: skip
    found = sql_rows(history, "SELECT subscription_id, ended_at, known_at FROM subscriptions ORDER BY known_at")
    assert found == [("k", None, at("2022-01-01")), ("k", at("2023-01-01"), at("2023-01-01"))]


def test_stripe_counts_items_in_minor_units_from_epoch_seconds(tmp_path: Path) -> None:
    start = 1_704_067_200  # 1 Jan 2024
    history = read_rows(
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
    assert sql_rows(history, "SELECT account_id FROM accounts") == [("c",)]
    newest = sql_rows(history, "SELECT subscription_id, arr, seats FROM subscriptions ORDER BY known_at DESC LIMIT 1")
    assert newest == [("s", 3 * 10.5 * 12 + 1200, 4)]
    assert sql_rows(history, "SELECT count(*) FROM subscriptions WHERE subscription_id <> 's'") == [(0,)]
    found = sql_rows(history, "SELECT invoice_id, amount, paid_at FROM invoices ORDER BY 1")
    assert found == [
        ("cn", -10.0, at("2024-01-02")),
        ("usd", 50.0, at("2024-01-01T01:00")),
        ("yen", 5000.0, None),
    ]


def test_stripe_shows_a_cancellation_from_the_day_on_which_it_was_received(tmp_path: Path) -> None:
    history = read_rows(
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
    found = sql_rows(history, "SELECT renews_at, ended_at, known_at FROM subscriptions ORDER BY known_at")
    assert found == [
        (at("2024-02-01"), None, at("2024-01-01")),
        (at("2024-03-01"), None, at("2024-02-01")),
        (at("2024-04-01"), None, at("2024-03-01")),
        (None, at("2024-04-01"), at("2024-03-10")),
    ]


def test_hubspot_merged_companies_and_renewals_as_deals(tmp_path: Path) -> None:
    history = read_rows(
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
    assert sql_rows(history, "SELECT account_id, name FROM accounts") == [("1", "One")]
    found = sql_rows(
        history, "SELECT subscription_id, account_id, arr, ended_at, known_at FROM subscriptions ORDER BY known_at"
    )
    assert found == [
        ("10", "1", 100.0, None, at("2022-02-01")),
        ("10", "1", 100.0, at("2023-02-01"), at("2023-01-20")),
    ]
    assert sql_rows(history, "SELECT account_id FROM tickets") == [("1",)]
    events = sql_rows(history, "SELECT kind FROM ticket_events ORDER BY occurred_at, kind")
    assert [kind for (kind,) in events] == ["escalated", "closed", "reopened"]


def test_gainsight_scales_scores_and_shows_an_end_on_its_day(tmp_path: Path) -> None:
    history = read_rows(
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
    assert sql_rows(history, "SELECT source, score FROM health_scores ORDER BY source") == [
        ("gainsight Adoption", 80.0),
        ("gainsight Overall", 80.0),
    ]
    found = sql_rows(history, "SELECT arr, ended_at, known_at FROM subscriptions ORDER BY known_at")
    assert found == [(900.0, None, at("2023-01-01")), (900.0, at("2024-06-01"), at("2024-06-01"))]


def test_chargebee_reads_cents_trials_and_scheduled_cancellations(tmp_path: Path) -> None:
    history = read_rows(
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
    found = sql_rows(
        history, "SELECT subscription_id, arr, started_at, ended_at, known_at FROM subscriptions ORDER BY known_at"
    )
    start = at("2024-01-15")
    assert found == [("s", 600.0, start, None, start), ("s", 600.0, start, at("2024-05-01"), at("2024-04-02"))]
    assert sql_rows(history, "SELECT invoice_id, amount, status FROM invoices ORDER BY 1") == [
        ("i", 50.0, "open"),
        ("n", -10.0, "paid"),
    ]
