"""Why now: sentences that can be said to a customer, the most urgent first."""

from dataclasses import replace
from datetime import date
from typing import Any

import pytest
from support.nights.handoff_factory import FLAG, NIGHT, facts

from models.contracts import EvidenceKind, Reason
from serving.handoff.build_package import MOST_EVIDENCE, build_package
from serving.handoff.facts import ContractFacts, Evidence
from serving.handoff.render import html, markdown
from serving.handoff.why_now import EVIDENCE_TEXTS, why_now, without_day_counts


def sentences(contract: ContractFacts | None = None, **given: Any) -> tuple[str, ...]:
    update = {"contract": contract or ContractFacts(), "evidence": (), **given}
    return why_now(replace(FLAG, triggers=(), reasons=None), facts().model_copy(update=update))


def test_every_kind_of_evidence_has_a_sentence() -> None:
    assert set(EVIDENCE_TEXTS) == {kind.value for kind in EvidenceKind}


@pytest.mark.parametrize(
    ("contract", "sentence"),
    [
        (
            ContractFacts(notice_for=date(2026, 3, 10)),
            "The customer has cancelled: the contract ends on 10 Mar 2026, in 9 days",
        ),
        (ContractFacts(notice_for=NIGHT), "The customer has cancelled: the contract ends on 1 Mar 2026, today"),
        (
            ContractFacts(partial_loss_on=date(2026, 4, 1), partial_loss_share=0.001),
            "A part of the contracts ends on 1 Apr 2026, less than 1% of the revenue; the others go on",
        ),
        (
            ContractFacts(partial_loss_on=date(2026, 4, 1)),
            "A part of the contracts ends on 1 Apr 2026; the others go on",
        ),
        (
            ContractFacts(renewal_overdue_days=1),
            "The renewal is overdue by 1 day: the date has passed without a new one",
        ),
    ],
)
def test_what_a_contract_says(contract: ContractFacts, sentence: str) -> None:
    assert sentences(contract) == (sentence,)


def test_the_newest_evidence_of_each_kind_is_named() -> None:
    evidence = tuple(
        Evidence(ticket_id=f"T{day}", written_on=date(2026, 2, day), kind=kind, language="en", quote="…")
        for day, kind in ((9, "blocked"), (7, "asks_to_cancel"), (3, "blocked"))
    )
    assert sentences(evidence=evidence) == (
        "The customer asks to cancel, in ticket T7 of 7 Feb 2026",
        "The customer reports being blocked, in ticket T9 of 9 Feb 2026",
    )


def test_what_was_written_long_ago_comes_after_what_is_still_open() -> None:
    evidence = tuple(
        Evidence(ticket_id="T", written_on=day, kind=kind, language="en", quote="…")
        for day, kind in ((date(2026, 2, 20), "asks_for_manager"), (date(2025, 12, 20), "asks_to_cancel"))
    )
    assert [text.partition(",")[0] for text in sentences(evidence=evidence)] == [
        "The customer asks for a manager",
        "The customer asks to cancel",
    ]


def test_what_is_internal_or_weak_or_lowers_the_risk_is_not_said() -> None:
    reasons = (
        Reason("health", "health_mean_28d", 2.0, "Health score 31.9 on average over four weeks"),
        Reason("usage", "usage_events_change_28d", 1.0, "Use fell 41% against the four weeks before"),
        Reason("billing", "invoices_overdue", 0.5, "1 overdue invoice", weak=True),
        Reason("contract", "contract_tenure_days", -0.5, "Subscribed since 3 Jun 2020"),
        Reason("account", "segment", 0.4, "Segment mid"),
        Reason("contract", "contract_seats", 0.4, "13 paid seats"),
    )
    flag = replace(FLAG, triggers=("quiet",), reasons={"churn": reasons})
    given = facts().model_copy(update={"contract": ContractFacts(), "evidence": ()})
    assert why_now(flag, given) == (
        "Usage has halved and an invoice is overdue",
        "Use fell 41% against the four weeks before",
    )


def test_the_pages_show_quotes_overdue_renewals_and_unknown_revenue() -> None:
    contract = ContractFacts(renews_on=date(2026, 2, 20), renewal_overdue_days=9)
    package = build_package(replace(FLAG, at_stake=None), facts().model_copy(update={"contract": contract}))
    for page in (markdown(package), html(package)):
        assert "overdue by 9 days" in page
        assert "unknown" in page
        assert "Evidence from tickets" in page
        assert "Wie können wir den Vertrag kündigen?" in page
    assert package.revenue is None
    assert package.case.at_stake is None


def test_at_most_so_many_quotes_are_included() -> None:
    one = facts().evidence[0]
    package = build_package(FLAG, facts().model_copy(update={"evidence": (one,) * 30}))
    assert len(package.evidence) == MOST_EVIDENCE


def test_evidence_of_the_cutoff_or_later_is_refused() -> None:
    late = facts().evidence[0].model_copy(update={"written_on": NIGHT})
    with pytest.raises(ValueError, match="is not before the cutoff"):
        type(facts()).model_validate(facts().model_dump() | {"evidence": [late.model_dump()]})


@pytest.mark.parametrize(
    ("written", "later"),
    [
        (
            "The customer has cancelled (known since 2 Feb 2026): the contract ends on 10 Mar 2026, in 9 days",
            "The customer has cancelled (known since 2 Feb 2026): the contract ends on 10 Mar 2026",
        ),
        (
            "The customer has cancelled: the contract ends on 1 Mar 2026, today",
            "The customer has cancelled: the contract ends on 1 Mar 2026",
        ),
        (
            "The renewal is overdue by 1 day: the date has passed without a new one",
            "The renewal is overdue: the date has passed without a new one",
        ),
        ("They answer, in 3 days", "They answer, in 3 days"),
    ],
)
def test_a_sentence_on_a_later_day_counts_no_days(written: str, later: str) -> None:
    assert without_day_counts(written) == later
