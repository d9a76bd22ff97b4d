"""What really happens to each account, as the rules should see it: one row per change, with the day it was known."""

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
    """Situations by account: ``leaving``, ``withdrawn``, ``continued``, ``partial_loss`` and others."""

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
        """The changes since the last release, by account and the time they were known."""
        rows = sorted(self.rows, key=lambda row: (str(row["known_at"]), str(row["account_id"])))
        self.rows = []
        return pa.Table.from_pylist(rows, schema=SITUATIONS)
