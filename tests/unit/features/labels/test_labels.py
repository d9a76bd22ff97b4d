"""Whether the rescue team acted on a labelled account, as our copy knew it when the label matured."""

from datetime import date

import pytest
from support.worlds.factories import Story

from features.labels.labels import LabelRule, label

CUTOFF = date(2026, 1, 1)
BILL = LabelRule("bill", "event", horizon=20, table="invoices", where="amount > 1000")  # matures on 21 Jan 2026


def treated_and_held_out(story: Story) -> tuple[bool, bool]:
    story.account("last", "2025-01-01").health("last", "2026-06-01", 50.0)
    (row,) = label(story.history(), [CUTOFF], BILL, accounts=["acme"]).to_pylist()
    return row["treated"], row["holdout"]


def acme() -> Story:
    return Story().account("acme", "2025-01-01").subscription("acme", "2025-01-01").invoice("acme", "2025-12-01")


def test_one_action_among_others_is_a_treatment() -> None:
    story = acme().outcome("acme", "2026-01-05", action="none").outcome("acme", "2026-01-06", action="contacted")
    assert treated_and_held_out(story) == (True, False)


def test_an_action_on_an_account_that_is_held_out_is_no_treatment() -> None:
    story = acme().outcome("acme", "2026-01-05", action="contacted", holdout=True)
    assert treated_and_held_out(story) == (False, True)


@pytest.mark.parametrize(("withdrawn", "treated"), [("2026-01-21", False), ("2026-01-22", True)])
def test_an_action_counts_unless_it_is_withdrawn_before_the_label_matures(withdrawn: str, treated: bool) -> None:
    story = acme().outcome("acme", "2026-01-05", action="contacted", known_at="2026-01-05")
    story.outcome("acme", "2026-01-05", action="withdrawn", known_at=withdrawn)
    assert treated_and_held_out(story) == (treated, False)


@pytest.mark.parametrize(
    ("used_on", "last_row", "event", "event_at"),
    [
        (None, "2026-06-01", True, date(2026, 1, 21)),
        ("2026-01-10", "2026-06-01", False, None),
        (None, "2026-01-15", None, None),
    ],
)
def test_silence_is_an_event_at_the_end_of_its_window(
    used_on: str | None, last_row: str, event: bool | None, event_at: date | None
) -> None:
    story = acme().account("last", "2025-01-01").health("last", last_row, 50.0)
    if used_on:
        story.invoice("acme", used_on)
    rule = LabelRule("silent", "silence", horizon=20, active_on=("invoices",))
    (row,) = label(story.history(), [CUTOFF], rule).to_pylist()
    assert (row["account_id"], row["event"]) == ("acme", event)
    assert (row["event_at"] and row["event_at"].date()) == event_at


def draws(story: Story) -> tuple[bool, float | None, int]:
    story.account("last", "2025-01-01").health("last", "2026-06-01", 50.0)
    (row,) = label(story.history(), [CUTOFF], BILL, accounts=["acme"]).to_pylist()
    return row["selected"], row["held_probability"], row["held_draws"]


def test_outcomes_that_record_no_draw_leave_its_probability_open() -> None:
    assert draws(acme()) == (False, None, 0)
    assert draws(acme().outcome("acme", "2026-01-05", holdout=True)) == (False, None, 1)


def test_an_account_that_could_have_been_held_out_was_selected() -> None:
    story = acme().outcome("acme", "2026-01-05", action="selected", draw_probability=0.2, draw="north/acme")
    assert draws(story) == (True, 0.2, 0)


def test_nights_of_one_draw_count_once_and_different_draws_are_multiplied() -> None:
    story = acme()
    for day, draw in (("2026-01-05", "x"), ("2026-01-06", "x"), ("2026-01-07", "y")):
        story.outcome("acme", day, action="held_out", holdout=True, draw_probability=0.5, draw=draw)
    assert draws(story) == (False, 0.25, 2)


def test_only_draws_before_the_first_action_were_survived() -> None:
    story = acme().outcome("acme", "2026-01-05", action="held_out", holdout=True).outcome("acme", "2026-01-06")
    assert draws(story.outcome("acme", "2026-01-07", action="held_out", holdout=True)) == (False, None, 1)


def test_the_first_decision_in_the_window_is_dated() -> None:
    story = (
        acme().outcome("acme", "2025-12-30").outcome("acme", "2026-01-09").outcome("acme", "2026-01-06", holdout=True)
    )
    story.account("last", "2025-01-01").health("last", "2026-06-01", 50.0)
    (row,) = label(story.history(), [CUTOFF], BILL, accounts=["acme"]).to_pylist()
    assert row["decided_at"].date() == date(2026, 1, 6)
