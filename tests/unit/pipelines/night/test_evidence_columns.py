"""Evidence in tickets as columns of the candidates: known and written before each cutoff, by customers only."""

from datetime import date

import pyarrow as pa
import pytest
from support.worlds.factories import Story

from pipelines.night.evidence_columns import EVIDENCE_COLUMNS, evidence_columns
from serving.policy.definition.columns import TICKET_EVIDENCE
from serving.policy.definition.policy_file import Policy, default_text

CANCEL = "ticket_asks_to_cancel_28d"
FEB, MARCH = date(2026, 2, 1), date(2026, 3, 1)


def columns(story: Story, *competitors: str, cutoffs: tuple[date, ...] = (MARCH,)) -> list[dict[str, float | None]]:
    rows = [("A", day) for day in cutoffs]
    keys = {"account_id": [account for account, _ in rows], "as_of": pa.array([day for _, day in rows], pa.date32())}
    return pa.table(evidence_columns(story.history(), pa.table(keys), competitors)).to_pylist()


def ticket(
    opened_at: str = "2026-02-10", body: str = "Tell us how to terminate the contract.", **given: object
) -> Story:
    return Story().account("A").ticket("A", opened_at, body=body, subject="Question", **given)


def test_the_policy_may_name_each_column() -> None:
    assert set(EVIDENCE_COLUMNS.values()) == set(TICKET_EVIDENCE)


def test_tickets_are_counted_and_not_their_texts() -> None:
    story = ticket().event("comment", "2026-02-12", "We want to cancel our contract.", actor="customer")
    story.ticket("A", "2026-02-20", body="We will not renew.", subject="Contract")
    (row,) = columns(story)
    assert row[CANCEL] == 2
    assert row["ticket_blocked_28d"] == 0


@pytest.mark.parametrize(
    ("story", "count"),
    [
        (ticket("2026-02-28 20:00"), 1),
        (ticket("2026-03-01"), 0),  # not before the cutoff
        (ticket("2026-01-31"), 0),  # before the window
        (ticket("2026-02-10", known_at="2026-03-02"), 0),  # not known yet
        (ticket(body="We do not want to cancel."), 0),
        (ticket(body="Hello").event("comment", "2026-02-12", "Shall we cancel your contract?", actor="agent"), 0),
        (ticket(body="Hello").event("comment", "2026-02-12", "We want to cancel our contract.", actor="customer"), 1),
    ],
)
def test_only_what_a_customer_wrote_in_the_window(story: Story, count: int) -> None:
    assert columns(story)[0][CANCEL] == count


def test_each_cutoff_has_its_own_window() -> None:
    assert [row[CANCEL] for row in columns(ticket("2026-01-20"), cutoffs=(FEB, MARCH))] == [1, 0]


def test_competitors_of_the_settings_are_looked_for() -> None:
    story = ticket(body="Zorblat is cheaper.")
    assert columns(story)[0]["ticket_names_competitor_28d"] == 0
    assert columns(story, "Zorblat")[0]["ticket_names_competitor_28d"] == 1


def test_without_texts_nothing_is_known() -> None:
    assert columns(Story().account("A"))[0][CANCEL] is None
    assert columns(Story().account("A").ticket("A", "2026-02-10"))[0][CANCEL] is None


def test_only_needed_columns_are_computed() -> None:
    frame = pa.table({"account_id": ["A"], "as_of": pa.array([MARCH], pa.date32())})
    assert evidence_columns(ticket().history(), frame, needed={"arr"}) == {}
    assert list(evidence_columns(ticket().history(), frame, needed={"arr", CANCEL})) == [CANCEL]


def test_the_columns_of_a_policy_are_those_that_are_needed() -> None:
    trigger = (
        f'\n[triggers.asks]\nwhen = "{CANCEL} > 0"\nrisk = "churn"\nraises = "alone"\nmessage = "Asks to cancel"\n'
    )
    assert not Policy.default().conditions.columns & set(TICKET_EVIDENCE)
    assert Policy.parse(default_text() + trigger).conditions.columns & set(TICKET_EVIDENCE) == {CANCEL}


def test_the_version_known_at_a_cutoff_is_searched() -> None:
    story = ticket("2026-01-25", known_at="2026-01-25")
    story.ticket("A", "2026-01-25", body="Solved.", subject="Question", ticket_id="T1", known_at="2026-02-10")
    assert {row["ticket_id"] for row in story.history().query("SELECT ticket_id FROM tickets").to_pylist()} == {"T1"}
    days = (date(2026, 2, 2), date(2026, 2, 12))
    assert [row[CANCEL] for row in columns(story, cutoffs=days)] == [1, 0]


@pytest.mark.parametrize("given", [{"actor": None}, {"event_id": "E1"}, {"event_id": None}])
def test_comments_without_an_actor_or_an_id_are_searched(given: dict[str, str | None]) -> None:
    story = ticket(body="Hello").event("comment", "2026-02-12", "We want to cancel our contract.", **given)
    assert columns(story)[0][CANCEL] == 1
