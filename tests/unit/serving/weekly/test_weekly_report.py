"""The weekly report in words, as a page and as a mail, and to whom it is sent."""

from datetime import datetime, timedelta
from html import unescape

import pytest
from sqlalchemy import select
from support.monitor_factory import figure, monitor_report, performance_report, risk_monitor
from support.nights.weekly_world import MONDAY, NEXT, WEEK, fill, measured, when

from serving.night_report.monitor_report import FigureReport
from serving.night_report.monitor_text import alarm_line
from serving.night_report.report_schema import NightReport, NotBetter
from serving.paths.message_settings import MessageSettings
from serving.policy.definition.policy_file import Policy, PolicyError, default_text
from serving.store import Store
from serving.store.exchange import Message
from serving.store.queries.monitor_queries import store_monitor_report
from serving.store.tables import Account, NightRow
from serving.weekly.weekly_charts import draw_bars, draw_intervals
from serving.weekly.weekly_figures import WeeklyFigures, measure_week
from serving.weekly.weekly_mail import write_mail
from serving.weekly.weekly_sending import queue_weekly, send_week
from serving.weekly.weekly_text import week_as_text, write_week


@pytest.fixture
def figures(store: Store) -> WeeklyFigures:
    return measured(store)


def test_the_words_say_what_was_counted(figures: WeeklyFigures) -> None:
    written = week_as_text(write_week(figures, NEXT.date()), "https://rescue.example/weekly?week=2026-W26")
    for sentence in (
        "Week of 22 Jun 2026",
        "22 Jun 2026 to 28 Jun 2026 (2026-W26); all squads",
        "At the end of the week 80,000 EUR of recurring revenue a year was at stake in 3 open cases.",
        "17,000 EUR was saved in 2 cases this week, and 30,000 EUR and 4,000 USD was lost in 2 cases.",
        "2 open cases have had no contact with the customer yet.",
        "4 cases were opened (week before: 1), 2 contacted for the first time (1), and 5 closed (1).",
        "2 cases were lost this week: price (1 case, 30,000 EUR); no reason given (1 case, 4,000 USD).",
        "Of 2 cases that were saved 90 days before, 1 left within these days (50% (",
        "Too few cases to say how fast customers are called",
        "https://rescue.example/weekly?week=2026-W26",
    ):
        assert sentence in written, written


@pytest.mark.parametrize(
    ("ratio", "sentence"),
    [
        (figure(1.04, 0.9, 1.2), "Yes, as far as can be told"),
        (figure(1.6, 0.45, 2.8), "too few events so far to be sure"),
        (figure(1.6, 1.2, 2.1), "Not quite: the number of events differs"),
    ],
)
def test_what_is_said_of_the_model_follows_from_the_interval(store: Store, ratio: FigureReport, sentence: str) -> None:
    risk = risk_monitor(performance=performance_report(observed_to_expected=ratio))
    report = monitor_report().model_copy(update={"as_of": MONDAY, "risks": (risk,), "alarms": ()})
    with store.transaction() as session:
        store_monitor_report(session, report, NEXT)
    with store.reading() as session:
        written = week_as_text(write_week(measure_week(session, MONDAY, NEXT), NEXT.date()))
        earlier = measure_week(session, MONDAY - timedelta(weeks=1), NEXT)
    assert sentence in written
    assert "Churn within 90 days: Not measurable yet: 9 selected and 4 held-out accounts" in written
    assert earlier.monitored_on is None  # what was measured later is not known in an earlier week


def test_a_warning_of_the_monitor_is_said_of_the_model_too(store: Store) -> None:
    risk = risk_monitor(performance=performance_report(observed_to_expected=figure(1.6, 0.45, 2.8)))
    report = monitor_report().model_copy(update={"as_of": MONDAY, "risks": (risk,)})
    alarms = [alarm_line(alarm) for alarm in report.alarms if alarm.code == "feature_drift"]
    with store.transaction() as session:
        store_monitor_report(session, report, NEXT)
    with store.reading() as session:
        written = write_week(measure_week(session, MONDAY, NEXT), NEXT.date())
    model = next(section for section in written.sections if section.key == "model")
    assert alarms
    assert set(alarms) <= set(model.lines)
    assert "there is a warning" in model.lead


