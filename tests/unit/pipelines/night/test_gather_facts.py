"""The facts of a hand-off: what the data do not say is not made up."""

from datetime import date, datetime, timedelta

import pyarrow as pa
from support.worlds.factories import Story

from features.history.history import History
from pipelines.monitoring.feed_freshness import newest_known
from pipelines.night.gather_facts import HandoffContext, gather_facts
from pipelines.night.known_rows import FactRows, FactTables
from pipelines.setting_sections.currency_settings import CurrencySettings
from pipelines.sources.currency_conversion import convert_currencies
from serving.handoff.facts import ContractFacts, Facts, of_main_source

NIGHT = date(2026, 3, 1)


def rows_of(history: History) -> FactRows:
    return FactRows(FactTables.read(history.as_of(NIGHT), ["A"]))


def facts(invoice: dict[str, object]) -> Facts:
    """The facts of one account with one invoice."""
    at = datetime.fromisoformat("2026-01-01")
    tables = {"accounts": [{"account_id": "A", "created_at": at}], "invoices": [{"account_id": "A", **invoice}]}
    history = History.from_tables({name: pa.Table.from_pylist(rows) for name, rows in tables.items()})
    context = HandoffContext("p1", at, {}, {}, {}, {}, {}, {}, {})
    return gather_facts(rows_of(history), context)["A"]


INVOICE = {"invoice_id": "i", "issued_at": datetime.fromisoformat("2026-01-05"), "amount": 9.0}


def test_an_unpaid_invoice_is_open() -> None:
    found = facts({**INVOICE, "paid_at": pa.scalar(None, pa.timestamp("us")).as_py()})
    assert [invoice.invoice_id for invoice in found.invoices] == ["i"]


def test_where_payments_are_not_known_no_invoice_is_called_open() -> None:
    found = facts(INVOICE)
    assert found.invoices == ()
    assert "no payments in the data, so that no invoice can be called open" in found.gaps


def contract(*subscriptions: dict[str, object]) -> ContractFacts:
    """The contract facts of one account's subscriptions."""
    at = datetime.fromisoformat("2025-01-01")
    rows = [
        {"subscription_id": f"s{place}", "account_id": "A", "started_at": at, "ended_at": None, **row}
        for place, row in enumerate(subscriptions)
    ]
    schema = pa.schema(
        [
            *((name, pa.string()) for name in ("subscription_id", "account_id")),
            *((name, pa.timestamp("us")) for name in ("started_at", "renews_at", "ended_at", "known_at")),
            ("auto_renew", pa.bool_()),
        ]
    )
    given = pa.Table.from_pylist([{**row, "known_at": at} for row in rows], schema)
    accounts = pa.Table.from_pylist([{"account_id": "A", "created_at": at}])
    history = History.from_tables({"accounts": accounts, "subscriptions": given})
    context = HandoffContext("p1", at, {}, {}, {}, {}, {}, {}, {})
    return gather_facts(rows_of(history), context)["A"].contract


TERM = {"renews_at": datetime.fromisoformat("2026-06-01"), "auto_renew": True}


def test_a_contract_that_was_cancelled_does_not_renew_by_itself() -> None:
    assert contract(TERM).auto_renew is True
    cancelled = contract({**TERM, "ended_at": datetime.fromisoformat("2026-06-01")})
    assert (cancelled.auto_renew, cancelled.notice_for) == (None, date(2026, 6, 1))


def test_the_nearest_term_of_several_is_told() -> None:
    later = {"renews_at": datetime.fromisoformat("2026-09-01"), "auto_renew": False}
    found = contract(later, TERM)
    assert (found.renews_on, found.auto_renew) == (date(2026, 6, 1), True)


def test_a_past_rescue_is_one_that_was_done() -> None:
    story = Story().account("A").outcome("A", "2026-01-10", "saved", holdout=False)
    story.outcome("A", "2026-01-20", action="held_out", holdout=True).outcome("A", "2026-01-30", holdout=True)
    story.outcome("A", "2026-02-10", "lost", known_at="2026-02-10")
    story.outcome("A", "2026-02-10", action="withdrawn", known_at="2026-02-11")
    context = HandoffContext("p1", None, {}, {}, {}, {}, {}, {}, {})

    found = gather_facts(rows_of(story.history()), context)["A"]

    assert [(done.decided_on, done.verdict) for done in found.rescues] == [(date(2026, 1, 10), "saved")]


def test_the_newest_row_is_not_what_the_team_wrote() -> None:
    story = Story().account("A").health("A", "2026-02-20", 70.0, source="crm")
    story.health("A", "2026-02-27", 60.0, source="rescue").outcome("A", "2026-02-28 10:00")
    assert newest_known(story.history(), NIGHT) == datetime.fromisoformat("2026-02-20")


def test_the_newest_row_is_the_last_that_was_known_before_the_night() -> None:
    known = [datetime.fromisoformat(text) for text in ("2026-02-27T10:00", "2026-02-28T23:10", "2026-03-01T00:00")]
    created = datetime.fromisoformat("2025-01-01")
    accounts = pa.table({"account_id": ["A"] * 3, "created_at": [created] * 3, "known_at": known})
    history = History.from_tables({"accounts": accounts})
    assert newest_known(history, NIGHT) == known[1]
    assert newest_known(history, date(2026, 2, 1)) is None


def night_facts(story: Story) -> Facts:
    context = HandoffContext("p1", None, {}, {}, {}, {}, {}, {}, {})
    return gather_facts(rows_of(story.history()), context)["A"]


