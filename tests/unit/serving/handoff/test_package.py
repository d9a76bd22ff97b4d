"""The hand-off package: its content, no leakage, and hostile text that stays text."""

from dataclasses import replace
from datetime import date, timedelta
from html.parser import HTMLParser

import pytest
from markdown_it import MarkdownIt
from pydantic import ValidationError
from support.nights.handoff_factory import FLAG, NIGHT, facts, handoff

from models.contracts import Reason
from serving.contracts import RoutingCode, RoutingReason
from serving.handoff.build_package import LAST_WORDS, build_package
from serving.handoff.changes import changes_since
from serving.handoff.facts import (
    AccountFacts,
    AccountState,
    ContractFacts,
    Evidence,
    HealthPoint,
    HorizonPoint,
    Invoice,
    PastRescue,
    RiskFacts,
    Ticket,
    WeeklyUsage,
)
from serving.handoff.package import Handoff, UsageFact, handoff_schema
from serving.handoff.render import html, markdown, markdown_text
from serving.handoff.sparkline import sparkline


def test_the_package_reads_back_as_it_was_written() -> None:
    package = handoff()
    assert Handoff.model_validate_json(package.to_json()) == package
    assert package.to_json() == handoff().to_json()


def test_the_package_is_frozen() -> None:
    with pytest.raises(ValidationError, match="frozen"):
        handoff().headline = "another"


def test_it_is_bound_to_what_it_was_made_from() -> None:
    binding = handoff().binding
    assert (binding.as_of, binding.policy_version, binding.models) == (
        NIGHT,
        "b2bbf5ac4d9d",
        {"churn": "3", "escalation": "2"},
    )


def test_the_headline_is_the_risk_and_its_first_reason() -> None:
    assert handoff().headline == (
        "Nordlicht <b>Logistik</b> & Söhne: churn risk 62%; Product events fell 43% against the four weeks before"
    )
    assert build_package(replace(FLAG, reasons=None), facts()).headline.endswith(
        "62%; Usage has halved and an invoice is overdue"
    )
    bare = replace(FLAG, reasons=None, triggers=(), probabilities={})
    assert build_package(bare, facts()).headline.endswith(build_package(bare, facts()).why_now[0])
    quiet = facts().model_copy(update={"evidence": (), "contract": ContractFacts()})
    assert build_package(bare, quiet).headline.endswith("churn risk not scored")


def test_a_leaving_account_has_a_headline_and_says_since_when() -> None:
    contract = facts().contract.model_copy(
        update={"notice_for": NIGHT + timedelta(days=30), "notice_known_on": NIGHT - timedelta(days=4)}
    )
    leaving = facts().model_copy(update={"contract": contract})
    package = build_package(replace(FLAG, reasons=None, triggers=(), probabilities={}), leaving)
    known = NIGHT - timedelta(days=4)
    assert package.why_now[0].startswith(f"The customer has cancelled (known since {known.day} {known:%b %Y}): ")
    assert package.headline.endswith(package.why_now[0])
    with_trigger = build_package(replace(FLAG, reasons=None, probabilities={}), leaving)
    assert with_trigger.headline == package.headline


def test_a_customer_who_asked_for_a_manager_is_answered_first() -> None:
    asked = Evidence(
        ticket_id="T", written_on=NIGHT - timedelta(days=3), kind="asks_for_manager", language="en", quote="Your boss!"
    )
    long_ago = asked.model_copy(update={"written_on": NIGHT - timedelta(days=40)})
    first = [
        build_package(FLAG, facts().model_copy(update={"evidence": (evidence,)})).playbook.steps[0]
        for evidence in (asked, long_ago)
    ]
    assert "asked for a manager" in first[0]
    assert "asked for a manager" not in first[1]


def test_the_flags_own_risk_comes_first() -> None:
    assert [card.risk for card in handoff().risks] == ["churn", "escalation"]


@pytest.mark.parametrize(
    "part",
    [
        {"tickets": (Ticket(ticket_id="T", opened_on=NIGHT),)},
        {"health": (HealthPoint(measured_on=NIGHT, score=50),)},
        {"invoices": (Invoice(invoice_id="I", issued_on=NIGHT + timedelta(days=1), amount=1),)},
        {"rescues": (PastRescue(decided_on=NIGHT, risk="churn", action="call"),)},
    ],
)
def test_a_fact_of_the_future_is_refused(part: dict[str, object]) -> None:
    with pytest.raises(ValidationError, match="is not before the cutoff"):
        type(facts()).model_validate(facts().model_dump() | part)


