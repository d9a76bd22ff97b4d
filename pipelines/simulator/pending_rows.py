"""Rows that have happened but are not known yet, and the time at which they become known.

The parts of a life write rows as plain columns of numbers, with ``account`` (the account's number) and ``known`` (the
instant our copy learned the row). ``release`` hands over what is known before an instant and keeps the rest, so the
tables of a month hold exactly what a nightly copy would have received in that month.
"""

from collections.abc import Mapping

import numpy as np

from pipelines.simulator.clock import Ints, Numbers

Rows = Mapping[str, Numbers]

SYNC = 900
"""Seconds between two looks of our copy at its sources."""


class PendingRows:
    """Rows of every table, waiting for the instant at which they are known."""

    def __init__(self, accounts: int) -> None:
        self._accounts = accounts
        self._waiting: dict[str, list[Rows]] = {}

    def add(self, table: str, **columns: Numbers) -> None:
        """Add rows of a table; accounts beyond the wanted number only fill their block and leave no row."""
        number = columns["account"]
        if number.size == 0:
            return
        if int(number.max()) >= self._accounts:
            keep = number < self._accounts
            columns = {name: values[keep] for name, values in columns.items()}
        self._waiting.setdefault(table, []).append(columns)

    def release(self, before: int) -> dict[str, Rows]:
        """The rows known before that instant, by table, in the order in which they were added."""
        released: dict[str, Rows] = {}
        for table, parts in self._waiting.items():
            rows = _concatenate(parts)
            known = rows["known"] < before
            released[table] = {name: values[known] for name, values in rows.items()}
            self._waiting[table] = [{name: values[~known] for name, values in rows.items()}]
        return released


def synced(instants: Ints) -> Ints:
    """When our copy sees what happened at these instants: at its next look."""
    return (instants // SYNC + 1) * SYNC


def _concatenate(parts: list[Rows]) -> Rows:
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
