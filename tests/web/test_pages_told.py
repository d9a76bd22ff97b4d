"""What pages say: plots and their words, clocks, countdowns, and what a record's entry changed."""

from datetime import date, datetime, timedelta

import pytest

from serving.store.case_states import Move, State
from serving.store.tables import Case, CaseEvent
from serving.web import display_text
from serving.web.flash_messages import DONE
from serving.web.forms import DOES
from serving.web.views.line_plots import HEIGHT, WIDTH, Point, plot

FIRST = date(2026, 1, 1)
NOON = datetime(2026, 3, 2, 12)  # noqa: DTZ001 - the queue's instants are naive UTC


def points(*values: float | None) -> list[Point]:
    return [Point(FIRST + timedelta(days=7 * place), value) for place, value in enumerate(values)]


def test_a_gap_in_the_data_is_a_gap_in_the_line() -> None:
    drawn = plot("Use", points(1, 2, None, 4, 5))
    assert drawn
    assert [len(piece.split()) for piece in drawn.pieces] == [2, 2]
    assert drawn.words == "from 1 on 1 Jan 2026 to 5 on 29 Jan 2026, lowest 1, highest 5"


def test_what_was_adjusted_is_ringed_and_said() -> None:
    marked = [*points(50, 60), Point(FIRST + timedelta(days=20), 70, marked=True)]
    drawn = plot("Health", marked, top=100)
    assert drawn
    assert [mark.marked for mark in drawn.marks] == [True]
    assert drawn.words.endswith("; 1 adjusted by the team")


@pytest.mark.parametrize("values", [(0.0,), (0.0, 0.0), (1e-9, 1e9), (3.0, 3.0), (None, 7.0, None), (0.999,)])
def test_every_drawing_stays_within_its_frame(values: tuple[float | None, ...]) -> None:
    for share in (False, True):
        drawn = plot("Any", points(*values), share=share, normal=2.0)
        assert drawn
        places = [tuple(map(float, pair.split(","))) for piece in drawn.pieces for pair in piece.split()]
        for x, y in [*places, *((mark.x, mark.y) for mark in drawn.marks)]:
            assert 0 <= x <= WIDTH
            assert 0 <= y <= HEIGHT
        assert drawn.normal is not None
        assert 0 <= drawn.normal <= HEIGHT


def test_without_a_value_there_is_no_drawing() -> None:
    assert plot("Nothing", []) is None
    assert plot("Nothing", points(None, None)) is None


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
def test_a_clock_says_how_long_and_how_urgent(hours: float, left: str, urgency: str) -> None:
    case = Case(state=State.CLAIMED, respond_by=NOON + timedelta(hours=hours), resolve_by=NOON + timedelta(days=30))
    assert display_text.clock(case, NOON) == display_text.Clock("respond", left, NOON + timedelta(hours=hours), urgency)


def test_a_snoozed_or_closed_case_owes_nothing() -> None:
    assert display_text.clock(Case(state=State.SNOOZED, respond_by=NOON, resolve_by=NOON), NOON) is None
    assert display_text.clock(Case(state=State.SAVED, respond_by=None, resolve_by=None), NOON) is None


def test_a_countdown_is_in_days_of_the_night() -> None:
    days = {0: "today", 1: "in 1 day", 12: "in 12 days", -1: "1 day ago", -30: "30 days ago"}
    assert {away: display_text.countdown(FIRST + timedelta(days=away), FIRST) for away in days} == days
    assert display_text.countdown(None, FIRST) == display_text.countdown(FIRST, None) == ""


def test_every_state_and_every_move_has_a_word_and_every_move_of_people_a_form() -> None:
    assert set(State) <= set(display_text.STATES)
    assert set(Move) <= set(display_text.EVENTS)
    assert set(DOES) == (set(Move) - {Move.EXPIRE}) | {"comment", "disagree", "undo"}
    assert set(DOES) <= set(DONE)


def test_an_entry_tells_what_it_changed() -> None:
    entry = CaseEvent(
        before={"state": "new", "owner": None, "probability": 0.2, "respond_by": "x"},
        after={"state": "claimed", "owner": "ines", "probability": 0.41, "respond_by": None},
    )
    assert display_text.changes(entry) == ["state: New to Claimed", "probability: 20% to 41%"]
