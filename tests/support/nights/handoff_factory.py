"""A hand-off with every kind of fact, some of them hostile; ``tests/golden/handoff`` has its pages.

``python -m support.nights.handoff_factory`` (from ``tests``) writes those pages again: read them before committing.
"""

from datetime import date, datetime, timedelta
from pathlib import Path

from models.contracts import Change, Reason
from serving.contracts import Flag, RoutingCode, RoutingReason
from serving.handoff.build_package import build_package
from serving.handoff.facts import (
    AccountFacts,
    AccountState,
    Binding,
    ContractFacts,
    Evidence,
    Facts,
    HealthPoint,
    HorizonPoint,
    Invoice,
    PastRescue,
    RiskFacts,
    RiskPoint,
    Ticket,
    WeeklyUsage,
)
from serving.handoff.package import Handoff
from serving.handoff.render import html, markdown

NIGHT = date(2026, 3, 1)
PAGES = Path(__file__).parents[2] / "golden" / "handoff"

FLAG = Flag(
    account_id="A1",
    as_of=NIGHT,
    risk="churn",
    probabilities={"churn": 0.62, "escalation": 0.18},
    priority=12345.67,
    squad="success",
    rank=1,
    at_stake=96_000.0,
    triggers=("quiet",),
    reasons={
        "churn": (
            Reason("usage", "usage_events_change_28d", 1.4, "Product events fell 43% against the four weeks before"),
            Reason("billing", "invoices_overdue_days", 0.6, "The oldest overdue invoice is 22 days late"),
            Reason("health", "health_change_90d", 0.2, "Health fell from 78 to 54", weak=True),
            Reason("contract", "contract_tenure_days", -0.3, "Customer for almost four years"),
        ),
        "escalation": (Reason("support", "tickets_opened_28d", 0.5, "2 tickets opened in the last four weeks"),),
    },
    changes={"churn": (Change("If usage returned to its normal level", 0.62, 0.31),)},
    severity="high",
    routing=RoutingReason(RoutingCode.REASON, "adoption", "usage"),
    effective_probability=0.62,
)


def facts() -> Facts:
    """Everything that can be known of an account, at once."""
    return Facts(
        binding=Binding(
            as_of=NIGHT,
            data_until=datetime.fromisoformat("2026-02-28T23:10"),
            policy_version="b2bbf5ac4d9d",
            models={"churn": "3", "escalation": "2"},
            catalogue_version="abcdef012345",
        ),
        account=AccountFacts(
            account_id="A1",
            name="Nordlicht <b>Logistik</b> & Söhne",
            parent_id="G7",
            segment="enterprise",
            industry="logistics",
            region="DACH",
            owner="Ines Albrecht",
            customer_since=date(2022, 5, 3),
        ),
        contract=ContractFacts(
            plans=("Business",),
            seats=140,
            arr=96_000,
            renews_on=date(2026, 4, 18),
            auto_renew=True,
            partial_loss_share=0.125,
            partial_loss_on=date(2026, 4, 30),
        ),
        currency="EUR",
        risks=(
            RiskFacts(
                risk="escalation",
                title="Escalation within 14 days",
                base_rate=0.04,
                quality=("tickets are 2 days old",),
            ),
            RiskFacts(
                risk="churn",
                title="Churn within 90 days",
                base_rate=0.06,
                history=tuple(
                    RiskPoint(as_of=date(2026, 2, day), probability=probability)
                    for day, probability in ((1, 0.12), (8, 0.2), (15, 0.35), (22, 0.5))
                ),
                curve=tuple(
                    HorizonPoint(days=days, probability=probability)
                    for days, probability in ((30, 0.24), (60, 0.45), (90, 0.62), (180, 0.74), (365, 0.81))
                ),
            ),
        ),
        tickets=_tickets(),
        evidence=(
            Evidence(
                ticket_id="T-88",
                written_on=date(2026, 2, 27),
                kind="threatens",
                language="en",
                quote="…we are <b>looking elsewhere</b> | unless [this](javascript:alert(1)) works",
            ),
            Evidence(
                ticket_id="T-80",
                written_on=date(2026, 2, 11),
                kind="asks_to_cancel",
                language="de",
                quote="Wie können wir den Vertrag kündigen?",
            ),
        ),
        tickets_open=2,
        usage=_usage(),
        health=tuple(
            HealthPoint(measured_on=NIGHT - timedelta(days=days), score=score, adjusted=days == 5)
            for days, score in ((150, 81), (118, 79), (88, 78), (57, 70), (26, 54), (5, 57))
        ),
        invoices=(
            Invoice(invoice_id="INV-7", issued_on=date(2026, 1, 8), due_on=date(2026, 2, 7), amount=8000),
            Invoice(invoice_id="INV-9", issued_on=date(2026, 2, 8), due_on=date(2026, 3, 10), amount=8000),
        ),
        rescues=(
            PastRescue(decided_on=date(2025, 9, 12), risk="escalation", action="executive call", verdict="false_alarm"),
        ),
        previous=AccountState(
            as_of=date(2025, 9, 1),
            probabilities={"churn": 0.1, "escalation": 0.2},
            arr=90_000,
            renews_on=date(2026, 4, 18),
            owner="Jan Meier",
            health=82,
            tickets_open=5,
            overdue=0,
        ),
        trigger_messages={"quiet": "Usage has halved and an invoice is overdue"},
        gaps=("no satisfaction scores",),
    )