def test_usage_is_compared_with_the_accounts_own_normal_level() -> None:
    def metric(*weeks: float | None) -> tuple[float | None, float | None, float | None]:
        found = UsageFact.of(WeeklyUsage(name="n", title="t", unit="u", weeks=weeks))
        return found.now, found.normal, found.change

    assert metric(*[10] * 8, *[5] * 4) == (5, 10, -0.5)
    assert metric(*[None] * 7, 10, None, None, None, 20) == (20, 10, 1.0)
    assert metric(*[0] * 8, *[5] * 4) == (5, 0, None)
    assert metric(*[None] * 8, *[5] * 4) == (5, None, None)
    assert metric(*[None] * 12) == (None, None, None)


def test_a_renewal_that_is_overdue_is_said_once() -> None:
    def line(**contract: object) -> str:
        given = facts().model_copy(update={"contract": facts().contract.model_copy(update=contract)})
        return next(text for text in markdown(build_package(FLAG, given)).splitlines() if text.startswith("- Renewal"))

    assert line(renews_on=None, renewal_overdue_days=1) == "- Renewal: **overdue by 1 day**"
    both = line(renews_on=NIGHT + timedelta(days=9), renewal_overdue_days=588)
    assert both == "- Renewal: **10 Mar 2026**, in 9 days; another contract: **overdue by 588 days**"
    assert line(renews_on=None, renewal_overdue_days=None, notice_for=None) == "- Renewal: **unknown**"


def test_long_last_words_are_cut() -> None:
    ticket = Ticket(ticket_id="T", opened_on=date(2026, 2, 1), last_words="x" * 5000)
    words = build_package(FLAG, facts().model_copy(update={"tickets": (ticket,)})).tickets[0].last_words
    assert words == "x" * (LAST_WORDS - 1) + "…"


def test_the_next_package_lists_the_changes_since_this_one() -> None:
    state = handoff().account_state
    assert (state.health, state.overdue, state.tickets_open) == (57, 8000, 2)
    same = build_package(FLAG, facts().model_copy(update={"previous": state}))
    assert (same.previous_handoff_on, same.changes) == (NIGHT, ())


@pytest.mark.parametrize(
    ("now", "changes"),
    [
        ({"probabilities": {"churn": 0.24}}, ()),
        ({"probabilities": {"churn": 0.26}}, ("Churn risk rose from 20% to 26%",)),
        ({"health": 70}, ("Health fell from 80 to 70",)),
        ({"health": None}, ()),
        ({"tickets_open": 3}, ("Open tickets rose from 1 to 3",)),
        ({"overdue": 1500.0}, ("Overdue amount rose from 0 to 1,500",)),
        ({"arr": 900.0}, ("Recurring revenue fell from 1,000 to 900",)),
        ({"owner": "Bo"}, ("The owner is now Bo, before it was Al",)),
        ({"renews_on": date(2027, 1, 5)}, ("The renewal is now on 5 Jan 2027",)),
    ],
)
def test_only_notable_changes_are_listed(now: dict[str, object], changes: tuple[str, ...]) -> None:
    before = AccountState(
        as_of=NIGHT, probabilities={"churn": 0.2}, arr=1000, owner="Al", health=80, tickets_open=1, overdue=0
    )
    assert changes_since(before, before.model_copy(update=now)) == changes


def test_a_risk_is_named_as_its_data_names_it() -> None:
    other = facts().model_copy(update={"risks": (RiskFacts(risk="late_payment", title="Late payment within 60 days"),)})
    flag = replace(FLAG, risk="late_payment", probabilities={"late_payment": 0.4}, reasons=None)
    package = build_package(flag, other)
    assert "late payment risk 40%" in package.headline
    assert [card.title for card in package.risks] == ["Late payment within 60 days"]
    assert package.playbook.name == "first-call"


def test_the_risk_curve_is_in_the_package_and_on_its_pages() -> None:
    own, other = handoff().risks
    assert [point.days for point in own.curve or ()] == [30, 60, 90, 180, 365]
    assert other.curve is None
    line = "24% within 30 days, 45% within 60 days, 62% within 90 days, 74% within 180 days, 81% within 365 days."
    assert markdown(handoff()).count(line) == 1
    assert html(handoff()).count('<th scope="col">Days after the night</th>') == 1


def test_a_point_after_a_lead_names_the_days_from_the_night_on() -> None:
    point = HorizonPoint(days=90, probability=0.39, after=7)
    assert (point.window, point.span) == ("between 7 and 97 days after the night", "7 to 97")
    older = HorizonPoint.model_validate({"days": 90, "probability": 0.39})
    assert older.window == "within 90 days"


