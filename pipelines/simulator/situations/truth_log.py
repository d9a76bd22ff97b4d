"""What really happens to each account, as the rules should see it: one row per change, with the time it was known.

``truth_situations`` is read by time: the situation of an account at a cutoff follows from its rows that were known
before. ``effective_at`` is when the change takes effect (for ``leaving``, when the last contract ends).

- contracts: ``started``; ``leaving`` (the last contract that is not continued ends), ``withdrawn`` (the notice was
  taken back), ``returned`` (a contract begins after the last one had ended); ``continued`` (a contract ended and
  another one continues it), ``partial_loss`` (a contract ends while others run), ``renewal_overdue`` and
  ``renewed_late``, ``downgraded``;
- kinds of accounts: ``trial`` (until ``converted``), ``internal``, ``test``, ``free``, ``partner``; ``school`` and
  ``bot`` by their usage;
- records: ``acquired`` (another parent), ``merged`` (the account goes on under another record), ``owner_left``.
"""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import pyarrow as pa

SourceRow = dict[str, Any]
"""One row of a table as its source recorded it."""

SITUATIONS = pa.schema(
    [
        ("account_id", pa.string()),
        ("situation", pa.string()),
        ("known_at", pa.timestamp("us")),
        ("effective_at", pa.timestamp("us")),
        ("subscription_id", pa.string()),
    ]
)


@dataclass
class TruthLog:
    """Collects the changes until they are released."""

    rows: list[dict[str, object]] = field(default_factory=list)

    def add(
        self, account: str, situation: str, known_at: datetime, effective_at: datetime, *, subscription: str = ""
    ) -> None:
        """Record one change."""
        self.rows.append(
            {
                "account_id": account,
                "situation": situation,
                "known_at": known_at,
                "effective_at": effective_at,
                "subscription_id": subscription or None,
            }
        )

    def release(self) -> pa.Table:
        """The changes since the last release, by the time they were known and account."""
        rows = sorted(self.rows, key=lambda row: (str(row["known_at"]), str(row["account_id"])))
        self.rows = []
        return pa.Table.from_pylist(rows, schema=SITUATIONS)
