"""How help desks record tickets: status events only, days instead of instants, merged, imported and unassigned."""

from collections.abc import Mapping
from datetime import date, datetime, time, timedelta
from typing import Final

import numpy as np

from pipelines.simulator.situations.truth_log import SourceRow

UNASSIGNED: Final = 0.03
SPAM: Final = 0.01
MERGED: Final = 0.02
_STATUS: Final = {"solved": "solved", "closed": "Closed", "reopened": "open"}


class HelpDesk:
    """Rewrites the tickets and events of a month."""

    def __init__(
        self, desk: Mapping[str, str], day: Mapping[str, date], region: Mapping[str, str], random: np.random.Generator
    ) -> None:
        self._desk, self._day, self._region, self._random = desk, day, region, random
        self._account: dict[str, str] = {}
        self._last: dict[str, tuple[str, datetime]] = {}
        self._merged: set[str] = set()

    def tickets(self, rows: list[SourceRow]) -> tuple[list[SourceRow], list[SourceRow]]:
        """The tickets as recorded, and the events that say that some were merged into another."""
        recorded, merges = [], []
        for row in rows:
            account = row["account_id"]
            self._account[row["ticket_id"]] = account
            row = {**row, "merged_into": None, "url": f"https://help.example/tickets/{row['ticket_id']}"}
            earlier = self._last.get(account)
            if earlier and row["opened_at"] - earlier[1] < timedelta(days=2) and self._random.random() < 10 * MERGED:
                row["merged_into"] = earlier[0]
                self._merged.add(row["ticket_id"])
                at = row["opened_at"] + timedelta(hours=2)
                merges.append(_closing(row, at, earlier[0]))
            else:
                self._last[account] = (row["ticket_id"], row["opened_at"])
            imported = self._desk[account] == "imported" and row["opened_at"].date() < self._day[account]
            if imported:  # the whole history of the old help desk arrives with the date of the import
                opened = datetime.combine(self._day[account], time(3))
                row = {**row, "opened_at": opened, "known_at": opened + timedelta(minutes=15)}
            if self._random.random() < UNASSIGNED:
                row = {**row, "account_id": None}
            recorded.append(row)
            if self._random.random() < SPAM:
                recorded.append(_spam(row))
        return recorded, merges

    def events(self, rows: list[SourceRow]) -> list[SourceRow]:
        """The events as recorded; those of a merged ticket stop with the merge."""
        recorded = []
        for row in rows:
            way = self._desk.get(self._account.get(row["ticket_id"], ""), "usual")
            if row["ticket_id"] in self._merged and row["kind"] in ("solved", "closed", "reopened", "csat"):
                continue
            if way == "status_only" and row["kind"] in _STATUS:
                row = {**row, "kind": "status", "value": _STATUS[row["kind"]]}
            elif way == "day_granular":
                row = {**row, "occurred_at": datetime.combine(row["occurred_at"].date(), time())}
            recorded.append(row)
        return recorded


def _closing(row: SourceRow, at: datetime, into: str) -> SourceRow:
    return {
        "ticket_id": row["ticket_id"],
        "occurred_at": at,
        "kind": "closed",
        "value": f"merged into {into}",
        "actor": "agent",
        "group": row["group"],
        "event_id": f"{row['ticket_id']}-merged",
        "known_at": at + timedelta(minutes=15),
    }


def _spam(row: SourceRow) -> SourceRow:
    return {
        **row,
        "ticket_id": f"{row['ticket_id']}-spam",
        "account_id": None,
        "merged_into": None,
        "subject": "Grow your business with our leads",
        "body": "Dear sir or madam, we offer verified leads at a special price.",
        "category": None,
    }
