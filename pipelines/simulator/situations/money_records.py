"""How invoices are recorded: two currencies, open credit notes, void, draft and zero invoices."""

from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from pipelines.simulator.clock import Flags, Ints

VOID: Final = 0.012
ZERO: Final = 0.01
DRAFT: Final = 0.006
OPEN_CREDIT: Final = 0.5
"""The share of credit notes that are not set off against an invoice yet."""

_LATER = pa.scalar(3_600_000_000, pa.duration("us"))
_COPIES: Final = (("void", 0.0, VOID), ("zero", VOID, VOID + ZERO), ("draft", VOID + ZERO, VOID + ZERO + DRAFT))


def invoices_as_recorded(
    table: pa.Table, number: Ints, dollars: Flags, paying: Flags, generator: np.random.Generator
) -> pa.Table:
    """The invoices of a month with currency and status; accounts that pay nothing have none.

    ``number`` is the account of each row; ``dollars`` has one entry per account, ``paying`` one per row.
    """
    amount = table["amount"].to_numpy()
    credit = amount < 0
    is_open = table["paid_at"].is_null().to_numpy()
    is_open |= credit & (generator.random(table.num_rows) < OPEN_CREDIT)
    copied = generator.random(table.num_rows)
    paid = pc.if_else(pa.array(is_open), pa.scalar(None, table["paid_at"].type), table["paid_at"])
    recorded = (
        table.set_column(table.column_names.index("paid_at"), "paid_at", paid)
        .append_column("currency", pa.array(np.where(dollars[number], "USD", "EUR")))
        .append_column("status", pa.array(np.where(is_open, "open", "paid")))
    )
    first = paying & is_open & ~credit
    parts = [recorded.filter(pa.array(paying))]
    for name, low, high in _COPIES:
        parts.append(_copy(recorded.filter(pa.array(first & (copied >= low) & (copied < high))), name))
    return pa.concat_tables(parts)


def _copy(rows: pa.Table, kind: str) -> pa.Table:
    """Another invoice beside it that asks for no money: void, draft, or for nothing."""
    changes = {
        "invoice_id": pc.binary_join_element_wise(rows["invoice_id"], kind, "-"),
        "known_at": pc.add(rows["known_at"], _LATER),
        "status": pa.array(["open" if kind == "zero" else kind] * rows.num_rows, pa.string()),
    }
    if kind == "zero":
        changes["amount"] = pa.array(np.zeros(rows.num_rows))
    for name, values in changes.items():
        rows = rows.set_column(rows.column_names.index(name), name, values)
    return rows
