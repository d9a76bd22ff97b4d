"""Every code of a report has its sentence."""

from datetime import date, timedelta
from typing import get_args

import pytest

from serving.night_report import report_schema as schema
from serving.night_report.report_text import (
    FEATURE_TITLES,
    NOT_SCORED,
    feed_problem,
    late_lines,
    not_scored_text,
    stale_text,
    unread_tables_line,
    warning_line,
    warning_lines,
)

DAY = date(2026, 7, 1)
WARNINGS = {
    schema.UnknownTable(table="ticket", nearest="tickets"): (
        "The source has a table 'ticket', which is not in the contract and was not read; did you mean 'tickets'?"
    ),
    schema.SourceLeftOut(source="desk", reason="desk: There is no folder or file desk."): (
        "The night went on without a source: desk: There is no folder or file desk."
    ),
    schema.CompaniesNotMatched(source="desk", companies=1_200, matched=1_100, rows=1, nearest="Nearest: 7."): (
        "desk: 1,100 of 1,200 companies match an account; 1 row of the others was left out. Nearest: 7."
    ),
    schema.UnreadFile(file="notes.docx", reason="it belongs to no table"): (
        "notes.docx is not read: it belongs to no table."
    ),
    schema.ExtensionNotUsed(file="extensions/mine.py", reason="extensions/mine.py breaks the rule load: line 2: x."): (
        "An extension is not used, and its features are unknown tonight: extensions/mine.py breaks the rule load: "
        "line 2: x."
    ),
    schema.FileInterpretation(
        file="tickets.csv", encoding="windows-1252", skipped_lines=1, renamed_columns=("note_2",)
    ): (
        "tickets.csv is read as follows: its encoding is windows-1252, 1 line above the header line skipped, columns "
        "of one name numbered (note_2)."
    ),
    schema.CurrencyWithoutRate(currencies=("CHF", "EUR")): (
        "Money in CHF, EUR has no rate, so the revenue of its accounts is not compared with that of others: "
        "set [currency] code and [currency.rates]."
    ),
    schema.DataEndEarlier(newest=DAY, days=5): (
        "The newest row of all tables is of 1 Jul 2026, 5 days before this night: what happened since then is not "
        "known, and less use, or no ticket, may only be missing rows."
    ),
    schema.UnknownAccounts(table="outcomes", rows=2): (
        "2 rows of outcomes in the queue belong to accounts that the source does not have; they were left out."
    ),
    schema.AccountsNotInSource(accounts=1, rows=2, tables=("invoices",), resembling=1): (
        "1 account that invoices have rows of is not in the source; 2 rows were left out. 1 of their ids resemble an "
        "account's: see `rescue check`."
    ),
    schema.TimestampOutliers(table="tickets", rows=1, first=DAY, last=DAY): (
        "tickets: 1 row with a known_at of 1 Jul 2026, long after all other rows. A clock of the source is wrong. "
        "These rows are used from that day on; they do not change the date of the night."
    ),
    schema.UnknownPolicyName(place="[holdout]", kind="segment", name="smbb", known=("mid", "smb")): (
        "[holdout] of the policy names the segment 'smbb', which no account has; did you mean 'smb'? Allowed: mid, smb."
    ),
    schema.UnknownResponsible(cases=3, people=("ann", "dan")): (
        "3 open cases belong to people who are not in the policy (ann, dan): `rescue people reassign` gives them to "
        "the people on duty."
    ),
    schema.RiskWithoutRules(risk="contraction"): (
        "The policy has no table [risks.contraction], so default rules apply to it (docs/policy.md)."
    ),
    schema.RiskNotPredicted(risk="escalation", table="ticket_events"): (
        "Escalation is not predicted: the source has no table ticket_events, which shows what is predicted."
    ),
    schema.NoModel(
        risk="churn", reason="Too few events."
    ): "Churn: nobody was scored. Too few events. Every night tries again; until then "
    "the policy's triggers raise cases.",
    schema.NoSignal(risk="churn", base_rate=0.021, reason="No signal"): (
        "Churn: No signal. Every account gets the base rate of 2.1%, so revenue and the policy's triggers decide the "
        "order of the queue."
    ),
    schema.NotBetter(risk="late_payment", reason="Not shown to be better."): "Late payment: Not shown to be better.",
    schema.UpliftNotUsed(risk="churn", reason="No uplift model is shown to be better than plain risk."): (
        "Churn: No uplift model is shown to be better than plain risk."
    ),
    schema.RegistryUnavailable(risk="churn", reason="It is down."): "Churn: It is down.",
    schema.EarlierWarning(text="tickets stopped"): "tickets stopped.",
}


