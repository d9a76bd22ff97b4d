"""The texts of pages: plots and their words, deadlines, countdowns, codes, and the changes of a history entry."""

from datetime import date, datetime, timedelta
from types import SimpleNamespace
from typing import cast

import pytest
from support.nights.night_factory import RULES

from serving.cases.audit import REMARKS
from serving.policy.definition.policy_schema import PolicyFile
from serving.store.case_states import Action, State
from serving.store.queries.case_queries import CaseFile
from serving.store.queries.queue_queries import SORTS
from serving.store.tables import Account, Case, CaseEvent
from serving.web import display_text
from serving.web.display_text import SUCCESS_TEXTS
from serving.web.forms import USE_CASES
from serving.web.identity.roles import Permission
from serving.web.views.case_summary import money_text
from serving.web.views.change_text import change_texts
from serving.web.views.incident_view import hidden_text
from serving.web.views.line_plots import HEIGHT, WIDTH, Point, draw_plot
from serving.web.views.work.price_text import price_text

FIRST = date(2026, 1, 1)
NOON = datetime(2026, 3, 2, 12)  # noqa: DTZ001 - the queue's instants are naive UTC


def points(*values: float | None) -> list[Point]:
    return [Point(FIRST + timedelta(days=7 * place), value) for place, value in enumerate(values)]


def test_a_gap_in_the_data_is_a_gap_in_the_line() -> None:
    drawn = draw_plot("Use", points(1, 2, None, 4, 5))
    assert drawn
    assert [len(piece.split()) for piece in drawn.pieces] == [2, 2]
    assert drawn.words == "from 1 on 1 Jan 2026 to 5 on 29 Jan 2026, lowest 1, highest 5"


def test_adjusted_values_are_marked_in_the_drawing_and_in_words() -> None:
    marked = [*points(50, 60), Point(FIRST + timedelta(days=20), 70, marked=True)]
    drawn = draw_plot("Health", marked, top=100)
    assert drawn
    assert [mark.marked for mark in drawn.marks] == [True]
    assert drawn.words.endswith("; 1 adjusted by the team")


@pytest.mark.parametrize("values", [(0.0,), (0.0, 0.0), (1e-9, 1e9), (3.0, 3.0), (None, 7.0, None), (0.999,)])
def test_every_drawing_stays_within_its_frame(values: tuple[float | None, ...]) -> None:
    for share in (False, True):
        drawn = draw_plot("Any", points(*values), share=share, normal=2.0)
        assert drawn
        places = [tuple(map(float, pair.split(","))) for piece in drawn.pieces for pair in piece.split()]
        for x, y in [*places, *((mark.x, mark.y) for mark in drawn.marks)]:
            assert 0 <= x <= WIDTH
            assert 0 <= y <= HEIGHT
        assert drawn.normal is not None
        assert 0 <= drawn.normal <= HEIGHT


def test_without_a_value_there_is_no_drawing() -> None:
    assert draw_plot("Nothing", []) is None
    assert draw_plot("Nothing", points(None, None)) is None


@pytest.mark.parametrize(
    ("hours", "left", "urgency"),
    [
        (72, "in 3 d", "running"),
        (8, "in 8 h", "soon"),
        (0.5, "in 30 min", "soon"),
        (0, "1 min late", "late"),
        (-50, "2 d late", "late"),
    ],
)
def test_a_timer_has_the_time_left_and_its_urgency(hours: float, left: str, urgency: str) -> None:
    case = Case(state=State.CLAIMED, respond_by=NOON + timedelta(hours=hours), resolve_by=NOON + timedelta(days=30))
    assert display_text.sla_timer(case, NOON) == display_text.SlaTimer(
        "respond", left, NOON + timedelta(hours=hours), urgency
    )


def test_a_snoozed_or_closed_case_has_no_timer() -> None:
    assert display_text.sla_timer(Case(state=State.SNOOZED, respond_by=NOON, resolve_by=NOON), NOON) is None
    assert display_text.sla_timer(Case(state=State.SAVED, respond_by=None, resolve_by=None), NOON) is None


def test_a_countdown_is_in_days_of_the_night() -> None:
    days = {0: "today", 1: "in 1 day", 12: "in 12 days", -1: "1 day ago", -30: "30 days ago"}
    assert {away: display_text.countdown(FIRST + timedelta(days=away), FIRST) for away in days} == days
    assert display_text.countdown(None, FIRST) == display_text.countdown(FIRST, None) == ""


def test_every_code_has_a_text() -> None:
    assert set(State) <= set(display_text.STATE_TITLES)
    assert set(Action) <= set(display_text.EVENT_TEXTS)
    assert set(Permission) == set(display_text.PERMISSION_TEXTS)
    assert set(SORTS) == {*display_text.SORT_TITLES, *display_text.CLOSED_SORT_TITLES}


def test_every_action_of_people_has_a_form_and_a_message() -> None:
    assert set(USE_CASES) == (set(Action) - {Action.EXPIRE, Action.CLOSE}) | {
        *("comment", "disagree", "undo", "log_contact", "detach"),
        *("task_add", "task_done", "task_skip", "task_reopen", "task_change"),
    }
    assert set(USE_CASES) <= set(SUCCESS_TEXTS)


def test_every_event_that_the_queue_records_has_a_text() -> None:
    assert {
        *Action,
        *REMARKS,
        "opened",
        "raised",
        "undo",
        "escalated",
        "handed_on",
        "breached",
        "updated",
        "settled",
    } <= set(display_text.EVENT_TEXTS)