def _tickets() -> tuple[Ticket, ...]:
    return (
        Ticket(
            ticket_id="T-88",
            opened_on=date(2026, 2, 25),
            subject="Export broken <script>alert(1)</script>",
            category="bug",
            priority="high",
            escalated=True,
            last_words="A week of waiting.\n\n# Unacceptable | see [link](javascript:alert(1)) or https://evil.example",
            last_words_by="customer",
            last_words_on=date(2026, 2, 27),
        ),
        Ticket(
            ticket_id="T-80",
            opened_on=date(2026, 2, 11),
            subject="Cannot add users",
            category="access",
            state="solved",
            last_words="It works now, thank you.",
            last_words_by="customer",
            last_words_on=date(2026, 2, 13),
        ),
        Ticket(ticket_id="T-71", opened_on=date(2026, 1, 20), state="closed"),
    )


def _usage() -> tuple[WeeklyUsage, ...]:
    lines = {
        ("users", "Active users", "users per week"): (110, 112, 108, 115, 118, 111, 109, 114, 90, 71, 60, 48),
        ("events", "Events", "events per week"): (
            5200,
            5100,
            5350,
            None,
            5600,
            5200,
            5300,
            5150,
            4100,
            3000,
            2600,
            1900,
        ),
        ("features", "Features in use", "features per week"): (None,) * 12,
    }
    return tuple(
        WeeklyUsage(name=name, title=title, unit=unit, weeks=weeks) for (name, title, unit), weeks in lines.items()
    )


def handoff() -> Handoff:
    """The package of all this."""
    return build_package(FLAG, facts())


def bare() -> Handoff:
    """The package of an account of which little is known but a cancellation, raised by a trigger alone."""
    flag = Flag("A2", NIGHT, "churn", {}, 10.0, "care", 1, 0.0, ("notice",), severity="normal")
    binding = Binding(as_of=NIGHT, data_until=None, policy_version="p", models={})
    churn = RiskFacts(risk="churn", title="Churn within 90 days")
    leaving = ContractFacts(notice_for=date(2026, 5, 31))
    return build_package(
        flag, Facts(binding=binding, account=AccountFacts(account_id="A2"), contract=leaving, risks=(churn,))
    )


def pages() -> dict[str, str]:
    """Every page by its file name."""
    full, least = handoff(), bare()
    return {
        "full.json": full.to_json() + "\n",
        "full.md": markdown(full),
        "full.html": html(full),
        "bare.md": markdown(least),
        "bare.html": html(least),
    }


if __name__ == "__main__":
    PAGES.mkdir(parents=True, exist_ok=True)
    for name, text in pages().items():
        (PAGES / name).write_text(text, encoding="utf-8")