def test_a_warning_of_the_night_about_a_model_is_said_too(store: Store) -> None:
    fill(store, WEEK)
    risk = risk_monitor(performance=performance_report(observed_to_expected=figure(1.04, 0.9, 1.2)))
    warning = NotBetter(risk="churn", reason="It is not shown to find more than the best baseline.")
    with store.transaction() as session:
        store_monitor_report(
            session, monitor_report().model_copy(update={"as_of": MONDAY, "risks": (risk,), "alarms": ()}), NEXT
        )
        night = session.scalars(select(NightRow)).one()
        night.as_of = MONDAY
        night.report = NightReport.from_json(night.report).model_copy(update={"warnings": (warning,)}).to_json()
    with store.reading() as session:
        written = write_week(measure_week(session, MONDAY, NEXT), NEXT.date())
    model = next(section for section in written.sections if section.key == "model")
    assert any("not shown to find more than the best baseline" in line for line in model.lines)
    assert "there is a warning" in model.lead


def test_the_report_says_each_sentence_once(store: Store) -> None:
    fill(store, WEEK)
    with store.reading() as session:
        figures = measure_week(session, MONDAY, NEXT)
    written = write_week(figures, NEXT.date())
    assert all(sentence not in section.lead for sentence in written.summary for section in written.sections)
    assert figures.shown_flow[0].opened
    assert len(figures.shown_flow) < len(figures.flow)


def test_an_empty_week_reads_well(store: Store) -> None:
    with store.reading() as session:
        figures = measure_week(session, MONDAY, NEXT)
    written = write_week(figures, NEXT.date())
    assert list(written.summary) == ["No case was open, opened or closed in this week."]
    assert all(section.chart is None for section in written.sections)
    page = week_as_text(written)
    assert "None" not in page
    assert "nan" not in page.lower().replace("finance", "")
    assert "Nothing was saved this week, and nothing was lost." in page


def test_a_week_that_goes_on_says_so(store: Store) -> None:
    fill(store, WEEK)
    with store.reading() as session:
        figures = measure_week(session, MONDAY, when(2.2) or NEXT)
    written = write_week(figures, MONDAY)
    assert "not over yet" in written.subtitle
    assert written.summary[0].startswith("Now ")
    assert figures.week.closed == 5  # the queue was filled with the future, which no real one is
    assert figures.at_end.cases == 6


def test_the_mail_says_the_same_twice_and_names_no_account(figures: WeeklyFigures) -> None:
    mail = write_mail(write_week(figures, NEXT.date()), "https://rescue.example/w", names=False)
    page = unescape(mail.html)
    assert mail.subject == "Rescue, week of 22 Jun 2026"
    for sentence in ("17,000 EUR was saved in 2 cases", "2 cases were lost this week", "https://rescue.example/w"):
        assert sentence in page
        assert sentence in mail.text
    with_names = write_mail(write_week(figures, NEXT.date()))
    left = figures.recent_left.accounts[0][1]
    assert left in with_names.html
    assert left not in mail.html
    assert left not in mail.text
    assert "<script" not in mail.html
    assert "http" not in mail.html.replace("https://rescue.example/w", "")  # it loads nothing


def test_a_hostile_account_name_is_text_in_the_page(store: Store) -> None:
    fill(store, WEEK)
    with store.transaction() as session:
        for account in session.query(Account):
            account.name = "<script>alert(1)</script>"
    with store.reading() as session:
        figures = measure_week(session, MONDAY, NEXT)
    assert "<script>" not in write_mail(write_week(figures, NEXT.date())).html


WEEKLY = """
[weekly]
to = ["boss@example.com", "chief customer officer"]

[roles]
"chief customer officer" = "cco@example.com"
"""


