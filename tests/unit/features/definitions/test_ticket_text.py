"""Plain signals in the text of tickets: what they find, what they leave, and that they see nothing of the future."""

from datetime import date

import duckdb
import pytest
from support.worlds.factories import Story

from features.catalogue import FEATURES, check_features
from features.definitions.ticket_text import CANCEL, COMPETITOR, IMPATIENCE, MANAGER, TEXT_FEATURES
from features.frame import build


def found(condition: str, body: str, subject: str | None = None) -> bool:
    query = f"SELECT {condition} FROM (SELECT CAST(? AS VARCHAR) AS subject, CAST(? AS VARCHAR) AS body)"
    return bool(duckdb.sql(query, params=[subject, body]).fetchall()[0][0])


@pytest.mark.parametrize(
    ("condition", "body"),
    [
        (CANCEL, "If this is not settled, we will cancel at the end of the term."),
        (CANCEL, "We have decided NOT to renew.\nPlease tell us how to terminate the contract."),
        (CANCEL, "We are reviewing whether to renew at all."),
        (COMPETITOR, "We have asked Orbitdesk for an offer."),
        (COMPETITOR, "We are looking at how Planwise does this."),
        (MANAGER, "I want to speak to your manager."),
        (IMPATIENCE, "I have run out of patience with this."),
        (IMPATIENCE, "This is not acceptable"),
    ],
)
def test_what_a_person_would_underline(condition: str, body: str) -> None:
    assert found(condition, body)


@pytest.mark.parametrize("condition", [CANCEL, COMPETITOR, MANAGER, IMPATIENCE])
@pytest.mark.parametrize("body", ["How do we set up the weekly report?", "The export was cancelled by itself.", ""])
def test_plain_questions_are_left_alone(condition: str, body: str) -> None:
    assert not found(condition, body)


def test_a_subject_alone_is_read_too() -> None:
    assert found(IMPATIENCE, "Please call.", subject="Third time: the search")


def test_signals_are_counted_by_what_was_known() -> None:
    story = Story().account("acme").account("calm")
    story.ticket("acme", "2026-02-20", subject="Renewal", body="We will cancel.", known_at="2026-02-20")
    story.ticket("acme", "2026-02-25", subject="Renewal", body="We want to cancel.", known_at="2026-03-05")
    story.ticket("calm", "2026-02-25", subject="Hello", body="How do I log in?", known_at="2026-02-25")
    acme, calm = build(story.history(), [date(2026, 3, 1)], features=TEXT_FEATURES).to_pylist()
    assert (acme["text_cancel_28d"], acme["text_since_cancel_days"]) == (1, 9)
    assert (calm["text_cancel_28d"], calm["text_since_cancel_days"]) == (0, None)


def test_a_source_without_texts_says_nothing() -> None:
    history = Story().account("acme").ticket("acme", "2026-02-20").history()
    row = build(history, [date(2026, 3, 1)], features=TEXT_FEATURES).to_pylist()[0]
    assert {row[feature.name] for feature in TEXT_FEATURES} == {None}


def test_signals_are_off_unless_asked_for_and_stand_beside_the_others() -> None:
    names = {feature.name for feature in FEATURES}
    assert not names & {feature.name for feature in TEXT_FEATURES}
    check_features((*FEATURES, *TEXT_FEATURES))
