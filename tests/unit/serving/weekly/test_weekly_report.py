"""The weekly report on a queue whose figures are known in advance, and that it agrees with the reporting views."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from html import unescape

import pytest
from sqlalchemy import select, text
from support.monitor_factory import figure, monitor_report, performance_report, risk_monitor
from support.nights.night_factory import flag_of, names, record_of, run, simple_decision

from features.errors import UsageError
from serving.night_report.monitor_report import FigureReport
from serving.night_report.monitor_text import alarm_line
from serving.night_report.report_schema import NightReport, NotBetter
from serving.nights.case_updates import case_id
from serving.paths.message_settings import MessageSettings
from serving.policy.definition.policy_file import Policy, PolicyError, default_text
from serving.store import Store
from serving.store.exchange import Message
from serving.store.queries.monitor_queries import store_monitor_report
from serving.store.queries.overview_queries import count_by_week
from serving.store.queries.results.weekly_queries import closed_cases
from serving.store.tables import Account, Case, NightRow
from serving.weekly.weekly_charts import draw_bars, draw_intervals
from serving.weekly.weekly_figures import WeeklyFigures, last_complete_week, measure_week, parse_week
from serving.weekly.weekly_json import week_json
from serving.weekly.weekly_mail import write_mail
from serving.weekly.weekly_sending import queue_weekly, send_week
from serving.weekly.weekly_text import week_as_text, write_week

MONDAY = date(2026, 6, 22)
NEXT = datetime.fromisoformat("2026-06-29T00:00")
TITLES = {"price": "Price", "product": "Product"}


@dataclass(frozen=True)
class Made:
    """A case: when it was opened, contacted and closed, as days after the Monday, and how it ended."""

    opened: float
    contacted: float | None = None
    closed: float | None = None
    state: str = "claimed"
    amount: float | None = None
    at_stake: float | None = 10_000
    currency: str = "EUR"
    reason: str | None = None
    left: float | None = None
    squad: str = "north"


WEEK = [
    Made(-3, at_stake=50_000),  # open all week, nobody called
    Made(1, 2, at_stake=20_000),  # open, called
    Made(2, 2.5, 4, "saved", amount=7_000),  # the amount counts, not the revenue at stake
    Made(-10, -9, 6.9, "saved"),
    Made(-20, -19, 3, "lost", reason="price", at_stake=30_000),
    Made(-20, None, 5, "lost", reason=None, currency="USD", at_stake=4_000, squad="south"),
    Made(0, None, 1, "no_action"),
    Made(-8, -7, -1, "lost", reason="product"),  # the week before
    Made(3, None, 7.5, "saved", amount=99_000),  # closed in the week after: open at the end of this one
    Made(8, 8.5),  # opened in the week after
    Made(-95, -94, -88, "saved", left=-2),  # its 90 days ended in this week; it left before the end of them
    Made(-95, -94, -88, "saved"),
]


def when(days: float | None) -> datetime | None:
    return None if days is None else datetime.combine(MONDAY, datetime.min.time()) + timedelta(days=days)


def fill(store: Store, cases: list[Made]) -> None:
    accounts = names(len(cases))
    placed = enumerate(zip(accounts, cases, strict=True))
    flags = tuple(flag_of(name, rank + 1, squad=made.squad) for rank, (name, made) in placed)
    decision = simple_decision([])
    run(store, record_of(accounts, type(decision)(decision.as_of, "p1", flags=flags), channels=()))
    with store.transaction() as session:
        for name, made in zip(accounts, cases, strict=True):
            case = session.get_one(Case, case_id(name, "churn", decision.as_of))
            case.opened_at, case.responded_at, case.closed_at = (
                when(made.opened),
                when(made.contacted),
                when(made.closed),
            )
            case.state, case.outcome_amount, case.at_stake = made.state, made.amount, made.at_stake
            case.outcome_reason, case.version = made.reason, case.version + 1
            left = when(made.left)
            case.left_on = left.date() if left else None
            session.get_one(Account, name).currency = made.currency


@pytest.fixture
def figures(store: Store) -> WeeklyFigures:
    fill(store, WEEK)
    with store.reading() as session:
        return measure_week(session, MONDAY, NEXT + timedelta(days=3), None, TITLES)


def test_money_and_flow_are_those_of_the_week(figures: WeeklyFigures) -> None:
    week, before = figures.week, figures.before
    assert (week.opened, week.contacted, week.closed, week.saved, week.lost) == (4, 2, 5, 2, 2)
    assert dict(week.money_saved) == {"EUR": 17_000}
    assert dict(week.money_lost) == {"EUR": 30_000, "USD": 4_000}
    assert (before.opened, before.closed, before.lost, dict(before.money_lost)) == (1, 1, 1, {"EUR": 10_000})
    assert (figures.at_end.cases, dict(figures.at_end.revenue), figures.at_end.not_contacted) == (3, {"EUR": 80_000}, 2)
    assert figures.at_begin.cases == 4
    assert figures.complete


def test_reasons_and_accounts_that_left_are_counted(figures: WeeklyFigures) -> None:
    assert [(row.reason, row.cases, dict(row.money)) for row in figures.losses] == [
        ("price", 1, {"EUR": 30_000}),
        (None, 1, {"USD": 4_000}),
    ]
    assert [row.reason for row in figures.recent_losses] == ["price", "product", None]
    assert (figures.left.saved, figures.left.left, figures.recent_left.saved) == (2, 1, 2)
    assert figures.left_share.value == 0.5
    assert figures.left_share.low < 0.2 < 0.8 < figures.left_share.high


def test_a_past_week_stays_the_same_whatever_happens_later(store: Store, figures: WeeklyFigures) -> None:
    with store.reading() as session:
        later = measure_week(session, MONDAY, NEXT + timedelta(days=300), None, TITLES)
    assert week_json(later) == week_json(figures)


def test_the_report_agrees_with_the_reporting_view_and_the_overview(store: Store, figures: WeeklyFigures) -> None:
    with store.reading() as session:
        weeks = {week.monday: week for week in count_by_week(session, MONDAY, None)}
        view = session.execute(
            text("SELECT sum(revenue_saved) FROM report_v1_outcomes WHERE closed_at >= :begin AND closed_at < :end"),
            {"begin": str(when(0)), "end": str(when(7))},
        ).scalar()
        rows = closed_cases(session, when(0) or NEXT, when(7) or NEXT, None)
    week = weeks[MONDAY]
    assert (week.flagged, week.saved, week.lost) == (figures.week.opened, figures.week.saved, figures.week.lost)
    assert view == sum(figures.week.money_saved.values())
    assert len(rows) == figures.week.closed


def test_the_week_adds_up_and_months_and_quarters_are_compared(figures: WeeklyFigures) -> None:
    moves = figures.moves
    assert [(move.cases, dict(move.revenue)) for move in moves] == [
        (4, {"EUR": 50_000}),
        (2, {"EUR": 20_000}),
        (2, {"EUR": 30_000, "USD": 4_000}),
        (1, {"EUR": 10_000}),
    ]
    begin, end = (found.revenue["EUR"] for found in (figures.at_begin, figures.at_end))
    assert begin + 50_000 - 20_000 - 30_000 - 10_000 == end
    quarter, before, month, earlier = figures.months
    assert [(row.first, row.last, row.complete) for row in figures.months] == [
        (date(2026, 4, 1), date(2026, 6, 28), False),
        (date(2026, 1, 1), date(2026, 3, 31), True),
        (date(2026, 6, 1), date(2026, 6, 28), False),
        (date(2026, 5, 1), date(2026, 5, 31), True),
    ]
    assert (quarter.saved, quarter.lost, dict(quarter.money_lost)) == (2, 3, {"EUR": 40_000, "USD": 4_000})
    assert (before.saved, month.closed, earlier.closed) == (2, 6, 0)
    words = week_as_text(write_week(figures, NEXT.date()))
    assert "100,000 at the beginning + 50,000 in 4 cases opened" in words or "at the beginning + 50,000" in words
    assert (
        "This quarter so far 17,000 EUR was saved in 2 cases and 40,000 EUR and 4,000 USD was lost in 3 cases" in words
    )


def test_customers_who_were_saved_and_leave_are_named(store: Store) -> None:
    fill(store, [Made(-20, -19, -10, "saved"), Made(1, at_stake=20_000)])
    saved, open_ = (case_id(name, "churn", date(2026, 3, 1)) for name in names(2))
    with store.transaction() as session:
        first, second = (session.get(Case, case) for case in (saved, open_))
        assert first is not None
        assert second is not None
        second.account_id, second.lane, second.version = first.account_id, "leaving", second.version + 1
    with store.reading() as session:
        found = measure_week(session, MONDAY, NEXT, None)
        earlier = measure_week(session, MONDAY - timedelta(weeks=1), NEXT, None)
    assert (len(found.leaving), found.at_end.leaving, len(earlier.leaving)) == (1, 1, 0)
    words = week_as_text(write_week(found, NEXT.date()))
    assert "1 account saved in the last 12 weeks is leaving all the same, by a cancellation that stands." in words
    left = next(section for section in write_week(found, NEXT.date()).sections if section.key == "left")
    assert [page for _, page in left.links] == [f"/case/{saved}"]
    assert left.links[0][0] not in words  # a mail names no account
    assert "1 open case (0 at risk, 1 leaving)" in words


def test_a_lead_sees_the_figures_of_their_squads(store: Store) -> None:
    fill(store, WEEK)
    with store.reading() as session:
        south = measure_week(session, MONDAY, NEXT, frozenset({"south"}))
        nobody = measure_week(session, MONDAY, NEXT, frozenset())
    assert (south.week.closed, dict(south.week.money_lost), south.at_end.cases) == (1, {"USD": 4_000}, 0)
    assert (nobody.week.closed, nobody.recent_left.saved) == (0, 0)


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


def test_the_time_to_contact_is_that_of_the_path_metrics(store: Store) -> None:
    times = zip(range(25), [2, 4, 6, 8, 10] * 5, strict=True)
    fill(store, [Made(day / 10 - 3, day / 10 - 3 + hours / 24) for day, hours in times])
    with store.reading() as session:
        figures = measure_week(session, MONDAY, NEXT)
    newest = figures.periods[-1].contact
    assert newest is not None
    assert (newest.cases, newest.reached, round(newest.median.value, 6)) == (25, 25, 6)
    assert figures.periods[0].contact is None
    assert "Half of the customers are contacted within 6 h (" in week_as_text(write_week(figures, NEXT.date()))


def test_a_departed_customer_without_a_currency_counts_in_the_only_one(store: Store) -> None:
    fill(store, [Made(1, 2, 3, "lost", at_stake=5_000), Made(1, 2, 3, "saved", at_stake=1_000)])
    with store.transaction() as session:
        session.get_one(Account, names(2)[0]).currency = None
    with store.reading() as session:
        assert dict(measure_week(session, MONDAY, NEXT).week.money_lost) == {"EUR": 5_000}
    with store.transaction() as session:
        session.get_one(Account, names(2)[0]).currency = "USD"
    with store.reading() as session:
        assert dict(measure_week(session, MONDAY, NEXT).week.money_lost) == {"USD": 5_000}


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


@pytest.mark.parametrize(
    ("written", "monday"),
    [("2026-W26", MONDAY), ("2026w26", MONDAY), ("2026-06-28", MONDAY), ("2026-W01", date(2025, 12, 29))],
)
def test_a_week_is_its_number_or_any_day(written: str, monday: date) -> None:
    assert parse_week(written) == monday


@pytest.mark.parametrize("written", ["", "26", "2026-W60", "week", "2026-13-01", "W26", "9" * 40])
def test_what_is_no_week_is_named(written: str) -> None:
    with pytest.raises(UsageError, match="is no week"):
        parse_week(written)


def test_the_week_that_ended_last() -> None:
    assert last_complete_week(date(2026, 6, 28)) == date(2026, 6, 15)
    assert last_complete_week(date(2026, 6, 29)) == MONDAY


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