def test_a_contract_that_another_one_continues_was_not_cancelled() -> None:
    end = {"ended_at": "2026-04-01", "known_at": "2026-02-01"}
    story = Story().account("A").subscription("A", "2025-04-01", "s", renews_at="2026-04-01", arr=10.0, **end)
    story.subscription("A", "2026-04-01", "t", renews_at="2027-04-01", arr=20.0, currency="EUR", known_at="2026-02-01")
    found = night_facts(story).contract
    assert (found.notice_for, found.renews_on, found.arr) == (None, date(2027, 4, 1), 10.0)


def test_a_renewal_date_that_has_passed_is_overdue() -> None:
    story = Story().account("A").subscription("A", "2025-02-01", renews_at="2026-02-26", currency="EUR")
    found = night_facts(story)
    assert (found.contract.renews_on, found.contract.renewal_overdue_days, found.currency) == (None, 3, "EUR")


def test_a_part_that_ends_is_no_cancellation() -> None:
    story = Story().account("A").subscription("A", "2025-01-01", "main", arr=300.0)
    story.subscription("A", "2025-01-01", "part", arr=100.0, ended_at="2026-03-31", known_at="2026-02-01")
    found = night_facts(story).contract
    assert (found.notice_for, found.partial_loss_on, found.partial_loss_share) == (None, date(2026, 3, 31), 0.25)


def test_only_an_invoice_that_has_to_be_paid_is_open() -> None:
    story = Story().account("A").invoice("A", "2026-01-05", 9.0, invoice_id="open")
    story.invoice("A", "2026-01-05", -9.0, invoice_id="credit").invoice("A", "2026-01-05", 0.0, invoice_id="zero")
    for status in ("void", "draft", "uncollectible"):
        story.invoice("A", "2026-01-05", 9.0, invoice_id=status, status=status)
    assert [invoice.invoice_id for invoice in night_facts(story).invoices] == ["open"]


def test_an_invoice_in_another_currency_keeps_it_and_one_without_a_rate_has_no_amount() -> None:
    story = Story().account("A").subscription("A", "2025-01-01", arr=300.0, currency="EUR")
    story.invoice("A", "2026-01-05", 9.0, due_at="2026-02-01", currency="USD")
    story.invoice("A", "2026-01-06", 5.0, due_at="2026-02-02", currency="EUR")
    own = night_facts(story)
    assert [(row.amount, row.currency) for row in own.invoices] == [(9.0, "USD"), (5.0, None)]
    history = story.history()
    convert_currencies(history, CurrencySettings(code="EUR"))
    converted = gather_facts(rows_of(history), HandoffContext("p1", None, {}, {}, {}, {}, {}, {}, {}))["A"]
    assert [(row.amount, row.currency) for row in converted.invoices] == [(None, "USD"), (5.0, None)]


def test_contracts_in_two_currencies_have_no_sum() -> None:
    story = Story().account("A").subscription("A", "2025-01-01", "a", arr=300.0, currency="EUR")
    story.subscription("A", "2025-01-01", "b", arr=100.0, currency="USD")
    found = night_facts(story)
    assert (found.contract.arr, found.currency) == (None, "")
    one = Story().account("A").subscription("A", "2025-01-01", "a", arr=300.0, currency="EUR")
    one.subscription("A", "2025-01-01", "b", arr=None, currency="USD")
    assert (night_facts(one).contract.arr, night_facts(one).currency) == (300.0, "EUR")


def test_scores_of_two_sources_say_which() -> None:
    story = (
        Story().account("A").health("A", "2026-01-01", 80.0, source="crm").health("A", "2026-01-08", 78.0, source="crm")
    )
    assert {point.source for point in night_facts(story).health} == {None}
    story.health("A", "2026-01-09", 25.0, source="survey").health("A", "2026-01-10", 70.0, source="rescue")
    found = night_facts(story).health
    assert [(point.score, point.source, point.adjusted) for point in found] == [
        (80.0, "crm", False),
        (78.0, "crm", False),
        (25.0, "survey", False),
        (70.0, None, True),
    ]
    assert [point.score for point in of_main_source(found)] == [80.0, 78.0, 70.0]


def test_a_subject_that_is_the_beginning_of_the_text_is_not_quoted_as_half_a_sentence() -> None:
    body = "Hiermit kündigen wir den Vertrag fristgerecht."
    story = Story().account("A").ticket("A", "2026-02-05", subject="Hiermit kündigen wir den Ver…", body=body)
    assert [item.quote for item in night_facts(story).evidence] == [body]


def test_a_customer_who_writes_to_a_solved_ticket_opens_it_as_the_features_count() -> None:
    at = datetime.fromisoformat("2026-01-01")
    events = [
        {
            "event_id": name,
            "ticket_id": ticket,
            "account_id": "A",
            "occurred_at": at + timedelta(days=day),
            "kind": kind,
        }
        | {"actor": actor, "value": "text" if kind == "comment" else None}
        for name, ticket, day, kind, actor in (
            ("1", "open again", 5, "solved", "agent"),
            ("2", "open again", 6, "comment", "customer"),
            ("3", "solved", 5, "solved", "agent"),
            ("4", "solved", 6, "comment", "agent"),
        )
    ]
    tables = {
        "accounts": [{"account_id": "A", "created_at": at}],
        "tickets": [{"ticket_id": name, "account_id": "A", "opened_at": at} for name in ("open again", "solved")],
        "ticket_events": events,
    }
    history = History.from_tables({name: pa.Table.from_pylist(rows) for name, rows in tables.items()})
    context = HandoffContext("p1", at, {}, {}, {}, {}, {}, {}, {})
    found = gather_facts(rows_of(history), context)["A"]
    assert {ticket.ticket_id: ticket.state for ticket in found.tickets} == {"open again": "open", "solved": "solved"}
    assert found.tickets_open == 1