def with_mail(store: Store) -> Store:
    store.messages = MessageSettings("https://rescue.example", {"post": "email", "hook": "webhook"})
    return store


def mails(store: Store) -> list[Message]:
    with store.reading() as session:
        return sorted(session.query(Message), key=lambda message: message.recipient or "")


@pytest.mark.parametrize(
    ("now", "zone", "sent"),
    [
        ("2026-06-29T04:59", "Europe/Berlin", 0),  # 06:59 on Monday
        ("2026-06-29T05:00", "Europe/Berlin", 2),
        ("2026-06-29T05:00", "UTC", 0),
        ("2026-07-01T23:00", "UTC", 2),  # Wednesday: it was down
        ("2026-07-02T00:00", "UTC", 0),
        ("2026-06-28T12:00", "UTC", 0),
    ],
)
def test_it_is_sent_on_monday_morning_where_people_are(store: Store, now: str, zone: str, sent: int) -> None:
    rules = Policy.parse(default_text() + WEEKLY).rules
    queued = queue_weekly(with_mail(store), rules, zone, datetime.fromisoformat(now))
    assert len(queued.recipients) == sent
    assert len(mails(store)) == sent


def test_everybody_gets_it_once_and_whoever_is_added_gets_it_too(store: Store) -> None:
    at = datetime.fromisoformat("2026-06-29T08:00")
    rules = Policy.parse(default_text() + WEEKLY).rules
    for _ in range(3):
        queue_weekly(with_mail(store), rules, "UTC", at)
    first, second = mails(store)
    assert (first.recipient, second.recipient, first.channel) == ("boss@example.com", "cco@example.com", "post")
    assert first.payload["html"].startswith("<!doctype html>")
    assert "https://rescue.example/weekly?week=2026-W26" in first.payload["text"]
    more = Policy.parse(
        default_text() + WEEKLY.replace('"boss@example.com",', '"boss@example.com", "new@example.com",')
    )
    assert queue_weekly(store, more.rules, "UTC", at).recipients == ("new@example.com",)


def test_by_default_nobody_gets_it_and_a_missing_channel_is_said(store: Store) -> None:
    at = datetime.fromisoformat("2026-06-29T08:00")
    assert queue_weekly(with_mail(store), Policy.default().rules, "UTC", at).recipients == ()
    store.messages = MessageSettings(None, {"hook": "webhook"})
    queued = send_week(store, Policy.parse(default_text() + WEEKLY).rules, MONDAY, at)
    assert "no channel of the kind email" in queued.problem
    assert mails(store) == []


@pytest.mark.parametrize(
    ("to", "sentence"),
    [
        ('["chief custumer officer"]', "did you mean 'chief customer officer'"),
        ("[]", "weekly.to"),
        ('["head of sales"]', "there is no person or role"),
    ],
)
def test_a_recipient_that_nobody_knows_is_an_error_of_the_policy(to: str, sentence: str) -> None:
    wrong = WEEKLY.replace('["boss@example.com", "chief customer officer"]', to)
    with pytest.raises(PolicyError, match=sentence.replace("(", r"\(")):
        Policy.parse(default_text() + wrong)


def test_a_policy_without_the_section_keeps_its_version() -> None:
    assert "weekly" not in Policy.default().rules.content()


def test_charts_say_in_words_what_they_show() -> None:
    bars = draw_bars("Cases", "number", ("opened", "closed"), [("1 Jun", (4.0, 2.0)), ("8 Jun", (0.0, 0.0))], str)
    assert bars is not None
    assert bars.words == "1 Jun: opened 4.0, closed 2.0"
    assert [bar.share for bar in bars.rows[0].bars] == [1.0, 0.5]
    assert draw_bars("Cases", "number", ("opened",), [("1 Jun", (0.0,))], str) is None
    intervals = draw_intervals("T", "h", [("a", 2.0, 1.0, float("inf")), ("b", float("nan"), 0, 0)], "{:g}".format)
    assert intervals is not None
    assert [row.label for row in intervals.rows] == ["a"]
    assert intervals.rows[0].open_high
