"""Payments: whether invoices are paid, and on time.

An invoice is late from the day after the one on which it is due. A credit note, an invoice of zero, and one that is
void, a draft or uncollectible is never unpaid or overdue.
"""

from functools import partial

from features.definitions.contract_terms import ARR
from features.definitions.feature import Feature
from features.definitions.measures import Stream, change

ISSUED = Stream("invoices", "invoices", "issued_at").where("is_issued")
CHARGED = ISSUED.where("amount > 0")
UNPAID = Stream("invoices", "invoices", "issued_at", until="paid_at").where("is_payable")
OVERDUE = Stream("invoices", "invoices", "due_at", until="paid_at").where("is_payable")
PAID = Stream("invoices", "invoices", "paid_at").where("is_payable")
DAYS_LATE = "date_diff('day', CAST(due_at AS DATE), CAST(paid_at AS DATE))"
LATE = f"greatest(0, {DAYS_LATE})"

_number = partial(Feature, group="billing")

BILLING_FEATURES = (
    _number(
        "invoices_overdue",
        OVERDUE.count(),
        "invoices overdue now",
        "invoices",
        "{invoices_overdue:n overdue invoice}",
        1,
        monotone=True,
    ),
    _number(
        "invoices_overdue_amount",
        OVERDUE.total("amount"),
        "amount overdue now",
        "money",
        "{invoices_overdue_amount:money} overdue",
        1,
    ),
    _number(
        "invoices_overdue_days",
        OVERDUE.oldest(),
        "days that the oldest overdue invoice is late",
        "days",
        "Oldest overdue invoice was due on {invoices_overdue_days:ago}",
        1,
        monotone=True,
    ),
    _number(
        "invoices_overdue_share_of_arr",
        OVERDUE.total("amount") / ARR,
        "amount overdue as a share of the yearly revenue",
        "share",
        "{invoices_overdue_share_of_arr:pct} of a year's revenue is overdue",
        1,
    ),
    _number(
        "invoices_unpaid",
        UNPAID.count(),
        "invoices issued and not yet paid",
        "invoices",
        "{invoices_unpaid:n unpaid invoice}",
        1,
    ),
    _number(
        "invoices_unpaid_amount",
        UNPAID.total("amount"),
        "amount issued and not yet paid",
        "money",
        "{invoices_unpaid_amount:money} not yet paid",
        1,
    ),
    _number(
        "invoices_days_late_90d",
        PAID.mean(LATE, 90, "due_at IS NOT NULL"),
        "mean days late of the invoices paid in 90 days",
        "days",
        "Recent invoices were paid {invoices_days_late_90d:days} late on average",
        1,
    ),
    _number(
        "invoices_days_late_365d",
        PAID.mean(LATE, 365, "due_at IS NOT NULL"),
        "mean days late of the invoices paid in a year",
        "days",
        "Invoices of the last year were paid {invoices_days_late_365d:days} late on average",
        1,
    ),
    _number(
        "invoices_days_late_change",
        PAID.mean(LATE, 90, "due_at IS NOT NULL") - PAID.mean(LATE, 365, "due_at IS NOT NULL"),
        "days late of the invoices paid in 90 days against the account's own year",
        "days",
        "Payments came {invoices_days_late_change:later} than in the last year on average",
        1,
    ),
    _number(
        "invoices_late_share_365d",
        PAID.count(365, f"{DAYS_LATE} > 0") / PAID.count(365, "due_at IS NOT NULL"),
        "share of the invoices paid in a year that were paid late",
        "share",
        "{invoices_late_share_365d:pct} of last year's invoices were paid late",
        1,
    ),
    _number(
        "invoices_amount_90d",
        ISSUED.total("amount", 90),
        "amount invoiced in 90 days",
        "money",
        "{invoices_amount_90d:money} invoiced in 90 days",
        -1,
    ),
    _number(
        "invoices_amount_365d",
        ISSUED.total("amount", 365),
        "amount invoiced in a year",
        "money",
        "{invoices_amount_365d:money} invoiced in a year",
    ),
    _number(
        "invoices_amount_change_90d",
        change(CHARGED.total("amount", 90), CHARGED.before(90).total("amount", 90)),
        "change of the amount invoiced, last 90 days against the 90 before, without credit notes",
        "share",
        "Invoiced amounts {invoices_amount_change_90d:moved} against the 90 days before",
        -1,
    ),
    _number(
        "invoices_recency_days",
        ISSUED.since(),
        "days since the last invoice",
        "days",
        "Last invoiced on {invoices_recency_days:ago}",
        1,
    ),
    _number(
        "invoices_credits_180d",
        ISSUED.count(180, "amount < 0"),
        "credit notes in 180 days",
        "credit notes",
        "{invoices_credits_180d:n credit note} in 180 days",
        1,
    ),
)
