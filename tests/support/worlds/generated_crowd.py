"""Many generated histories as one: a few hundred accounts, every one of which is odd in its own way."""

from collections.abc import Collection

import pyarrow as pa
import pyarrow.compute as pc
from hypothesis import HealthCheck, Phase, given, seed, settings

from support.worlds.generated_histories import Generated, histories

IDS = ("account_id", "subscription_id", "ticket_id", "invoice_id")


def crowd(histories_wanted: int, versioned: Collection[str]) -> dict[str, pa.Table]:
    """The tables of so many histories, of each those that keep versions just where ``versioned`` names the table."""
    tables: dict[str, list[pa.Table]] = {}
    for number, one in enumerate(_generated(histories_wanted)):
        for name, rows in one.tables.items():
            if ("known_at" in rows.column_names) == (name in versioned):
                tables.setdefault(name, []).append(_renamed(rows, f"{number:03d}"))
    found = {name: pa.concat_tables(several) for name, several in tables.items()}
    known = found["accounts"].column("account_id")
    return {
        name: rows.filter(pc.is_in(rows.column("account_id"), known)) if "account_id" in rows.column_names else rows
        for name, rows in found.items()
    }


def _generated(wanted: int) -> list[Generated]:
    found: list[Generated] = []

    @seed(7)
    @settings(
        max_examples=wanted,
        database=None,
        phases=[Phase.generate],
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(histories())
    def collect(one: Generated) -> None:
        found.append(one)

    collect()
    return found


def _renamed(rows: pa.Table, prefix: str) -> pa.Table:
    """The rows under ids of their own."""
    for name in IDS:
        if name in rows.column_names:
            place = rows.column_names.index(name)
            rows = rows.set_column(place, name, pc.binary_join_element_wise(prefix, rows.column(name), "-"))
    return rows
