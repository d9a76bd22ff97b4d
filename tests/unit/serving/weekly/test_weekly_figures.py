"""The figures of a week: what they count, and that they agree with the other reports."""

from datetime import date, timedelta

import pytest
from sqlalchemy import select, text
from support.nights.night_factory import names
from support.nights.weekly_world import MONDAY, NEXT, TITLES, WEEK, Made, fill, measured, when

from features.errors import UsageError
from serving.nights.case_updates import case_id
from serving.store import Store
from serving.store.queries.overview_queries import count_by_week
from serving.store.queries.results.weekly_queries import closed_cases
from serving.store.tables import Account, Case
from serving.weekly.result_sections import WITHOUT_REASON, reason_title
from serving.weekly.weekly_figures import WeeklyFigures, last_complete_week, measure_week, parse_week
from serving.weekly.weekly_json import week_json
from serving.weekly.weekly_text import week_as_text, write_week


@pytest.fixture
def figures(store: Store) -> WeeklyFigures:
    return measured(store)


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


def test_a_loss_that_a_night_found_has_the_reason_that_the_list_of_closed_cases_shows(store: Store) -> None:
    figures = measured(store)
    with store.transaction() as session:
        (unexplained,) = session.scalars(select(Case).where(Case.state == "lost", Case.outcome_reason.is_(None)))
        unexplained.closure = "left"
    with store.reading() as session:
        found = measure_week(session, MONDAY, NEXT, None, TITLES)
    assert [reason_title(row, TITLES) for row in figures.losses] == ["Price", WITHOUT_REASON]
    assert [reason_title(row, TITLES) for row in found.losses] == ["Contract ended, found by the night", "Price"]
    assert {row["reason"] for row in week_json(found)["losses"]} == {"price", "left"}


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
    assert "at the beginning + 50,000 in 4 cases opened − 60,000 in 5 cases closed (2 saved, 2 lost, 1 otherwise)" in (
        " ".join(words.split())
    )
    assert "closed as saved" not in words  # there is one amount of what was saved
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


def test_a_saved_customer_whose_next_case_is_closed_as_lost_stays_in_the_list(store: Store) -> None:
    fill(store, [Made(-20, -19, -10, "saved", at_stake=7_000), Made(-5, -4, 3, "lost"), Made(-20, -19, -9, "saved")])
    saved, lost, _ = (case_id(name, "churn", date(2026, 3, 1)) for name in names(3))
    with store.transaction() as session:
        case = session.get_one(Case, lost)
        case.account_id, case.version = session.get_one(Case, saved).account_id, case.version + 1
    with store.reading() as session:
        found = measure_week(session, MONDAY, NEXT, None)
        earlier = measure_week(session, MONDAY - timedelta(weeks=1), NEXT, None)
    assert ([case for case, _ in found.gone], earlier.gone) == ([saved], [])
    quarter = found.months[0]
    assert (quarter.gone.accounts, dict(quarter.gone.money), earlier.months[0].gone.accounts) == (1, {"EUR": 7_000}, 0)
    words = (
        "17,000 EUR was saved in 2 cases (of these, 1 account with 7,000 EUR has left, is leaving or was lost since)"
    )
    assert words in week_as_text(write_week(found, NEXT.date()))
    assert week_json(found)["months_and_quarters"][0]["saved_but_gone"]["accounts"] == 1


def test_a_saved_customer_who_left_soon_is_named_before_the_90_days_are_over(store: Store) -> None:
    fill(store, [Made(-20, -19, -10, "saved", left=-2), Made(-20, -19, -9, "saved")])
    gone = case_id(names(1)[0], "churn", date(2026, 3, 1))
    with store.reading() as session:
        found = measure_week(session, MONDAY, NEXT, None)
        before = measure_week(session, MONDAY - timedelta(weeks=2), NEXT, None)
    section = next(section for section in write_week(found, NEXT.date()).sections if section.key == "left")
    assert section.lead == "1 account saved in the last 12 weeks has left or was lost since."
    assert section.lines == ["How many left within 90 days is not known yet: no saved case is so old."]
    assert [page for _, page in section.links] == [f"/case/{gone}"]
    assert not before.gone


def test_a_lead_sees_the_figures_of_their_squads(store: Store) -> None:
    fill(store, WEEK)
    with store.reading() as session:
        south = measure_week(session, MONDAY, NEXT, frozenset({"south"}))
        nobody = measure_week(session, MONDAY, NEXT, frozenset())
    assert (south.week.closed, dict(south.week.money_lost), south.at_end.cases) == (1, {"USD": 4_000}, 0)
    assert (nobody.week.closed, nobody.recent_left.saved) == (0, 0)


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
