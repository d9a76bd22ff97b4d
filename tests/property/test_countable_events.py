"""Events that cannot count are not read: the frame at one cutoff is that of many cutoffs, for which all are read."""

from datetime import date, datetime, timedelta

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from features.catalogue import FEATURES
from features.definitions.measures import relations
from features.engine.table_rows.countable_events import CountableEvents
from features.frame import build
from features.history.history import History

CUTOFF = date(2026, 7, 1)
MIDNIGHT = datetime.fromisoformat("2026-07-01")
KNOWN = datetime.fromisoformat("2020-01-01")
SUPPORT = [feature for feature in FEATURES if "timeline" in relations([feature.measure])]

ages = st.one_of(st.integers(0, 600), st.sampled_from((0, 1, 7, 28, 90, 91, 364, 365, 366)))
hours = st.sampled_from((-9, -9, -10, 0))
late = st.sampled_from((0, 0, 0, 1, 40, 300))
tickets = st.tuples(st.sampled_from("abc"), ages, st.sampled_from(("low", "urgent", None)), late)
kinds = st.sampled_from(
    (
        "comment",
        "comment",
        "solved",
        "closed",
        "reopened",
        "assigned",
        "escalated",
        "deescalated",
        "csat",
        "sla_breached",
        "opened",
        "merged",
    )
)
events = st.tuples(
    st.integers(0, 4),
    ages,
    hours,
    kinds,
    st.sampled_from(("agent", "customer", None)),
    st.sampled_from(("1", "5", "x", None)),
    late,
    st.integers(0, 8),
)
Ticket = tuple[str, int, str | None, int]
Event = tuple[int, int, int, str, str | None, str | None, int, int]


def history_of(of_tickets: list[list[Ticket]], of_events: list[Event], *, own_ids: bool) -> History:
    """A history of some tickets, each with its versions, which may be of several accounts, and of their events."""
    accounts = [{"account_id": name, "created_at": KNOWN, "segment": "smb"} for name in "abc"]
    rows = []
    for number, versions in enumerate(of_tickets):
        opened = MIDNIGHT - timedelta(days=versions[0][1], hours=-8)
        for account, _, priority, days in versions:
            known = opened + timedelta(days=days)
            row = {"ticket_id": f"t{number}", "account_id": account, "opened_at": opened, "priority": priority}
            rows.append(row | {"known_at": known, "category": "bug", "channel": None})
    happened = []
    for number, age, hour, kind, actor, value, days, own in of_events:
        occurred = MIDNIGHT - timedelta(days=age, hours=hour)
        row = {"ticket_id": f"t{number % len(of_tickets)}", "occurred_at": occurred, "kind": kind, "actor": actor}
        row |= {"value": value, "known_at": occurred + timedelta(days=days)}
        happened.append(row | ({"event_id": f"e{own}"} if own_ids else {}))
    texts = ["ticket_id", "account_id", "priority", "category", "channel", "kind", "actor", "value", "event_id"]

    def table(of: list[dict[str, object]]) -> pa.Table:
        columns = {name: pa.string() if name in texts else pa.timestamp("us") for name in of[0]}
        return pa.Table.from_pylist(of, schema=pa.schema(columns))

    return History.from_tables(
        {"accounts": pa.Table.from_pylist(accounts), "tickets": table(rows), "ticket_events": table(happened)}
    )


def at_cutoff(history: History, cutoffs: list[date]) -> list[dict[str, object]]:
    """The rows of the frame at the cutoff."""
    return [row for row in build(history, cutoffs, features=SUPPORT).to_pylist() if row["as_of"] == CUTOFF]


@settings(max_examples=15, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    st.lists(st.lists(tickets, min_size=1, max_size=3), min_size=1, max_size=4),
    st.lists(events, min_size=1, max_size=25),
    st.booleans(),
    st.booleans(),
)
def test_events_that_cannot_count_change_nothing(
    of_tickets: list[list[Ticket]], of_events: list[Event], own_ids: bool, equal_hashes: bool
) -> None:
    with pytest.MonkeyPatch.context() as patch:
        if equal_hashes:
            patch.setattr("features.engine.table_rows.ticket_timeline.ids_differ_in_hash", lambda _: False)
        alone = at_cutoff(history_of(of_tickets, of_events, own_ids=own_ids), [CUTOFF])
    before = CUTOFF - timedelta(days=1)
    assert alone == at_cutoff(history_of(of_tickets, of_events, own_ids=own_ids), [before, CUTOFF])


def test_a_ticket_that_was_solved_long_ago_is_left_out_and_its_old_assignments_are_not_read() -> None:
    selected: list[tuple[int, int]] = []
    original = CountableEvents.select

    def noted(self: CountableEvents, blocks: list[object]) -> object:
        found = original(self, blocks)  # type: ignore[arg-type]
        selected.append((sum(map(len, blocks)), len(found[0])))  # type: ignore[arg-type]
        return found

    solved: list[Event] = [(0, 500, -9, "assigned", None, "x", 0, 1), (0, 499, -9, "solved", "agent", None, 0, 2)]
    solved.append((1, 2, -9, "assigned", None, "x", 0, 3))
    history = history_of([[("a", 501, "low", 0)], [("a", 502, "low", 0)]], solved, own_ids=True)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(CountableEvents, "select", noted)
        rows = at_cutoff(history, [CUTOFF])
    assert selected == [(4, 2)]  # not the old assignment; the other ticket's opening and its new assignment may count
    assert rows[0]["tickets_open"] == 1
