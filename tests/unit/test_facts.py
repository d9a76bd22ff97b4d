"""The facts of a hand-off: what the data do not say is not made up."""

from datetime import date, datetime

import pyarrow as pa

from features.history import History
from pipelines.facts import Told, gather
from serving.handoff_facts import Facts

NIGHT = date(2026, 3, 1)


def facts(invoice: dict[str, object]) -> Facts:
    """The facts of one account with one invoice."""
    at = datetime.fromisoformat("2026-01-01")
    tables = {"accounts": [{"account_id": "A", "created_at": at}], "invoices": [{"account_id": "A", **invoice}]}
    history = History.from_tables({name: pa.Table.from_pylist(rows) for name, rows in tables.items()})
    told = Told("p1", at, {}, {}, {}, {}, {}, {}, {})
    return gather(history.as_of(NIGHT), ["A"], told)["A"]


INVOICE = {"invoice_id": "i", "issued_at": datetime.fromisoformat("2026-01-05"), "amount": 9.0}


def test_an_unpaid_invoice_is_open() -> None:
    found = facts({**INVOICE, "paid_at": pa.scalar(None, pa.timestamp("us")).as_py()})
    assert [invoice.invoice_id for invoice in found.invoices] == ["i"]


def test_where_payments_are_not_known_no_invoice_is_called_open() -> None:
    found = facts(INVOICE)
    assert found.invoices == ()
    assert "no payments in the data, so that no invoice can be called open" in found.gaps
