"""A ticket is reopened once after each solution, whether its system writes events "reopened", statuses, or both."""

from datetime import datetime, timedelta
from itertools import groupby
from pathlib import Path
from random import Random

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from features.source_table import SourceTable
from features.validation.validate import validate_tables

START = datetime.fromisoformat("2026-06-01")
TICKETS = 300
COLUMNS = ("ticket_id", "occurred_at", "kind", "value")

Event = tuple[str, datetime, str, str | None]


def reopenings(folder: Path, events: list[Event]) -> list[tuple[str, datetime]]:
    """Ticket and instant of every event that is read as a reopening."""
    ids = sorted({ticket for ticket, *_ in events})
    opened = [START] * len(ids)
    tables = {
        "accounts": {"account_id": ["a"], "created_at": [START]},
        "tickets": {"ticket_id": ids, "account_id": ["a"] * len(ids), "opened_at": opened},
        "ticket_events": dict(zip(COLUMNS, map(list, zip(*events, strict=True)), strict=True)),
    }
    folder.mkdir(exist_ok=True)
    sources = []
    for name, rows in tables.items():
        pq.write_table(pa.table(rows), folder / f"{name}.parquet")
        sources.append(SourceTable(name, (str(folder / f"{name}.parquet"),)))
    validation = validate_tables(duckdb.connect(), sources, scratch=folder / "accepted")
    sql = "SELECT ticket_id, occurred_at FROM ticket_events WHERE kind = 'reopened' ORDER BY ALL"
    return [(row["ticket_id"], row["occurred_at"]) for row in validation.history.query(sql).to_pylist()]


def drawn_events(random: Random, *, statuses: bool, own: bool) -> list[Event]:
    """Tickets that are solved and reopened up to four times; each reopening is written as the flags say.

    The status and the event of one reopening are minutes apart, in either order. A draw takes the same random numbers
    whatever the flags are: the transitions are the same.
    """
    events: list[Event] = []
    for number in range(TICKETS):
        ticket, instant = f"t{number}", START + timedelta(hours=random.randrange(24))
        events.append((ticket, instant, "status", "open"))
        for _ in range(random.randrange(5)):
            instant += timedelta(hours=random.choice((1, 5, 30)))
            events.append((ticket, instant, random.choice(("solved", "closed")), None))
            instant = instant.replace(minute=0) + timedelta(hours=random.choice((1, 5, 30)))
            first, second = (timedelta(minutes=random.choice((0, 0, 10, 40))) for _ in range(2))
            status = random.choice(("open", "pending"))
            if statuses:
                events.append((ticket, instant + first, "status", status))
            if own:
                events.append((ticket, instant + second, "reopened", None))
            instant += timedelta(minutes=50)
    random.shuffle(events)
    return events


def by_ticket(pairs: list[tuple[str, datetime]]) -> dict[str, int]:
    return {ticket: len(list(rows)) for ticket, rows in groupby(pairs, key=lambda pair: pair[0])}


def test_a_reopening_counts_once_however_it_is_written(tmp_path: Path) -> None:
    for seed in range(3):
        own, statuses, both = (
            reopenings(tmp_path / f"{seed}{name}", drawn_events(Random(seed), statuses="s" in name, own="o" in name))
            for name in ("o", "s", "os")
        )
        assert len(own) > TICKETS
        assert by_ticket(own) == by_ticket(statuses) == by_ticket(both)
        assert both == own, "the system's own event is the reopening"


def test_two_solutions_of_one_day_are_reopened_twice(tmp_path: Path) -> None:
    hours = [START + timedelta(hours=hour) for hour in (8, 9, 10, 11)]
    events: list[Event] = [
        ("t", hours[0], "solved", None),
        ("t", hours[1], "status", "open"),
        ("t", hours[2], "solved", None),
        ("t", hours[3], "reopened", None),
    ]
    assert reopenings(tmp_path, events) == [("t", hours[1]), ("t", hours[3])]


def test_an_own_event_of_the_next_day_changes_no_earlier_day(tmp_path: Path) -> None:
    days = [START + timedelta(days=day) for day in (1, 2, 3)]
    events: list[Event] = [
        ("t", days[0], "solved", None),
        ("t", days[1], "status", "open"),
        ("t", days[2], "reopened", None),
    ]
    assert reopenings(tmp_path, events) == [("t", days[1]), ("t", days[2])]