@pytest.mark.parametrize("points", [((60, 0.2), (30, 0.3)), ((30, 0.3), (60, 0.2)), ((30, 0.2), (30, 0.3))])
def test_a_risk_curve_that_does_not_increase_is_refused(points: tuple[tuple[int, float], ...]) -> None:
    curve = tuple(HorizonPoint(days=days, probability=probability) for days, probability in points)
    with pytest.raises(ValidationError, match="has to increase"):
        RiskFacts(risk="churn", title="Churn", curve=curve)


def test_a_line_has_gaps_where_data_have() -> None:
    drawn = sparkline((0, 10, None, 5), normal=10, unit="events")
    assert drawn.pieces == ("3.0,25.0 45.0,3.0",)
    assert (drawn.dot, drawn.baseline) == ((129.0, 14.0), 3.0)
    assert drawn.words == "events, oldest first: 0, 10, no data, 5; median of the first eight weeks 10"
    assert sparkline((None, None)).words == "no data"
    assert sparkline((0, 0)).dot == (129.0, 25.0)


PAYLOADS = [
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    '"><svg onload=alert(1)>',
    "' onmouseover='alert(1)",
    "</style><script>alert(1)</script>",
    "</title><script>alert(1)</script>",
    "{{ 7 * 7 }}{% raw %}",
    "[click](javascript:alert(1))",
    "![x](https://evil.example/x.png)",
    "<https://evil.example>",
    "https://evil.example and www.evil.example",
    "# heading",
    "> quote",
    "- item",
    "1. item",
    "| a | b |",
    "**bold** _it_ ~~no~~ `code`",
    "```\nfence\n```",
    "---",
    "&lt;b&gt; &#60;",
    "two\n\n# lines\r\n- here",
    "\\[escaped](x)",
    "@everyone #channel",
    "\u202eevil\u202c",
]


def without_bidi(text: str) -> str:
    """Characters that turn the direction of what follows are left out of every page."""
    return text.replace("\u202e", "").replace("\u202c", "")


class _Text(HTMLParser):
    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: set[str] = set()
        self.text: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes |= {name for name, _ in attrs}

    def handle_data(self, data: str) -> None:
        self.text.append(data)


def poisoned(payload: str) -> Handoff:
    """A package with this payload in every text that comes from outside."""
    given = facts()
    account = AccountFacts(
        **dict.fromkeys(("account_id", "name", "parent_id", "segment", "industry", "region", "owner"), payload)
    )
    ticket = Ticket(
        ticket_id=payload,
        opened_on=date(2026, 2, 1),
        subject=payload,
        category=payload,
        state=payload,
        last_words=payload,
    )
    invoices = (Invoice(invoice_id=payload, issued_on=date(2026, 1, 1), amount=1),)
    rescues = (PastRescue(decided_on=date(2026, 1, 1), risk=payload, action=payload, verdict=payload),)
    reason = Reason("usage", "f", 1.0, payload)
    evidence = Evidence(ticket_id=payload, written_on=date(2026, 2, 1), kind=payload, language=payload, quote=payload)
    update = {"account": account, "tickets": (ticket,), "invoices": invoices, "rescues": rescues, "gaps": (payload,)}
    update |= {"evidence": (evidence,), "trigger_messages": {"quiet": payload}}
    routing = RoutingReason(RoutingCode.REASON, payload, payload, payload)
    flag = replace(FLAG, reasons={"churn": (reason,)}, squad=payload, routing=routing, severity=payload)
    return build_package(flag, given.model_copy(update=update))


@pytest.mark.parametrize("payload", PAYLOADS)
def test_hostile_text_stays_text_in_html(payload: str) -> None:
    plain, page = _Text(html(poisoned("plain"))), _Text(html(poisoned(payload)))
    assert page.tags == plain.tags
    assert page.attributes == plain.attributes
    assert without_bidi(payload).replace("\r\n", "\n") in "".join(page.text).replace("\r\n", "\n")


@pytest.mark.parametrize("payload", PAYLOADS)
def test_hostile_text_stays_text_in_markdown(payload: str) -> None:
    read = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"])
    plain, page = (_Text(read.render(markdown(poisoned(one)))) for one in ("plain", payload))
    assert page.tags == plain.tags
    shown = " ".join("".join(page.text).split())
    assert " ".join(without_bidi(payload).split()) in shown


def test_markdown_never_links_an_address_by_itself() -> None:
    assert markdown_text("see https://x.example or WWW.x.example") == "see https\\://x.example or WWW\\.x.example"


def test_the_schema_is_of_the_written_package() -> None:
    schema = handoff_schema()
    assert '"schema_version"' in schema
    assert schema == handoff_schema()
