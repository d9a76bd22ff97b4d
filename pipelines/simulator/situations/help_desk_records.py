"""How help desks record tickets: status events only, days instead of instants, merged, imported and unassigned."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime, time, timedelta
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from pipelines.simulator.clock import Flags, Ints
from pipelines.simulator.situations.truth_log import SourceRow

UNASSIGNED: Final = 0.03
SPAM: Final = 0.01
MERGED: Final = 0.2
"""The share of tickets that are merged into the account's ticket of the day before, where there is one."""

_STATUS: Final = {"solved": "solved", "closed": "Closed", "reopened": "open"}
_NOT_AFTER_MERGE: Final = ("solved", "closed", "reopened", "csat")
_DAY: Final = 86_400_000_000


class HelpDesk:
    """Rewrites the tickets and events of a month. The arrays and sequences have one entry per account."""

    def __init__(
        self,
        accounts: Mapping[str, int],
        status_only: Flags,
        day_granular: Flags,
        imported: Flags,
        day: Sequence[date],
        generator: np.random.Generator,
    ) -> None:
        self._accounts, self._day, self._random = accounts, day, generator
        self._status_only, self._day_granular, self._imported = status_only, day_granular, imported
        self._last: dict[str, tuple[str, datetime]] = {}
        self._merged: set[str] = set()

    def tickets(self, rows: list[SourceRow]) -> tuple[list[SourceRow], list[SourceRow]]:
        """The tickets as recorded, and the events that say that some were merged into another."""
        recorded, merges = [], []
        rolls = self._random.random((len(rows), 3))
        for row, (merged, unassigned, spam) in zip(rows, rolls.tolist(), strict=True):
            ticket, account = row["ticket_id"], row["account_id"]
            row["merged_into"], row["url"] = None, f"https://help.example/tickets/{ticket}"
            earlier = self._last.get(account)
            if earlier and row["opened_at"] - earlier[1] < timedelta(days=2) and merged < MERGED:
                row["merged_into"] = earlier[0]
                self._merged.add(ticket)
                merges.append(_closing(row, row["opened_at"] + timedelta(hours=2), earlier[0]))
            else:
                self._last[account] = (ticket, row["opened_at"])
            number = self._accounts[account]
            if self._imported[number] and row["opened_at"].date() < self._day[number]:
                self._import(row, self._day[number])
            if unassigned < UNASSIGNED:
                row["account_id"] = None
            recorded.append(row)
            if spam < SPAM:
                recorded.append(_spam(row))
        return recorded, merges

    def events(self, table: pa.Table) -> pa.Table:
        """The events as recorded; those of a merged ticket stop with the merge."""
        ticket, kind = table["ticket_id"], table["kind"].cast(pa.string())
        number = pc.utf8_slice_codeunits(ticket, 2, 8).cast(pa.int32()).to_numpy()
        merged = pc.is_in(ticket, value_set=pa.array(sorted(self._merged), pa.string()))
        wanted = pc.invert(pc.and_(merged, pc.is_in(kind, value_set=pa.array(_NOT_AFTER_MERGE))))
        status = self._status_only[number] & pc.is_in(kind, value_set=pa.array(list(_STATUS))).to_numpy()
        value = table["value"].cast(pa.string())
        for name, word in _STATUS.items():
            value = pc.if_else(pa.array(status & pc.equal(kind, name).to_numpy()), word, value)
        occurred = table["occurred_at"].cast(pa.int64()).to_numpy()
        days: Ints = np.where(self._day_granular[number], occurred // _DAY * _DAY, occurred)
        changed = {
            "kind": pc.if_else(pa.array(status), "status", kind),
            "value": value,
            "occurred_at": pa.array(days).cast(pa.timestamp("us")),
        }
        for name, values in changed.items():
            table = table.set_column(table.column_names.index(name), name, values)
        return table.filter(wanted)

    @staticmethod
    def _import(row: SourceRow, day: date) -> None:
        """The whole history of the old help desk arrives with the date of the import."""
        row["opened_at"] = datetime.combine(day, time(3))
        row["known_at"] = row["opened_at"] + timedelta(minutes=15)


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
