"""How invoices are recorded: two currencies, open credit notes, void, draft and zero invoices."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Final

import numpy as np

from pipelines.simulator.situations.truth_log import SourceRow

VOID: Final = 0.012
ZERO: Final = 0.01
DRAFT: Final = 0.006


class Money:
    """Rewrites the invoices of a month."""

    def __init__(self, currency: Mapping[str, str], random: np.random.Generator) -> None:
        self._currency, self._random = currency, random

    def invoices(self, rows: list[SourceRow]) -> list[SourceRow]:
        """The invoices as recorded, in the order given, with those that ask for no money."""
        recorded = []
        for row in rows:
            credit = row["amount"] is not None and row["amount"] < 0
            paid = None if credit and self._random.random() < 0.5 else row["paid_at"]
            status = "open" if paid is None else "paid"
            row = {**row, "paid_at": paid, "currency": self._currency[row["account_id"]], "status": status}
            recorded.append(row)
            if row["amount"] is not None and not credit and row["paid_at"] is None:
                recorded.extend(self._without_claim(row))
        return recorded

    def _without_claim(self, row: SourceRow) -> list[SourceRow]:
        """Now and then another invoice beside it: void, draft or for nothing."""
        roll = self._random.random()
        shares = {"void": VOID, "zero": VOID + ZERO, "draft": VOID + ZERO + DRAFT}
        kind = next((name for name, bound in shares.items() if roll < bound), None)
        if kind is None:
            return []
        other = {**row, "invoice_id": f"{row['invoice_id']}-{kind}", "status": "open" if kind == "zero" else kind}
        if kind == "zero":
            other["amount"] = 0.0
        return [{**other, "known_at": row["known_at"] + timedelta(hours=1)}]
