"""How unusual an adverse event is among the accounts of one night.

"One feature was dropped" is true of a third of all accounts in most weeks; "four urgent tickets without an answer" of
one in a hundred. A model that has seen few such events gives both hardly any contribution, and a reader wants to know
the second. So the night's own accounts say how rare an event is: the share of them that have it, at least as badly.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from models.data.arrays import Floats
from models.explain.adverse_events import ADVERSE_EVENTS, AdverseRange, adverse_flags, float_values

FEWEST_ACCOUNTS = 50
"""Among fewer accounts nothing can be called unusual."""


@dataclass(frozen=True)
class EventRarity:
    """By feature, the severities of all accounts with an adverse event, ascending; and how many accounts there are."""

    severities: Mapping[str, Floats]
    accounts: int

    @classmethod
    def of(cls, portfolio: pa.Table) -> "EventRarity":
        """The rarity of every adverse event among the rows of a frame, one an account."""
        return cls({name: np.sort(found) for name, found in _severities(portfolio).items()}, portfolio.num_rows)

    @classmethod
    def of_severities(cls, rows: pa.Table, accounts: int) -> "EventRarity":
        """The same from the results of :func:`adverse_severities` for all parts of a frame."""
        events = pc.unique(rows["event"]).to_pylist()
        found = {name: rows.filter(pc.equal(rows["event"], name))["severity"].to_numpy() for name in events}
        return cls({name: np.sort(severities) for name, severities in found.items()}, accounts)

    def shares(self, name: str, rows: pa.Table) -> Floats:
        """For each row the share of all accounts with this event, at least as bad; 1 where the row does not have it."""
        shares = np.ones(rows.num_rows)
        flags = adverse_flags(name, rows)
        known = self.severities.get(name)
        if known is None or self.accounts < FEWEST_ACCOUNTS or not flags.any():
            return shares
        own = _severity(ADVERSE_EVENTS[name], float_values(name, rows)[flags])
        as_bad = len(known) - np.searchsorted(known, own, side="left")
        shares[flags] = np.maximum(as_bad, 1) / self.accounts
        return shares


def adverse_severities(rows: pa.Table) -> pa.Table:
    """``event`` and ``severity`` of every adverse event among some rows of a frame."""
    found = _severities(rows)
    names = [np.repeat(name, len(severities)) for name, severities in found.items()]
    return pa.table(
        {
            "event": pa.array(np.concatenate([np.empty(0, "U1"), *names]), pa.string()),
            "severity": pa.array(np.concatenate([np.empty(0), *found.values()]), pa.float64()),
        }
    )


def _severities(rows: pa.Table) -> dict[str, Floats]:
    """By event the severity in each row that has it."""
    return {
        name: _severity(limits, float_values(name, rows)[adverse_flags(name, rows)])
        for name, limits in ADVERSE_EVENTS.items()
        if name in rows.column_names
    }


def _severity(limits: AdverseRange, values: Floats) -> Floats:
    """Larger is worse; a moment that is only recent or not has one severity."""
    if limits.worse == "same":
        return np.zeros(len(values))
    return values if limits.worse == "more" else -values