def test_a_risk_without_a_text_of_its_own_is_named_after_its_code() -> None:
    assert display_text.code_title("late_payment") == "Late payment"
    assert display_text.risk_title("late_payment") == "Late payment risk"
    assert display_text.sort_title("late_payment") == "late payment risk"


def test_a_history_entry_lists_its_changes() -> None:
    entry = CaseEvent(
        before={"state": "new", "owner": None, "probability": 0.2, "respond_by": "x"},
        after={"state": "claimed", "owner": "ines", "probability": 0.41, "respond_by": None},
    )
    assert change_texts(entry) == ["state: from New to Claimed", "probability: from 20% to 41%"]


@pytest.mark.parametrize(
    ("lane", "ends_in", "renews_in", "text"),
    [
        ("leaving", 9, 9, "leaves in 9 days"),
        ("leaving", 0, None, "leaves today"),
        ("leaving", -1, None, "left 1 day ago"),
        ("at_risk", 9, 30, "in 30 days"),
        ("at_risk", None, -1, "overdue by 1 day"),
        ("at_risk", None, None, ""),
    ],
)
def test_a_contract_ends_renews_or_is_overdue(lane: str, ends_in: int | None, renews_in: int | None, text: str) -> None:
    today = NOON.date()
    ends_on, renews_on = (today + timedelta(days=days) if days is not None else None for days in (ends_in, renews_in))
    assert display_text.contract_end(Case(lane=lane, ends_on=ends_on), Account(renews_on=renews_on), today) == text


def test_money_has_its_currency_and_unknown_is_not_zero() -> None:
    assert display_text.money(4000.0, "EUR") == "4,000 EUR"
    assert display_text.money(0.0) == "0"
    assert display_text.money(None, "EUR") == "unknown"
    assert display_text.money(None, "EUR", 1200.0) == "unknown (estimated 1,200 EUR)"


@pytest.mark.parametrize(
    ("revenue", "estimated", "currency", "text"),
    [
        (4002.0, None, "USD", "4,002 USD a year, left 28 days ago"),
        (4002.0, None, None, "4,002 EUR a year, left 28 days ago"),  # that of the hand-off
        (None, None, None, "Revenue unknown, left 28 days ago"),
        (None, 1200.0, None, "Revenue unknown (estimated 1,200 EUR a year), left 28 days ago"),
    ],
)
def test_the_money_of_a_customer_who_left(
    revenue: float | None, estimated: float | None, currency: str | None, text: str
) -> None:
    today = NOON.date()
    case = Case(lane="leaving", ends_on=today - timedelta(days=28), estimated_revenue=estimated)
    file = SimpleNamespace(case=case, account=Account(arr=revenue, currency=currency))
    assert money_text(cast("CaseFile", file), today, "EUR") == text


def test_a_change_is_in_percentage_points() -> None:
    day = NOON.date()
    assert display_text.points_since(0.5, 0.62, day).startswith("+12 points since ")
    assert display_text.points_since(0.5, 0.49, day).startswith("−1 point since ")
    assert display_text.points_since(0.5, 0.501, day) == display_text.points_since(None, 0.5, day) == ""


@pytest.mark.parametrize(
    ("probability", "shown", "sign"),
    [(0.18846, "18.8%", "≈"), (0.36104, "36.1%", "≈"), (0.05779, "5.8%", "≈"), (0.2, "20%", "=")],
)
def test_the_product_of_the_shown_figures_is_the_shown_priority(probability: float, shown: str, sign: str) -> None:
    risks = {"churn": {"enter": 0.04, "leave": 0.03, "cost": 90, "save_rate": 0.3}}
    rules = PolicyFile.model_validate(RULES.model_dump(mode="json") | {"risks": risks})
    value = round(64_756 * probability * 0.3 - 90, 2)
    case = Case(
        priority=value,
        lane="at_risk",
        risk="churn",
        family="churn",
        revenue=64_756.0,
        live_on=FIRST,
    )
    case.set_scores({"churn": probability})
    text = price_text(case, Account(account_id="a", currency="EUR"), rules)
    parts = [part.split()[0] for part in text.words.split(" × ")]
    revenue, share, saved = (float(part.strip("%").replace(",", "")) for part in parts)
    assert revenue * share / 100 * saved / 100 - 90 == pytest.approx(value, abs=64_756 * 0.0005 * 0.3)
    assert f"{shown} churn risk" in text.words
    assert text.words.endswith(f" {sign} {text.value}")
    assert text.formula == f"64,756 × {shown} churn × 30% − 90"  # the risk is not always that of the case


@pytest.mark.parametrize(
    ("hidden", "listed", "sees_all", "text"),
    [
        (0, 3, False, ""),
        (9, 0, False, "9 accounts are affected; you see none of them, because only other squads work on them now."),
        (2, 3, False, "2 more accounts are affected; you do not see them, because only other squads work on them now."),
        (1, 0, False, "1 account is affected; you do not see it, because only other squads work on it now."),
        (5, 200, True, "5 more accounts are affected."),
    ],
)
def test_accounts_that_are_not_listed_are_counted(hidden: int, listed: int, sees_all: bool, text: str) -> None:
    assert hidden_text(hidden, listed, sees_all=sees_all) == text