@pytest.mark.parametrize("warning", WARNINGS, ids=lambda warning: warning.code)
def test_a_warning_is_a_sentence(warning: schema.NightWarning) -> None:
    assert warning_line(warning) == WARNINGS[warning]


def test_no_warning_is_without_a_test() -> None:
    union, _ = get_args(schema.NightWarning)
    assert {type(warning) for warning in WARNINGS} == set(get_args(union))


def test_every_reason_has_words() -> None:
    codes = set(get_args(schema.NotScoredCode))
    assert codes - {"missing_values", "other"} == set(NOT_SCORED)


def test_features_of_a_list_differ() -> None:
    assert len(set(FEATURE_TITLES.values())) == len(FEATURE_TITLES)


def test_missing_values_name_a_few_features_by_their_meaning() -> None:
    names = ("contract_renews_in_days", "health_score", "seats_paid", "x", "y")
    row = schema.NotScored(code="missing_values", count=1, features=names)
    assert not_scored_text(row).startswith(
        "1 without a usable value of days to the next renewal of what goes on, latest health score, "
    )
    assert not_scored_text(row).endswith(" and 2 more")


@pytest.mark.parametrize(
    ("age", "text"),
    [(None, "tickets has delivered no row yet"), (1, "tickets has no row newer than 1 day")],
)
def test_a_stale_feed(age: int | None, text: str) -> None:
    assert stale_text(schema.FeedReport(table="tickets", age_days=age, max_age_days=28, stale=True)) == text


def test_a_late_feed_is_described_by_its_newest_delivery() -> None:
    feed = schema.FeedReport(
        table="tickets", age_days=9, max_age_days=28, stale=False, late=True, newest_on=date(2026, 6, 28)
    )
    assert feed_problem(feed) == "tickets has delivered nothing since 28 Jun 2026"
    few = feed.model_copy(update={"rows_since": 3})
    assert feed_problem(few) == "tickets has delivered only 3 rows since 28 Jun 2026"
    assert feed_problem(feed.model_copy(update={"late": False})) == ""


def test_a_report_of_version_2_is_read_as_it_is() -> None:
    old = {"schema_version": 2, "as_of": "2026-03-01", "run_id": "r", "cases": {"opened": 1}, "queue": []}
    report = schema.NightReport.from_json(old)
    assert (report.schema_version, report.cases.opened, report.cases.closed) == (3, 1, {})


def test_late_feeds_are_one_sentence() -> None:
    feeds = [
        schema.FeedReport(
            table=table, age_days=9, max_age_days=14, stale=False, late=True, late_after_days=1, newest_on=newest
        )
        for table, newest in (("usage_daily", DAY), ("tickets", DAY - timedelta(days=1)))
    ]
    assert late_lines([]) == []
    assert late_lines(feeds[:1]) == [
        "usage_daily has delivered nothing since 1 Jul 2026; on this weekday that is usually at most 1 day ago. "
        "What is measured from it is as of the day after, not of the days since."
    ]
    assert late_lines(feeds) == [
        "Feeds are late, and measured up to the day of their newest delivery: usage_daily (1 Jul 2026), tickets (30 "
        "Jun 2026)."
    ]


def test_tables_that_resemble_none_of_the_contract_are_listed_and_no_warning() -> None:
    unknown = (
        schema.UnknownTable(table="truth", nearest=None),
        schema.UnknownTable(table="ticket", nearest="tickets"),
        schema.UnknownTable(table="truth_intents", nearest=None),
    )
    report = schema.NightReport.model_construct(warnings=unknown, feeds=())
    assert warning_lines(report) == [WARNINGS[unknown[1]]]
    assert unread_tables_line(report) == "Not read, because the contract has no such table: truth, truth_intents."
    assert unread_tables_line(schema.NightReport.model_construct(warnings=unknown[1:2], feeds=())) == ""
